"""Stock, what may be promised and why, and the moves that programs report.

It must never compute a number: the stock room does.
"""

from typing import Any

import msgspec
from flask import request

from hub import journal
from hub.journal import Transaction
from hub.pickup import selling
from hub.stock import actions, queries
from hub.stock.history import queries as history
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import Call, Query, command, read
from kiosk_ui.api.orders import asked_limit
from kiosk_ui.session import hub

CHANNEL = Query("channel", "store, kiosk, web or phone; store unless told.")


@read("/stock/<sku>", "Units of one SKU in this store.", step="stock", answer=bodies.Stock)
def stock(sku: str) -> Any:
    with hub().reader() as connection:
        return queries.stock(connection, sku, hub().clock.now(), trusted=trusted())


@read(
    "/stock/<sku>/explain",
    "Why the number is what it is: what may be promised to a channel, term by term, the latest"
    " moves with who and when, the rights granted and spent, and what central knows of it.",
    step="stock",
    answer=bodies.Explained,
    queries=(CHANNEL, Query("limit", "So many moves, 10 unless told.", kind="integer")),
)
def explain(sku: str) -> Any:
    channel = request.args.get("channel", "store")
    now, sync, limit = hub().clock.now(), hub().sync_state(), asked_limit(history.MOST, 10)
    with hub().reader() as connection:
        return history.why(connection, sku, channel, now, sync, trusted=trusted(), limit=limit)


@command(
    "/stock/<sku>/rights/reclaim",
    "Take rights back from a central that is gone; what it had promised is then promised twice.",
    step="rights",
    body=bodies.Reclaim,
    answer=bodies.Reclaimed,
    show=lambda tx, cause, sku: queries.lent(tx.conn, sku),
)
def reclaim(call: Call, asked: bodies.Reclaim, sku: str) -> Any:
    actions.reclaim_rights(call.tx, sku, asked.qty, actor=call.actor, cause=call.cause)
    return queries.lent(call.tx.conn, sku)


@command(
    "/stock/<sku>/rights/return",
    "Ask central to give rights back; it returns what it has not spent.",
    step="rights",
    body=bodies.Reclaim,
    answer=bodies.Reclaimed,
    show=lambda tx, cause, sku: queries.lent(tx.conn, sku),
)
def ask_back(call: Call, asked: bodies.Reclaim, sku: str) -> Any:
    actions.ask_back(call.tx, sku, asked.qty, actor=call.actor, cause=call.cause)
    return queries.lent(call.tx.conn, sku)


def trusted() -> bool:
    return hub().clock.quality() != "unknown"


def moved(tx: Transaction, cause: str, **_parts: Any) -> dict[str, Any]:
    """Return what a command moved whose reply is no longer kept."""
    return queries.changed(tx.conn, journal.of_cause(tx.conn, cause), tx.now)


def held(tx: Transaction, cause: str) -> dict[str, Any]:
    entries = journal.of_cause(tx.conn, cause)
    made = next(entry.body for entry in entries if entry.body.get("kind") == "HOLD")
    return {"hold_id": made["ref"], "until": made["until"], **moved(tx, cause)}


@command(
    "/holds",
    "Hold units for a basket until a time.",
    step="stock_hold",
    body=bodies.HoldUnits,
    answer=bodies.Held,
    status=201,
    show=held,
)
def hold(call: Call, asked: bodies.HoldUnits) -> Any:
    hold_id, until, entries = actions.hold(
        call.tx, asked.sku, asked.qty, actor=call.actor, cause=call.cause, seconds=asked.seconds
    )
    moved = queries.changed(call.tx.conn, entries, call.tx.now)
    return {"hold_id": hold_id, "until": until, **moved}


@command(
    "/holds/<hold_id>/release",
    "Give held units back; a hold that is over stays over.",
    step="stock_hold",
    body=bodies.Nothing,
    answer=bodies.Moved,
    show=moved,
)
def hold_release(call: Call, asked: bodies.Nothing, hold_id: str) -> Any:
    entries = actions.release(call.tx, hold_id, actor=call.actor, cause=call.cause)
    return queries.changed(call.tx.conn, entries, call.tx.now)


@command(
    "/sales",
    "Record a till's sale. The same sale_id counts once. One that takes units promised to an order"
    " is refused unless `confirm_break` says that the goods are in the customer's hand.",
    step="sell",
    body=bodies.Sale,
    answer=bodies.Moved,
    show=moved,
)
def sale(call: Call, asked: bodies.Sale) -> Any:
    lines = [msgspec.to_builtins(line) for line in asked.lines]
    entries = selling.sell(
        call.tx,
        asked.sale_id,
        lines,
        actor=call.actor,
        cause=call.cause,
        confirmed=asked.confirm_break,
    )
    if not entries:
        return queries.recorded(call.tx.conn, "SALE", asked.sale_id, call.tx.now)
    return queries.changed(call.tx.conn, entries, call.tx.now)


@command(
    "/counts",
    "Record how many units are in the store. Fewer than are promised breaks promises: refused"
    " unless `confirm_break` says that it is so.",
    step="count",
    body=bodies.Count,
    answer=bodies.Moved,
    show=moved,
)
def count(call: Call, asked: bodies.Count) -> Any:
    entries = selling.count(
        call.tx,
        asked.sku,
        asked.counted,
        asked.since,
        actor=call.actor,
        cause=call.cause,
        confirmed=asked.confirm_break,
    )
    return queries.changed(call.tx.conn, entries, call.tx.now)


@command(
    "/receipts",
    "Record goods that came in. The same receipt_id counts once.",
    step="receive",
    body=bodies.Receipt,
    answer=bodies.Moved,
    show=moved,
)
def receipt(call: Call, asked: bodies.Receipt) -> Any:
    lines = [msgspec.to_builtins(line) for line in asked.lines]
    entries = actions.receive(call.tx, asked.receipt_id, lines, actor=call.actor, cause=call.cause)
    if not entries:
        return queries.recorded(call.tx.conn, "RECEIVE", asked.receipt_id, call.tx.now)
    return queries.changed(call.tx.conn, entries, call.tx.now)
