"""Orders for pickup: reading them, and every step of their lifecycle.

It must never know a rule: a refusal comes from the room and is passed on as its sentence.
"""

from typing import Any

from flask import request

from hub.errors import Invalid
from hub.pickup import queries
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import Call, Query, command, read
from kiosk_ui.session import hub
from kiosk_ui.steps import STEPS, Step

MOST = 500


def asked_limit(most: int = MOST, default: int = 100) -> int:
    """Return `?limit=`, at most `most`."""
    text = request.args.get("limit", str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise Invalid(f"limit is a number from 1 to {most}.", field="limit")
    return int(text)


@read(
    "/orders",
    "Orders of this store, by id.",
    step="orders",
    answer=bodies.Orders,
    queries=(
        Query("state", "RESERVED, PICKING, PREPARED, READY_FOR_PICKUP, …; all unless told."),
        Query("customer_ref", "Only the orders of this customer, those to be collected first."),
        Query("limit", "At most so many, 100 unless told.", kind="integer"),
        Query("after", "`next` of the page before."),
    ),
)
def orders() -> Any:
    state, after = request.args.get("state") or None, request.args.get("after") or None
    ref = request.args.get("customer_ref")
    with hub().reader() as connection:
        if ref:
            found = queries.of_customer(connection, ref, asked_limit(200))
            items = [queries.order(connection, order_id) for order_id, _ in found]
            return {"items": items, "next": None}
        return queries.orders(connection, state, after, asked_limit(200))


@read("/orders/<order_id>", "One order as it stands.", step="orders", answer=bodies.Order)
def order(order_id: str) -> Any:
    with hub().reader() as connection:
        return queries.order(connection, order_id)


def _register(name: str, step: Step) -> None:
    def view(call: Call, asked: Any, order_id: str) -> Any:
        step.run(call.tx, order_id, asked, actor=call.actor, cause=call.cause)
        return queries.order(call.tx.conn, order_id)

    view.__name__ = f"order_{name}"
    command(
        f"/orders/<order_id>/{name}",
        step.about,
        step=name,
        body=step.body,
        answer=bodies.Order,
        show=lambda tx, cause, order_id: queries.order(tx.conn, order_id),
    )(view)


for _name, _step in STEPS.items():
    _register(_name, _step)
