"""The fleet page for head office: which stores need a hand, in a browser.

It must never show anything to who has not shown a token, and never grow with the fleet: a page
has a hundred rows, and stores that fell silent together are one.
"""

from datetime import datetime, timedelta
from typing import Any, Final, get_args

from flask import Blueprint, Flask, Response, redirect, render_template, request, session, url_for
from flask_limiter import Limiter
from werkzeug.wrappers import Response as AnyResponse

from hub.clock import stamp

from . import fleet_rules, store_access
from .fleet_rules import Condition, Fleet, Standing
from .fleet_views import PAGE, judged, shown
from .web import MAY, bearer, inventory

blueprint = Blueprint("fleet", __name__)
SIGNED_IN: Final = "token"
LASTS: Final = timedelta(hours=12)
TITLES: Final[dict[Condition, str]] = {
    "held": "Two hubs",
    "failed": "Failed",
    "unreachable": "Unreachable",
    "late": "Late",
    "quarantine": "Quarantine",
    "new": "Not yet heard",
    "well": "Well",
}


def register(app: Flask, limiter: Limiter) -> None:
    app.permanent_session_lifetime = LASTS
    limiter.limit("10 per minute", methods=["POST"])(blueprint)
    app.register_blueprint(blueprint)
    app.jinja_env.filters["age"] = age
    app.jinja_env.filters["moment"] = moment


def age(seconds: float | None) -> str:
    """Return an age as people say it; "" where it is not known."""
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def moment(at: str, now: str) -> str:
    """Return a moment (a stamp) as people say it: with its day where that is not today's."""
    return at[11:16] if at[:10] == now[:10] else f"{at[:10]} {at[11:16]}"


def _known() -> str | None:
    """Return the name of the token that this request shows or that the browser signed in with."""
    with inventory().store.reader() as conn:
        if token := bearer():
            known = store_access.token_of(conn, token)
        else:
            known = store_access.token_of_digest(conn, session.get(SIGNED_IN, ""))
    return known[0] if known is not None and "read" in MAY[known[1]] else None


@blueprint.get("/fleet")
def fleet() -> AnyResponse | str:
    if _known() is None:
        return Response(render_template("sign_in.html", problem=None), 401)
    found, now = judged()
    words, group = request.args.get("q", "")[:100], request.args.get("group", "")
    condition = request.args.get("condition", "")
    if condition not in get_args(Condition):
        condition = ""
    chosen = fleet_rules.chosen(found, condition, words)
    groups = found.groups if not words and not group else ()
    chosen = _of_group(found, chosen, group) if group else _ungrouped(groups, chosen)
    start = _number(request.args.get("after", "0"))
    central = inventory().store.generation
    return render_template(
        "fleet.html",
        now=stamp(now),
        total=len(found.standings),
        counts=[(name, TITLES[name], found.counts[name]) for name in fleet_rules.URGENCY],
        groups=[
            {"since": stamp(one.since), "stores": len(one.stores), "some": one.stores[:3]}
            for one in groups
            if condition in ("", "unreachable") and start == 0
        ],
        rows=[_row(one, now, central) for one in chosen[start : start + PAGE]],
        condition=condition,
        query=words,
        group=group,
        before=max(0, start - PAGE) if start else None,
        after=start + PAGE if start + PAGE < len(chosen) else None,
        first=start + 1,
        last=min(start + PAGE, len(chosen)),
        chosen=len(chosen),
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def _ungrouped(
    groups: tuple[fleet_rules.Group, ...], chosen: tuple[Standing, ...]
) -> tuple[Standing, ...]:
    in_one = {store for group in groups for store in group.stores}
    return tuple(one for one in chosen if one.seen.store not in in_one)


def _of_group(found: Fleet, chosen: tuple[Standing, ...], since: str) -> tuple[Standing, ...]:
    stores = {store for one in found.groups if stamp(one.since) == since for store in one.stores}
    return tuple(one for one in chosen if one.seen.store in stores)


def _row(one: Standing, now: datetime, generation: str) -> dict[str, Any]:
    row = shown(one, now, generation)
    waits = sum(row["quarantine"].values())
    return row | {"title": TITLES[one.condition], "quarantined": waits}


@blueprint.post("/fleet/sign-in")
def sign_in() -> AnyResponse:
    token = request.form.get("token", "").strip()
    with inventory().store.reader() as conn:
        known = store_access.token_of(conn, token)
    if known is None or "read" not in MAY[known[1]]:
        told = "Central does not know this token."
        return Response(render_template("sign_in.html", problem=told), 401)
    # The cookie is signed and holds the digest: a token that is deleted opens nothing any more.
    session.clear()
    session.permanent = True
    session[SIGNED_IN] = store_access.digest(token).hex()
    return redirect(url_for("fleet.fleet"), 303)


@blueprint.post("/fleet/sign-out")
def sign_out() -> AnyResponse:
    session.clear()
    return redirect(url_for("fleet.fleet"), 303)
