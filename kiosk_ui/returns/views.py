"""Returns at the counter: find what was handed over, choose units, say why, close; each a button.

It must never know a rule: what may come back, and what is refunded, the room says.
"""

from typing import Any, Final

import msgspec
from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from hub.errors import HubError, Invalid, NotFound
from hub.journal import Transaction
from hub.returns import actions, queries, rules
from kiosk_ui.counter import find as counter
from kiosk_ui.counter import scans
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.returns import elsewhere as abroad
from kiosk_ui.returns import find, shown, strange
from kiosk_ui.session import hub, need
from kiosk_ui.words import _

returns = Blueprint("returns", __name__, url_prefix="/counter/returns")
UNITS: Final = "qty:"
# The form names articles, for nobody here knows the order's lines.
BY_SKU: Final = "by_sku"
MOST_DIGITS: Final = 6
# What may be pressed on a return's page, and the right that it needs.
STEPS: Final = {"dispose": "returns", "close": "returns", "cancel": "returns", "refund": "refund"}


@returns.get("")
def page() -> str:
    need("returns")
    return render_template("returns/page.html", here="counter", tab="returns", **shown.lists())


@returns.get("/body")
def body() -> str:
    need("returns")
    return render_template("returns/list.html", **shown.lists())


@returns.post("/look")
def look() -> BaseResponse:
    """Open what was scanned or typed, or list what it may mean."""
    need("returns")
    text = find.clean(request.form.get("text", "").strip())[: scans.LONGEST]
    typing = "typing" in request.form
    if len(text) < counter.SHORTEST:
        return Response(status=204)
    try:
        with hub().reader() as connection:
            named = find.exact(connection, text)
            found = [] if named else find.orders(connection, text)
            if named and not abroad.is_abroad(named[1] if named[0] == "order" else None):
                shown.sources(connection, *named)
    except NotFound:
        named, found = None, []
    except HubError as error:
        return scans.said(error.sentence)
    if named and not typing:
        return scans.go(_address(*named))
    if len(found) == 1 and not typing:
        return scans.go(_address("order", found[0]["order_id"]))
    return Response(
        render_template(
            "returns/found.html",
            text=text[: counter.LONGEST],
            found=found,
            named=named,
            elsewhere=not named and find.maybe_abroad(text),
            address=_address,
        )
    )


def _address(kind: str, ref: str) -> str:
    named: dict[str, Any] = {kind: ref}
    return url_for("returns.take_page", **named)


@returns.get("/take")
def take_page() -> str:
    need("returns")
    kind, ref = _source(request.args)
    found = strange.taking(ref) if _is_abroad(kind, ref) else shown.taking(kind, ref)
    return render_template("returns/take.html", here="counter", tab="returns", **found)


def _is_abroad(kind: str, ref: str) -> bool:
    return kind == "order" and abroad.is_abroad(ref)


@returns.post("/count")
def count() -> str:
    """One more unit of the article that was scanned; what was chosen so far stays chosen."""
    need("returns")
    kind, ref = _source(request.form)
    counted, text = _counted(), find.clean(request.form.get("text", "").strip())
    if _is_abroad(kind, ref):
        counted, refused, hit = strange.counted(ref, counted, text, BY_SKU in request.form)
        return _part(kind, ref, counted, refused, hit)
    with hub().reader() as connection:
        sources = shown.sources(connection, kind, ref)
        sku = counter.sku_of(connection, text)
    of_sku = [key for key, source in sources.items() if source.sku == sku]
    room = [key for key in of_sku if counted.get(key, 0) < find.left(sources[key])]
    refused = None
    if room:
        counted[room[0]] = counted.get(room[0], 0) + 1
    elif of_sku:
        refused = _("No more of this article can come back: all that was handed over is counted.")
    else:
        refused = _("This article was not handed over with this order or receipt.")
    return _part(kind, ref, counted, refused, room[0] if room else None)


@returns.post("/take")
def take() -> BaseResponse:
    """The goods lie on the counter."""
    person = need("returns")
    kind, ref = _source(request.form)
    counted = {key: qty for key, qty in _counted().items() if qty > 0}
    reason = request.form.get("reason", "")
    asked: dict[str, Any] = {
        "lines": [
            {
                "line_id" if kind == "order" and BY_SKU not in request.form else "sku": key,
                "qty": qty,
            }
            for key, qty in counted.items()
        ],
        "reason": reason,
        f"{kind}_id": ref,
        "disposition": request.form.get("disposition") or rules.DEFAULTS.get(reason),
    }

    def work(tx: Transaction, cause: str) -> tuple[int, Any]:
        opened, _entries = actions.open_return(tx, **asked, actor=person.actor, cause=cause)
        return 201, queries.shown(tx.conn, opened)

    refused: str | None = None
    if not counted:
        refused = _("Choose at least one unit: scan it, or touch plus.")
    elif not reason:
        refused = _("Say why it comes back.")
    else:
        key = request.form.get("key") or None
        sent = Press(person, "POST /counter/returns/take", key, msgspec.json.encode(asked))
        try:
            reply = abroad.take(sent, asked) if _is_abroad(kind, ref) else sent.run(work)
            refused = as_problem(reply)
            if refused is None:
                opened = msgspec.json.decode(reply.body)["return_id"]
                return scans.go(url_for("returns.one", return_id=opened))
        except HubError as error:
            refused = error.sentence
    return Response(_part(kind, ref, counted, refused))


@returns.get("/<return_id>")
def one(return_id: str) -> str:
    need("returns")
    return render_template(
        "returns/one.html", here="counter", tab="returns", **shown.one(return_id)
    )


@returns.get("/<return_id>/body")
def one_body(return_id: str) -> str:
    need("returns")
    return render_template("returns/one_body.html", **shown.one(return_id))


@returns.post("/<return_id>/<step>")
def press(return_id: str, step: str) -> BaseResponse:
    """Take a step; the answer is the return as it stands then."""
    if step not in STEPS:
        raise NotFound("There is no such step.")
    person = need(STEPS[step])
    asked = {name: request.form.get(name, "") for name in ("line_id", "disposition", "state")}

    def work(tx: Transaction, cause: str) -> tuple[int, Any]:
        who = {"actor": person.actor, "cause": cause}
        if step == "dispose":
            actions.dispose(tx, return_id, asked["line_id"], asked["disposition"], **who)
        elif step == "close":
            actions.close(tx, return_id, **who)
        elif step == "cancel":
            actions.cancel(tx, return_id, "BUYER_REQUEST", **who)
        else:
            actions.settle_refund(tx, return_id, asked["state"], **who)
        return 200, queries.shown(tx.conn, return_id)

    route, key = f"POST /api/v1/returns/{return_id}/{step}", request.form.get("key") or None
    try:
        refused = as_problem(Press(person, route, key, msgspec.json.encode(asked)).run(work))
    except HubError as error:
        refused = error.sentence
    if not request.headers.get("HX-Request"):
        return redirect(url_for("returns.one", return_id=return_id), 303)
    return Response(
        render_template("returns/one_body.html", refused=refused, **shown.one(return_id))
    )


def _part(
    kind: str, ref: str, counted: dict[str, int], refused: str | None, hit: str | None = None
) -> str:
    chosen = {name: request.form.get(name, "") for name in ("reason", "disposition")}
    if _is_abroad(kind, ref):
        found = strange.taking(ref, counted, chosen)
        if found["provisional"] != (BY_SKU in request.form):
            # The line came or went since the page was drawn: what was counted has other names now.
            found = strange.taking(ref, None, chosen)
    else:
        found = shown.taking(kind, ref, counted, chosen)
    return render_template("returns/take_body.html", refused=refused, hit=hit, **found)


def _source(given: Any) -> tuple[str, str]:
    """Return what the goods were handed over with: an order or a till's receipt."""
    for kind in ("order", "sale"):
        if ref := given.get(kind):
            return kind, ref
    raise Invalid("Goods come back by an order or by a receipt.", field="order")


def _counted() -> dict[str, int]:
    """Return the units chosen on the form, by line; what is no number counts as none."""
    return {
        name.removeprefix(UNITS): int(text)
        for name, text in request.form.items()
        if name.startswith(UNITS) and text.isdecimal() and len(text) <= MOST_DIGITS
    }
