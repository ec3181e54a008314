"""Endless-aisle orders: goods that the distribution centre supplies, confirmed or on condition.

It must never say more of a customer than a reference, and never confirm: the aisle room decides.
"""

import secrets
from typing import Any

import msgspec
from flask import request

from hub.aisle import actions, queries
from hub.customers import actions as customers
from hub.journal import Transaction
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import Call, Query, command, read
from kiosk_ui.api.orders import asked_limit
from kiosk_ui.session import hub


@read(
    "/aisle/supply/<sku>",
    "Whether the distribution centre has a SKU, and how many units this store may promise of it.",
    step="aisle",
    answer=bodies.Supply,
)
def supply(sku: str) -> Any:
    with hub().reader() as connection:
        return queries.supplied(connection, sku) | {"as_of": hub().sync_state().get("as_of")}


@read(
    "/aisle/orders",
    "Endless-aisle orders of this store.",
    step="aisle",
    answer=bodies.AisleOrders,
    queries=(
        Query("state", "CONFIRMED, CONDITIONAL or DECLINED."),
        Query("after", "`next` of the page before."),
        Query("limit", "At most so many, 100 unless told.", kind="integer"),
    ),
)
def aisle_orders() -> Any:
    args, limit = request.args, asked_limit(200, 100)
    with hub().reader() as connection:
        items, more = queries.orders(connection, args.get("state"), args.get("after"), limit)
    return {"items": items, "next": more}


@read(
    "/aisle/orders/<order_id>",
    "One endless-aisle order.",
    step="aisle",
    answer=bodies.AisleOrder,
)
def aisle_order(order_id: str) -> Any:
    with hub().reader() as connection:
        return queries.order(connection, order_id)


def _placed(tx: Transaction, cause: str) -> dict[str, Any]:
    return queries.order(tx.conn, actions.name(cause))


@command(
    "/aisle/orders",
    "Order from the distribution centre: CONFIRMED within the rights that this store holds, with"
    " the line down too; beyond them CONDITIONAL until central's word; refused when sold out.",
    step="aisle",
    body=bodies.PlaceAisleOrder,
    answer=bodies.AisleOrder,
    status=201,
    show=_placed,
)
def place_aisle_order(call: Call, asked: bodies.PlaceAisleOrder) -> Any:
    ref = None if asked.customer is None else f"c_{secrets.token_hex(12)}"
    if ref is not None:
        customers.put(call.tx, ref, msgspec.to_builtins(asked.customer))
    lines = [msgspec.to_builtins(line) for line in asked.lines]
    order_id = actions.place(
        call.tx, lines, asked.deliver, customer_ref=ref, actor=call.actor, cause=call.cause
    )
    return queries.order(call.tx.conn, order_id)
