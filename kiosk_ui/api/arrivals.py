"""Goods that come from elsewhere for an order, by the code on their parcel.

It must never know which order a code means: the pickup room does.
"""

from typing import Any

import msgspec

from hub.errors import NotFound
from hub.journal import Transaction
from hub.pickup import actions, queries
from hub.pickup.arrival import queries as arrivals
from hub.pickup.arrival.rules import read_parcel
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind
from kiosk_ui.api import arrival_bodies, bodies
from kiosk_ui.api.contract import Call, command, read
from kiosk_ui.session import hub


@read(
    "/parcels",
    "Orders whose goods are to come from elsewhere, those on their way first.",
    step="orders",
    answer=bodies.Orders,
)
def parcels() -> Any:
    with hub().reader() as connection:
        ids = arrivals.expected(connection)
        return {"items": [queries.order(connection, one) for one in ids], "next": None}


@read(
    "/parcels/<code>",
    "The order that a parcel is for, by a scan of it, the order's number or short code.",
    step="orders",
    answer=bodies.Order,
)
def parcel(code: str) -> Any:
    with hub().reader() as connection:
        order_id = arrivals.order_of(connection, code)
        if order_id is None:
            raise NotFound(f"No order is known here for parcel {read_parcel(code)}.")
        return queries.order(connection, order_id)


def _order(tx: Transaction, cause: str, code: str) -> Any:
    return queries.order(tx.conn, actions.order_of(tx, code))


@command(
    "/parcels/<code>/receive",
    "A parcel is here: receive its order, or this part of it; answers the order.",
    step="receive",
    body=arrival_bodies.ReceiveParcel,
    answer=bodies.Order,
    show=_order,
)
def parcel_receive(call: Call, asked: arrival_bodies.ReceiveParcel, code: str) -> Any:
    lines = None if asked.lines is None else msgspec.to_builtins(asked.lines)
    order_id = actions.receive_parcel(call.tx, code, lines, actor=call.actor, cause=call.cause)
    return queries.order(call.tx.conn, order_id)


def _aside(tx: Transaction, cause: str, code: str) -> dict[str, Any]:
    found = tasks.unfinished(tx.conn, Kind.PARCEL, f"parcel:{read_parcel(code)}")
    if found is None:
        raise NotFound("This parcel is put aside no more.")
    return {"task_id": found.task_id, "state": found.state.value, "claimed_by": found.claimed_by}


@command(
    "/parcels/<code>/aside",
    "No order is known for a parcel: put it aside, as a task that ends once its order is known.",
    step="receive",
    body=bodies.Nothing,
    answer=bodies.Done,
    show=_aside,
)
def parcel_aside(call: Call, asked: bodies.Nothing, code: str) -> Any:
    actions.put_aside(call.tx, code, actor=call.actor, cause=call.cause)
    return _aside(call.tx, call.cause, code)
