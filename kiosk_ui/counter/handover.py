"""The handover: what to fetch from which shelf, the proof, and the one button.

It must never decide what proves a customer: the pickup room checks each order's proof by itself.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, render_template, request, session
from werkzeug.wrappers import Response as BaseResponse

from hub import journal
from hub.customers import actions as customers
from hub.customers import queries as people
from hub.errors import HubError, Invalid
from hub.journal import Transaction
from hub.pickup import code as codes
from hub.pickup import queries
from kiosk_ui.counter import cards, hands, page
from kiosk_ui.pressing import Press, as_problem, wrong
from kiosk_ui.session import Person, hub, need
from kiosk_ui.steps import STEPS
from kiosk_ui.words import _

handover = Blueprint("handover", __name__, url_prefix="/counter/handover")
READY: Final = "READY_FOR_PICKUP"
# What is on its way to the customer as well, and is said beside what can be fetched now.
COMING: Final = ("PROPOSED", "RESERVED", "IN_TRANSIT", "RECEIVED", "PICKING", "PREPARED", "ON_HOLD")
SIGNATURE: Final = "signature"
# What the form may add to a handover: who came, and that an age was looked at.
ALSO: Final = ("collected_by", "age_checked")


@handover.get("/<order_id>")
def whole(order_id: str) -> str:
    person = need("orders")
    return render_template(
        "counter/handover.html", here="counter", **_shown(order_id, person, _code())
    )


@handover.get("/<order_id>/body")
def body(order_id: str) -> BaseResponse:
    """Show it anew, unless this screen shows just that: what a person fills in is kept."""
    person = need("orders")
    shown = _shown(order_id, person, _code(), opened=False)
    if request.args.get("mark") == shown["mark"]:
        return Response(status=204)
    return Response(render_template("counter/handover_body.html", **shown))


@handover.post("/<order_id>/here")
def here(order_id: str) -> BaseResponse:
    """The page is still open."""
    person = need("orders")
    hands.hold(_screen(), person.name, _ready(order_id))
    return Response(status=204)


@handover.post("/away")
def away() -> BaseResponse:
    """The page is left: nobody waits for this screen."""
    person = need("orders")
    hands.hold(_screen(), person.name, ())
    return Response(status=204)


@handover.post("/<order_id>")
def give(order_id: str) -> BaseResponse:
    """Hand over what was ticked; each order is an append of its own, done once by its key."""
    person = need("handover")
    taken = request.form.getlist("take")
    done: list[str] = []
    refused: list[str] = []
    # A form with one order has no ticks, and a program need not send any.
    if not taken and request.form.get("ticks"):
        refused.append(_("Tick at least one order to hand over."))
    elif not taken:
        taken = [order_id]
    proof = _proof()
    for one in taken:
        sentence = _give(person, one, proof)
        if sentence is None:
            done.append(one)
        else:
            refused.append(sentence)
    shown = _shown(order_id, person, request.form.get("code") or None, done)
    return Response(
        render_template("counter/handover_body.html", refused=list(dict.fromkeys(refused)), **shown)
    )


def _give(person: Person, order_id: str, proof: dict[str, str]) -> str | None:
    """Hand one order over; return the sentence of a refusal."""
    prefix = f"qty:{order_id}:"
    named = [
        {"line_id": name.removeprefix(prefix), "qty": text}
        for name, text in request.form.items()
        if name.startswith(prefix)
    ]
    lines = [line for line in named if line["qty"] not in ("", "0")]
    if named and not lines:
        return _("Choose at least one unit to hand over.")
    asked_body: dict[str, Any] = {"proof": proof, **({"lines": lines} if lines else {})}
    if request.form.get("confirmed"):
        asked_body["confirmed"] = True
    step = STEPS["handover"]
    known = {field.name for field in msgspec.structs.fields(step.body)}
    for name in ALSO:
        if (text := request.form.get(name)) and name in known:
            asked_body[name] = text == "yes" or text
    try:
        asked: Any = msgspec.convert(asked_body, step.body, strict=False)
    except msgspec.ValidationError as error:
        return wrong(error).sentence
    strokes = request.form.get("strokes", "") if proof["kind"] == SIGNATURE else ""

    def work(tx: Transaction, cause: str) -> tuple[int, Any]:
        if proof["kind"] == SIGNATURE:
            order = queries.load(tx.conn, order_id)
            customers.sign(tx, order.customer_ref, order_id, strokes)
        step.run(tx, order_id, asked, actor=person.actor, cause=cause)
        return 200, queries.order(tx.conn, order_id)

    key = request.form.get("key") or None
    route = f"POST /api/v1/orders/{order_id}/handover"
    try:
        return as_problem(Press(person, route, key, msgspec.json.encode(asked)).run(work))
    except HubError as error:
        return error.sentence


def _proof() -> dict[str, str]:
    """Return what the form's one choice says: a code, a signature, or which document was seen."""
    chosen = request.form.get("proof", "")
    if chosen == "code":
        return {"kind": "code", "value": request.form.get("code", "").strip()}
    if chosen == SIGNATURE:
        return {"kind": SIGNATURE, "value": "drawn"}
    if chosen in {kind for kind, _label in page.ID_KINDS}:
        return {"kind": "id_seen", "value": chosen}
    raise Invalid(_("Choose what proves that this is the customer."), field="proof")


def _code() -> str | None:
    return request.args.get("code") or None


def _screen() -> str:
    """Return this browser's name among those that hand over; it is nobody's name."""
    found: str = session.setdefault("hands", secrets.token_urlsafe(6))
    return found


def _ready(order_id: str) -> list[str]:
    with hub().reader() as connection:
        order = queries.load(connection, order_id)
        return [one for one, state in _theirs(connection, order) if state == READY]


def _theirs(connection: Any, order: Any) -> list[tuple[str, str]]:
    """Return (id, state) of the customer's orders, the one that was asked for first."""
    asked = (order.order_id, order.state.value)
    if order.customer_ref is None:
        return [asked]
    found = queries.of_customer(connection, order.customer_ref)
    return [asked, *(one for one in found if one[0] != order.order_id)]


def _shown(
    order_id: str,
    person: Person,
    code: str | None,
    done: list[str] | None = None,
    *,
    opened: bool = True,
) -> dict[str, Any]:
    """Return all that the handover's templates need, and note that this screen shows it."""
    with hub().reader() as connection:
        asked = queries.load(connection, order_id)
        theirs = _theirs(connection, asked)
        known = cards.Known(connection)
        parcels = [
            _parcel(queries.order(connection, one), known)
            for one, state in theirs
            if state == READY or one == order_id or one in (done or ())
        ]
        customer = people.person(connection, asked.customer_ref) if asked.customer_ref else None
        doubt = journal.in_doubt(connection)
        proven = code is not None and _proves(connection, code, dict(theirs))
    ready = [parcel for parcel in parcels if parcel["ready"]]
    screen = _screen()
    # A refresh that comes after the page was left must not open the handover again.
    if opened or hands.hands().holds(screen):
        hands.hold(screen, person.name, [parcel["order"]["order_id"] for parcel in ready])
    others = _others(ready, screen)
    versions = [f"{parcel['order']['order_id']}.{parcel['order']['version']}" for parcel in parcels]
    return {
        "order": parcels[0]["order"],
        "parcels": parcels,
        "ready": ready,
        "given": [parcel for parcel in parcels if parcel["order"]["order_id"] in (done or ())],
        "coming": [one for one, state in theirs if state in COMING and (ready or one != order_id)],
        "customer": customer,
        "others": others,
        "units": sum(parcel["units"] for parcel in ready),
        "code": code,
        "proven": proven,
        "delegate": customer.delegate if customer and asked.has_delegate else None,
        "age": max((parcel["order"].get("age_min", 0) for parcel in ready), default=0),
        "doubt": doubt,
        "id_kinds": page.ID_KINDS,
        "mark": " ".join([*versions, *others, str(proven)]),
        "keys": lambda: secrets.token_hex(12),
    }


def _others(ready: list[dict[str, Any]], screen: str) -> list[str]:
    """Return who has one of these orders open at another screen."""
    ids = [parcel["order"]["order_id"] for parcel in ready]
    return sorted({name for one in ids for name in hands.hands().others(one, screen)})


def _parcel(order: Mapping[str, Any], known: cards.Known) -> dict[str, Any]:
    """Return one order as it is fetched: its shelf, and the lines that wait for the customer."""
    lines = [page.line_shown(line, known) for line in order["lines"]]
    waiting = [line for line in lines if line["to_hand_over"] > 0]
    return {
        "order": order,
        "ready": order["state"] == READY,
        "lines": waiting,
        "places": _places(waiting, order["shelf"]),
        "gone": [line for line in lines if line["handed_over"]],
        "missing": [line for line in lines if line["short"] or line["canceled"]],
        "units": sum(line["to_hand_over"] for line in waiting),
        "by": known.person(order["claimed_by"]),
        "last": page.happened(order["timeline"][-1], known) if order["timeline"] else None,
    }


def _places(lines: list[dict[str, Any]], shelf: str | None) -> list[dict[str, Any]]:
    """Return each shelf to go to, with what lies there."""
    there: dict[str | None, list[dict[str, Any]]] = {}
    for line in lines:
        there.setdefault(line["shelf"] or shelf, []).append(line)
    main_first = sorted(there.items(), key=lambda one: one[0] != shelf)
    return [{"shelf": name, "lines": lying} for name, lying in main_first]


def _proves(connection: Any, code: str, theirs: Mapping[str, str]) -> bool:
    """Is this a genuine code of one of these orders? The room checks again when it counts."""
    try:
        return codes.read(code, queries.keys(connection), None).order_id in theirs
    except HubError:
        return False
