"""Goods that come from elsewhere for an order: scan the parcel, say what is in it, put it away.

It must never receive by a scan alone: a person says first whether all of it is whole.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hub.errors import HubError
from hub.journal import Transaction
from hub.pickup import actions, queries
from hub.pickup.arrival import queries as arrivals
from hub.pickup.arrival.rules import read_parcel
from hub.pickup.code import PREFIX
from hub.tasks import queries as work
from hub.tasks.rules import Kind
from kiosk_ui import show
from kiosk_ui.counter import cards, page, views
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.session import Person, hub, need
from kiosk_ui.words import _

counter_arrivals = Blueprint("counter_arrivals", __name__, url_prefix="/counter/arrivals")
LONGEST: Final = 4_096
# The fields of a line's row in the form: how many did not come, how many came damaged.
PARTS: Final = ("missing", "damaged")


@counter_arrivals.get("")
def whole() -> str:
    need("receive")
    code = request.args.get("code", "")[:LONGEST]
    return render_template("counter/arrivals.html", here="counter", tab="arrivals", **_shown(code))


@counter_arrivals.get("/body")
def body() -> str:
    need("receive")
    return _body(request.args.get("code", "")[:LONGEST])


@counter_arrivals.post("/scan")
def scan() -> str:
    """Show what a parcel is for. Nothing is received yet."""
    need("receive")
    return _body(request.form.get("text", "").strip()[:LONGEST])


@counter_arrivals.post("/receive/<order_id>")
def receive(order_id: str) -> BaseResponse:
    """All of it is here, or what the form says is not."""
    person = need("receive")
    code = request.form.get("code", "").strip()
    asked: dict[str, Any] = {"parcel": code} if code else {}
    if "some" in request.form:
        asked["lines"] = _lacking(request.form)
    refused = views.take(person, order_id, "receive", asked)
    done = None if refused else _("Received")
    return Response(_body(order_id, refused=refused, done=done))


@counter_arrivals.post("/shelf/<order_id>")
def shelf(order_id: str) -> BaseResponse:
    """What came together is picked and staged at once."""
    person = need("put_away")
    number = request.form.get("shelf", "").strip()
    refused = views.take(person, order_id, "put_away", {"shelf": number})
    if refused:
        return Response(_body(order_id, refused=refused))
    with hub().reader() as connection:
        order = queries.load(connection, order_id)
    done = _("%(code)s stands on %(shelf)s", code=order.label, shelf=order.shelf or "")
    return Response(_body("", done=done))


@counter_arrivals.post("/aside")
def aside() -> BaseResponse:
    """No order is known for it: it waits as a task, and nothing is lost."""
    person = need("receive")
    code = request.form.get("code", "").strip()[:LONGEST]

    def run(tx: Transaction, cause: str) -> tuple[int, Any]:
        actions.put_aside(tx, code, actor=person.actor, cause=cause)
        return 200, {}

    refused = _refused(person, "POST /counter/arrivals/aside", {"code": code}, run)
    return Response(_body(code if refused else "", refused=refused))


def _refused(
    person: Person, route: str, asked: Any, run: Callable[[Transaction, str], Any]
) -> str | None:
    key = request.form.get("key") or None
    try:
        return as_problem(Press(person, route, key, msgspec.json.encode(asked)).run(run))
    except HubError as error:
        return error.sentence


def _lacking(form: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the lines of which something is missing or damaged, as the form names them."""
    found: dict[str, dict[str, Any]] = {}
    for name, text in form.items():
        part, _sep, line_id = name.partition(":")
        if part in PARTS and line_id and text.strip() not in ("", "0"):
            found.setdefault(line_id, {"line_id": line_id})[part] = text.strip()
    return list(found.values())


def _body(code: str, refused: str | None = None, done: str | None = None) -> str:
    shown = _shown(code)
    shown["refused"] = refused or shown["refused"]
    return render_template("counter/arrivals_body.html", done=done, **shown)


def _shown(code: str) -> dict[str, Any]:
    """Return the parcel's order, what else is to come, what waits for a shelf, what for its order.

    `unknown`: the code was read, and no order is known for it.
    """
    refused, order_id = None, None
    with hub().reader() as connection:
        try:
            order_id = arrivals.order_of(connection, code) if code else None
        except HubError as error:
            refused = error.sentence
        known = cards.Known(connection)
        order = queries.order(connection, order_id) if order_id else None
        coming = [one for one in arrivals.expected(connection) if one != order_id]
        here = [one for one in arrivals.to_put_away(connection) if one != order_id]
        waiting = work.board(connection, kinds=[Kind.PARCEL.value])
        return {
            "code": code,
            "refused": refused,
            "unknown": bool(code) and order is None and refused is None,
            "order": order,
            "lines": [page.line_shown(line, known) for line in order["lines"]] if order else [],
            "by_parcel": (scanned := _by_parcel(order, code)),
            # Received without this one: the refusal says what to do with it.
            "late": order is not None
            and any(one["code"] == scanned and not one["here"] for one in order["parcels"]),
            "timing": show.timer(order["promise_at"], hub().clock.now()) if order else None,
            "coming": [_row(queries.order(connection, one), known) for one in coming],
            "here_now": [_row(queries.order(connection, one), known) for one in here],
            "aside": [
                {"code": task["subject"].removeprefix("parcel:"), "at": task["opened_at"]}
                for task in waiting
                if task["reason"] == "NO_ORDER"
            ],
            "keys": lambda: secrets.token_hex(12),
        }


def _by_parcel(order: Mapping[str, Any] | None, code: str) -> str:
    """Return the parcel that was scanned, where it is one; the order's number is none."""
    if order is None or code.startswith(PREFIX):
        return ""
    if code in ("", order["order_id"], order["short_code"]):
        return ""
    return read_parcel(code)


def _row(order: Mapping[str, Any], known: cards.Known) -> dict[str, Any]:
    return {
        "order": order,
        "images": [known.image(line["sku"]) for line in order["lines"][: cards.THUMBS]],
        "units": sum(line["ordered"] for line in order["lines"]),
        "here": sum(one["here"] for one in order["parcels"]),
    }
