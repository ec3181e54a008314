"""The pickup counter: the board, an order's page, each step as a button.

It must never show a name without somebody signed in.
"""

from typing import Any

import msgspec
from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from hub.errors import HubError, NotFound
from hub.journal import Transaction
from hub.pickup import queries
from kiosk_ui.counter import find, hands, page, scans
from kiosk_ui.counter.board import Board
from kiosk_ui.pressing import Press, as_problem, wrong
from kiosk_ui.session import Person, hub, need
from kiosk_ui.steps import STEPS

counter = Blueprint("counter", __name__, url_prefix="/counter")
boards = Board()
# Which drawing of the board a screen shows (counter.js).
DRAWING = "X-Board"
FORM_ONLY = ("csrf_token", "key", "from")


@counter.get("")
def board() -> str:
    person = need("orders")
    # A browser may lose the word that a handover was left; who looks at the board has none open.
    if screen := session.get("hands"):
        hands.hold(screen, person.name, ())
    return render_template("counter/board.html", here="counter", columns=boards.shown())


@counter.get("/columns")
def columns() -> str:
    need("orders")
    return boards.shown(request.headers.get(DRAWING))


@counter.get("/orders/<order_id>")
def order_page(order_id: str) -> str:
    person = need("orders")
    return page.whole(order_id, person, code=request.args.get("code"))


@counter.get("/orders/<order_id>/body")
def order_body(order_id: str) -> BaseResponse:
    """Show the order anew; a screen that shows this version keeps what a person is filling in."""
    person = need("orders")
    with hub().reader() as connection:
        version = queries.load(connection, order_id).version
    if request.args.get("version") == str(version):
        return Response(status=204)
    return Response(page.part(order_id, person, code=request.args.get("code")))


@counter.post("/orders/<order_id>/<step>")
def press(order_id: str, step: str) -> BaseResponse:
    """Take a step; the answer is the order (or the board) as it stands then."""
    if step not in STEPS or step == "handover":  # that has a screen of its own
        raise NotFound("There is no such step.")
    person = need(step)
    refused = take(person, order_id, step, asked_body(step))
    if request.form.get("from") == "board":
        return Response(boards.shown(request.headers.get(DRAWING)) + _toast(refused))
    if not request.headers.get("HX-Request"):
        return redirect(url_for("counter.order_page", order_id=order_id), 303)
    hit = request.form.get("line_id")
    return Response(page.part(order_id, person, refused=refused, hit=hit))


@counter.post("/scan")
def scan() -> BaseResponse:
    """Understand what a keyboard-wedge scanner or a person typed, on any screen."""
    person = need("orders")
    text = request.form.get("text", "").strip()
    order_id = request.form.get("order_id") or None
    listed = "found" in request.form
    return scans.answer(text, order_id, person, request.form.get("key") or None, listed=listed)


@counter.post("/find")
def look() -> BaseResponse:
    """List what the letters typed so far may mean."""
    need("customers")
    text = request.form.get("text", "").strip()
    if len(text) < find.SHORTEST:
        return Response(status=204)
    return Response(find.found(text))


def asked_body(step: str) -> dict[str, Any]:
    """Return the form's fields as the step's JSON body."""
    form = {name: text for name, text in request.form.items() if name not in FORM_ONLY}
    if "code" in form and not form["code"]:
        del form["code"]
    if step == "substitute" and "sku" in form:
        with hub().reader() as connection:  # a scanned barcode, or a typed SKU
            form["sku"] = find.sku_of(connection, form["sku"].strip()) or form["sku"]
    return {name: text.strip() for name, text in form.items()}


def take(person: Person, order_id: str, step: str, body: dict[str, Any]) -> str | None:
    """Run a step; return the sentence of its refusal, None when it is done."""
    taken = STEPS[step]
    try:
        asked: Any = msgspec.convert(body, taken.body, strict=False)
    except msgspec.ValidationError as error:
        return wrong(error).sentence
    sent = Press(
        person,
        f"POST /api/v1/orders/{order_id}/{step}",
        request.form.get("key") or None,
        msgspec.json.encode(asked),
    )

    def work(tx: Transaction, cause: str) -> tuple[int, Any]:
        taken.run(tx, order_id, asked, actor=person.actor, cause=cause)
        return 200, queries.order(tx.conn, order_id)

    try:
        reply = sent.run(work)
    except HubError as error:
        return error.sentence
    return as_problem(reply)


def _toast(refused: str | None) -> str:
    if refused is None:
        return ""
    return render_template("parts/toast.html", sentence=refused)
