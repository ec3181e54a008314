"""The customer's page: how the order stands, the code, and what the customer has to say.

It must never show what is in an order, its code or its actions without the key in the link, which
nobody can guess.
"""

import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final

import segno
from flask import Blueprint, Flask, Response, redirect, render_template, request, url_for
from flask_limiter import Limiter
from werkzeug.wrappers import Response as AnyResponse

from hub.errors import HubError, Invalid, NotFound
from hub.experience import rules as experience

from . import store_buyer, store_journal, store_orders, store_points, store_promise
from .store_port import Tx
from .web import inventory
from .words import _, later, speak, words

blueprint = Blueprint("customer", __name__)

# What the largest QR code holds (ISO/IEC 18004, version 40-L) is 2953 bytes.
QR_MOST: Final = 2900
ETAS: Final = (5, 10, 20, 30)
STEPS: Final = (
    later("Ordered"),
    later("Confirmed"),
    later("Being prepared"),
    later("Ready"),
    later("Picked up"),
)
# How far along the customer's five steps each state is.
REACHED: Final = {
    "PROPOSED": 0,
    "RESERVED": 1,
    "IN_TRANSIT": 1,
    "RECEIVED": 1,
    "ON_HOLD": 1,
    "PICKING": 2,
    "PREPARED": 2,
    "READY_FOR_PICKUP": 3,
    "PICKED_UP": 4,
}
SAID: Final = {
    "PROPOSED": (
        later("Thank you!"),
        later("We have sent your order to the store and wait for its answer."),
    ),
    "RESERVED": (later("Confirmed"), later("The store keeps your items for you.")),
    "IN_TRANSIT": (later("On its way"), later("Your items travel to the store.")),
    "RECEIVED": (later("Arrived at the store"), later("Your items are at the store.")),
    "PICKING": (later("Being prepared"), later("Somebody is fetching your items right now.")),
    "PREPARED": (
        later("Being prepared"),
        later("Your items are packed and get their last check."),
    ),
    "READY_FOR_PICKUP": (
        later("Ready for pickup"),
        later("Come by and show your code at the counter."),
    ),
    "PICKED_UP": (later("Picked up"), later("Thank you for shopping with us.")),
    "ON_HOLD": (later("On hold"), later("The store is looking into your order.")),
    "REJECTED": (
        later("Not available"),
        later("The store can't fulfill this order. Nothing is charged."),
    ),
    "CANCELED": (later("Canceled"), later("This order was canceled.")),
    "EXPIRED": (later("Expired"), later("This order was not collected in time.")),
}
PARTLY: Final = later("Your items arrived at the store, but not all of them whole")
SENT: Final = later("Your items are sent to the store. We tell you when you can come.")
# What a customer who waits is told of a store that does not do as always.
MOODS: Final = {
    "slow": later("The store is busy; your order may be ready later than usual."),
    "paused": later("The store has paused picking for now; your order will be ready later."),
    "silent": later(
        "The store has no connection right now; what you see here may be older than it looks."
    ),
}
WAITS: Final = frozenset({"PROPOSED", "RESERVED", "RECEIVED", "PICKING"})
# What a customer is told of what happened; all else is the store's own business.
TOLD: Final = {
    "placed": later("You ordered"),
    "rerouted": later("Another store was asked"),
    "OrderReserved": later("The store confirmed"),
    "OrderShipped": later("Your items left for the store"),
    "OrderReceived": later("Your items arrived at the store"),
    "PickingClaimed": later("Somebody began to fetch your items"),
    "OrderReady": later("Ready for pickup"),
    "ReadyUndone": later("The store looks at it once more"),
    "OrderHeld": later("The store put it on hold"),
    "OrderResumed": later("The store went on with it"),
    "BuyerSeen": later("The store heard where you are"),
    "OrderHandedOver": later("Handed over"),
    "CancelRefused": later("The store could not cancel any more"),
    "OrderRejected": later("The store could not fulfill it"),
    "PromiseBroken": later("The store found that something is missing"),
    "OrderCanceled": later("Canceled"),
    "OrderExpired": later("Not collected in time"),
}
FELT: Final = {
    "fast": later("It was fast"),
    "friendly": later("Friendly people"),
    "found": later("Easy to find"),
    "clear": later("Clear messages"),
}
SCORES: Final = (
    later("Bad"),
    later("Not so good"),
    later("All right"),
    later("Good"),
    later("Very good"),
)


def register(app: Flask, limiter: Limiter) -> None:
    limiter.limit("30 per minute", methods=["POST"])(blueprint)
    app.register_blueprint(blueprint)


@blueprint.get("/orders/<order_id>")
def order(order_id: str) -> str:
    """Show an order: how it stands to who knows its number, all else to who has the key."""
    return _page(order_id)


def _page(order_id: str, wrong: HubError | None = None) -> str:
    with inventory().store.reader() as conn:
        shown = store_orders.order(conn, order_id)
        name = store_journal.store(conn, shown["store"])["name"]
        first = shown.get("rerouted_from")
        from_name = store_journal.store(conn, first)["name"] if first else None
        mood = store_promise.mood(conn, shown["store"], inventory().store.clock.now())
        said = store_buyer.of_order(conn, order_id)
        points = store_points.of_order(conn, order_id, shown.get("customer_ref"))
    speak(shown.get("language"))
    state, key = shown["state"], right_key(order_id)
    waits = state in WAITS
    word = MOODS.get(mood) if waits else None
    title, sentence = SAID[state]
    if state == "RESERVED" and shown.get("supply") == "ship_to_store":
        sentence = SENT
    lines = [line | {"left": _left(line)} for line in shown["lines"]]
    total = sum((line.get("unit_price_minor") or 0) * line["left"] for line in lines)
    return render_template(
        "order.html",
        order=shown,
        lines=lines,
        store_name=name,
        from_name=from_name,
        title=words()(title),
        sentence=words()(sentence),
        since=_since(shown),
        steps=STEPS,
        reached=REACHED.get(state),
        total=total,
        points=points,
        key=key,
        lang=request.args.get("lang"),
        problem=words()(wrong.sentence) if wrong else None,  # in the order's language
        said=said,
        told=_told(shown),
        etas=ETAS,
        felt=FELT,
        scores=SCORES,
        has_code=len(shown.get("pickup_code", "")) <= QR_MOST,
        expected=state in store_buyer.EXPECTED,
        may_cancel=state not in store_orders.FINAL and not shown.get("cancel_asked_at"),
        final=state in store_orders.FINAL,
        word=words()(word) if word else None,
        promise_moved=waits and shown.get("promise_was") not in (None, shown.get("promise_at")),
        version=f"{_version(shown, said)} {word or ''}",
    )


def _since(shown: Mapping[str, Any]) -> str | None:
    """Return when the order came to the state that it is in."""
    at = None
    before = None
    for event in shown["timeline"]:
        state = event.get("state", "PROPOSED")
        if state != before:
            at, before = event["at"], state
    return at


def _told(shown: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"at": event["at"], "text": words()(PARTLY if event.get("lines") else TOLD[kind])}
        for event in shown["timeline"]
        if (kind := event.get("what") or event.get("type")) in TOLD
    ]


def _version(shown: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    """Name what is shown: a page that shows another version is drawn anew."""
    buyer = said["buyer"]["at"] if said["buyer"] else ""
    asked = shown.get("cancel_asked_at") or ""
    return f"{shown['state']} {len(shown['timeline'])} {asked} {buyer} {bool(said['feedback'])}"


@blueprint.get("/orders/<order_id>/code.svg")
def code(order_id: str) -> Response:
    """Draw the pickup code."""
    _need_key(order_id)
    with inventory().store.reader() as conn:
        shown = store_orders.order(conn, order_id)
    text = shown.get("pickup_code", "")
    if not text or len(text) > QR_MOST:
        raise NotFound("This order has too many lines for a code; the counter finds it by name.")
    drawn = segno.make(text, error="m" if len(text) < QR_MOST // 2 else "l").svg_inline(
        border=2, scale=4
    )
    image = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return Response(image, content_type="image/svg+xml", headers={"Cache-Control": "private"})


@blueprint.post("/orders/<order_id>/where")
def where(order_id: str) -> AnyResponse | tuple[str, int]:
    """Hear that the customer is on the way, or here."""
    form = request.form
    eta = form.get("eta", "")

    def work(tx: Tx) -> None:
        if eta and not (eta.isdecimal() and len(eta) <= 4):
            raise Invalid("How long it takes is a number of minutes.", field="eta")
        minutes = int(eta) if eta else None
        stall, plate = form.get("stall", ""), form.get("plate", "")
        store_buyer.say_where(tx, order_id, form.get("where", ""), minutes, stall, plate)

    return _heard(order_id, work)


@blueprint.post("/orders/<order_id>/delegate")
def delegate(order_id: str) -> AnyResponse | tuple[str, int]:
    """Hear who else may collect."""
    name = request.form.get("delegate", "")
    return _heard(order_id, lambda tx: store_buyer.name_delegate(tx, order_id, name))


@blueprint.post("/orders/<order_id>/feedback")
def feedback(order_id: str) -> AnyResponse | tuple[str, int]:
    """Hear how it felt."""
    form = request.form
    score = form.get("score", "")

    def work(tx: Tx) -> None:
        if score not in ("1", "2", "3", "4", "5"):
            raise Invalid(_("Please choose how it was, from bad to very good."))
        felt = [one for one in form.getlist("felt") if one in experience.FELT]
        store_buyer.give_feedback(tx, order_id, int(score), felt, form.get("text", ""))

    return _heard(order_id, work)


@blueprint.post("/orders/<order_id>/cancel")
def cancel(order_id: str) -> AnyResponse | tuple[str, int]:
    return _heard(order_id, lambda tx: store_orders.ask_to_cancel(tx, order_id, "BUYER_REQUEST"))


def _heard(order_id: str, work: Callable[[Tx], object]) -> AnyResponse | tuple[str, int]:
    """Do what was asked and show the order; what is wrong is said on the page."""
    key = _need_key(order_id)
    try:
        inventory().store.run(work)
    except NotFound:
        raise
    except HubError as error:
        return _page(order_id, error), 422
    lang = request.args.get("lang")
    return redirect(url_for("customer.order", order_id=order_id, key=key, lang=lang), 303)


def _left(line: Mapping[str, Any]) -> int:
    """Return the units that the customer gets or will get, by what the store has said so far."""
    ordered = int(line.get("ordered", line.get("qty", 0)))
    return ordered - sum(int(line.get(gone, 0)) for gone in ("short", "substituted", "canceled"))


def key_of(order_id: str) -> str:
    """Return the key that lets whoever placed an order see and do more."""
    return made_key(inventory().page_secret, order_id)


def made_key(secret: str, order_id: str) -> str:
    return hmac.new(secret.encode(), order_id.encode(), "sha256").hexdigest()[:32]


def path_of(secret: str, order_id: str) -> str:
    """Return the link to an order's page, without central's own address."""
    return f"/orders/{order_id}?key={made_key(secret, order_id)}"


def right_key(order_id: str) -> str | None:
    """Return the key of this request's link when it is the order's."""
    key = request.args.get("key", "")
    return key if hmac.compare_digest(key.encode(), key_of(order_id).encode()) else None


def _need_key(order_id: str) -> str:
    key = right_key(order_id)
    if key is None:
        raise NotFound("This link doesn't carry the order's key.")
    return key
