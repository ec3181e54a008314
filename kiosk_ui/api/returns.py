"""Goods that come back, for programs and counters.

It must never know a rule: a refusal comes from the room and is passed on as its sentence.
"""

from typing import Annotated, Any, Literal

import msgspec
from flask import request
from msgspec import Meta, Struct

from hub.commands import Reply
from hub.errors import Unavailable
from hub.journal import Transaction
from hub.returns import abroad, actions, queries
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import Call, Query, command, read
from kiosk_ui.api.orders import asked_limit
from kiosk_ui.pressing import Press
from kiosk_ui.returns import elsewhere
from kiosk_ui.session import hub

Disposition = Literal["RESTOCKED", "NOT_RESTOCKED", "PROCESSING_REQUIRED", "MISSING"]


class BackLine(bodies.Asked):
    """`line_id` of an order, `sku` of a till's receipt, or of an order that is not known here."""

    qty: bodies.Qty
    line_id: bodies.Id | None = None
    sku: bodies.Sku | None = None


class OpenReturn(bodies.Asked):
    lines: Annotated[list[BackLine], Meta(min_length=1, max_length=200)]
    reason: Literal["DEFECTIVE", "WRONG_ITEM", "NOT_AS_DESCRIBED", "CHANGED_MIND", "OTHER"]
    order_id: bodies.Id | None = None
    sale_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    disposition: Disposition | None = None


class Dispose(bodies.Asked):
    line_id: bodies.Id
    disposition: Disposition


class Settle(bodies.Asked):
    state: Literal["PAID", "REFUSED"]


class Return(Struct):
    """`origin`: the other store that handed the goods over. `word`: central's, CLAIMED, WAITS,
    CONFIRMED or CONFLICT; "" for goods of this store. `conflict`: why not."""

    return_id: str
    state: str
    refund: str
    refund_minor: int | None
    currency: str | None
    reason: str
    order_id: str | None
    sale_id: str | None
    origin: str | None
    origin_name: str | None
    word: str
    conflict: str | None
    came_back_at: str | None
    lines: list[dict[str, Any]]


def _shown(tx: Transaction, cause: str, return_id: str) -> Any:
    return queries.shown(tx.conn, return_id)


@read(
    "/returns",
    "Returns, the newest first.",
    step="returns",
    answer=bodies.Listed,
    queries=(
        Query("state", "OPEN, CLOSED or CANCELED; all unless told."),
        Query("order_id", "Only those of this order."),
        Query("limit", "At most so many, 100 unless told.", kind="integer"),
    ),
)
def returns() -> Any:
    state, order_id = request.args.get("state") or None, request.args.get("order_id") or None
    with hub().reader() as connection:
        found = queries.recent(connection, state, order_id, asked_limit())
    return {"items": found, "next": None}


@read(
    "/handed/<order_id>",
    "What another store handed over of an order, and what came back, as head office knows it.",
    step="returns",
    answer=abroad.Handed,
)
def handed(order_id: str) -> Any:
    found = elsewhere.look(order_id)
    if found is None:
        raise Unavailable("Head office is not heard.", retry_after_s=10)
    return found


@read("/returns/<return_id>", "One return as it stands.", step="returns", answer=Return)
def return_one(return_id: str) -> Any:
    with hub().reader() as connection:
        return queries.shown(connection, return_id)


def _abroad(press: Press, asked: OpenReturn, subject: Any) -> Reply | None:
    """Take goods of another store back; None where they are this one's."""
    if asked.sale_id is not None or not elsewhere.is_abroad(asked.order_id):
        return None
    return elsewhere.take(press, msgspec.to_builtins(asked), subject)


@command(
    "/returns",
    "Take goods of an order or a receipt back onto the counter, also of another store's order.",
    step="returns",
    body=OpenReturn,
    answer=Return,
    status=201,
    show=lambda tx, cause: queries.shown(tx.conn, actions.return_name(cause)),
    instead=_abroad,
)
def return_open(call: Call, asked: OpenReturn) -> Any:
    wanted = msgspec.to_builtins(asked)
    name, _ = actions.open_return(call.tx, **wanted, actor=call.actor, cause=call.cause)
    return queries.shown(call.tx.conn, name)


@command(
    "/returns/<return_id>/dispose",
    "Say what becomes of a line; the last word before the return is closed counts.",
    step="returns",
    body=Dispose,
    answer=Return,
    show=_shown,
)
def return_dispose(call: Call, asked: Dispose, return_id: str) -> Any:
    wanted = msgspec.to_builtins(asked)
    actions.dispose(call.tx, return_id, **wanted, actor=call.actor, cause=call.cause)
    return queries.shown(call.tx.conn, return_id)


@command(
    "/returns/<return_id>/close",
    "Close the return: the goods move, the refund is asked for.",
    step="returns",
    body=bodies.Nothing,
    answer=Return,
    show=_shown,
)
def return_close(call: Call, asked: bodies.Nothing, return_id: str) -> Any:
    actions.close(call.tx, return_id, actor=call.actor, cause=call.cause)
    return queries.shown(call.tx.conn, return_id)


@command(
    "/returns/<return_id>/cancel",
    "The customer takes the goods home again.",
    step="returns",
    body=bodies.Cancel,
    answer=Return,
    show=_shown,
)
def return_cancel(call: Call, asked: bodies.Cancel, return_id: str) -> Any:
    actions.cancel(call.tx, return_id, asked.reason, actor=call.actor, cause=call.cause)
    return queries.shown(call.tx.conn, return_id)


@command(
    "/returns/<return_id>/refund",
    "Note what the payment system says of the refund; the first word stands.",
    step="refund",
    body=Settle,
    answer=Return,
    show=_shown,
)
def return_refund(call: Call, asked: Settle, return_id: str) -> Any:
    actions.settle_refund(call.tx, return_id, asked.state, actor=call.actor, cause=call.cause)
    return queries.shown(call.tx.conn, return_id)
