"""Sends, receives and puts away what comes from elsewhere for an order: load, decide, append.

It must never lose a parcel: one that no order is known for waits as a task.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from hub.chain import Entry
from hub.clock import stamp
from hub.errors import Invalid, Refusal
from hub.journal import Fact, Transaction
from hub.pickup import moves, promising, queries, rules
from hub.pickup.arrival import queries as arrivals
from hub.pickup.arrival.rules import (
    by_line,
    check_first,
    check_put_away,
    decide_parcel,
    decide_receive,
    decide_ship,
    read_parcel,
    read_parcels,
)
from hub.pickup.code import PREFIX
from hub.pickup.facts import GoodsToStock, OrderReceived, OrderShipped, ReceivedLine
from hub.pickup.intake import read_shelf
from hub.pickup.lifecycle import Status
from hub.pickup.loading import append, holds, load, open_pick, pick_tasks
from hub.pickup.order import PickupOrder, evolve
from hub.pickup.staging import check_shelf
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind, decide_drop, decide_finish, decide_open


def ship(
    tx: Transaction,
    order_id: str,
    parcels: Sequence[str] = (),
    carrier: str | None = None,
    tracking: str | None = None,
    *,
    actor: str,
    cause: str,
) -> list[Entry]:
    """The goods of a ship-to-store order are on their way, in these parcels."""
    order = queries.load(tx.conn, order_id)
    named = read_parcels(parcels)
    facts: list[Fact] = [*decide_ship(order, named, carrier, tracking)]
    if any(isinstance(fact, OrderShipped) for fact in facts):
        facts += moves.shipped(order)
    facts += _waits_aside(tx, order, (*named, order_id.upper(), order.short_code), cause)
    return append(tx, facts, actor, cause)


def receive(
    tx: Transaction,
    order_id: str,
    parcel: str | None = None,
    lines: Sequence[Mapping[str, Any]] | None = None,
    *,
    actor: str,
    cause: str,
) -> list[Entry]:
    """Goods of a ship-to-store order are here: they are this order's, and to be picked.

    `parcel`: what was scanned; while others are to come the order waits for them. `lines`
    (`{"line_id","missing"?,"damaged"?}`) ends the waiting: so much did not come, or not whole.
    """
    order = queries.load(tx.conn, order_id)
    facts: list[Fact] = []
    if parcel is not None:
        code = read_parcel(parcel)
        check_first(order, code)
        if not _names(order, code) and (lines is None or code not in order.parcels_here.split()):
            here = decide_parcel(order, code)
            facts += here
            order = evolve(order, here[0])
            if lines is None and order.parcels_to_come:
                return append(tx, facts, actor, cause)
    due = stamp(promising.due(tx.conn, tx.now, len(order.lines)))
    decided = decide_receive(order, _read_lines(lines or ()), due)
    for fact in decided:
        facts += [fact, *_consequences(tx, order, fact, cause)]
    if decided:
        names = (f"order:{order_id}", f"parcel:{order_id.upper()}", f"parcel:{order.short_code}")
        waits = (tasks.unfinished(tx.conn, Kind.PARCEL, one) for one in names)
        facts += decide_finish([one for one in waits if one is not None], actor)
    return append(tx, facts, actor, cause)


def receive_parcel(
    tx: Transaction,
    code: str,
    lines: Sequence[Mapping[str, Any]] | None = None,
    *,
    actor: str,
    cause: str,
) -> str:
    """A parcel was scanned, by its own code or its order's; return the order that it is for."""
    order_id = order_of(tx, code)
    parcel = order_id if code.strip().startswith(PREFIX) else code
    receive(tx, order_id, parcel, lines, actor=actor, cause=cause)
    return order_id


def order_of(tx: Transaction, code: str) -> str:
    """Return the order that a code on a parcel means. Raises Refusal that says what to do."""
    known = arrivals.order_of(tx.conn, code)
    if known is None:
        raise Refusal(
            f"No order is known here for parcel {read_parcel(code)}: put it aside, and scan it"
            " again once the line to head office is back.",
            slug="parcel-unknown",
        )
    return known


def put_aside(tx: Transaction, code: str, *, actor: str, cause: str) -> list[Entry]:
    """No order is known for a parcel: it waits as a task until head office names its order."""
    known = arrivals.order_of(tx.conn, code)
    if known is not None:
        label = queries.load(tx.conn, known).label
        raise Refusal(f"It is for order {label}: receive it.", slug="parcel-known")
    subject = f"parcel:{read_parcel(code)}"
    unfinished = tasks.unfinished(tx.conn, Kind.PARCEL, subject)
    facts = decide_open(unfinished, Kind.PARCEL, subject, "NO_ORDER", cause=cause)
    return append(tx, facts, actor, cause)


def put_away(tx: Transaction, order_id: str, shelf: str, *, actor: str, cause: str) -> list[Entry]:
    """What came together is picked and staged by one scan of the shelf that it is put on."""
    order, holder = load(tx, order_id)
    check_put_away(order)
    number = read_shelf(shelf)
    check_shelf(tx.conn, number)
    facts: list[Fact] = []
    if order.state in (Status.RECEIVED, Status.PICKING):
        facts += rules.decide_claim(order, actor, holder)
        picking = _after(order, facts)
        for line in picking.lines:
            if line.pending > 0:
                facts += rules.decide_pick(picking, actor, holder, line.line_id, line.pending)
        picking = _after(order, facts)
        # Naming no lines stages all that is left, so the order is whole on its shelves now.
        facts += rules.decide_stage(picking, actor, holder, number)
        facts += moves.staged(picking, holds(tx, order_id))
        facts += decide_finish(pick_tasks(tx, order_id), actor)
    else:
        facts += rules.decide_stage(order, actor, holder, number)
    return append(tx, facts, actor, cause)


def _after(order: PickupOrder, facts: Iterable[Fact]) -> PickupOrder:
    for fact in facts:
        order = evolve(order, fact)
    return order


def _names(order: PickupOrder, code: str) -> bool:
    """Is this the order's own number, from the label, and no parcel's?"""
    return code in (order.order_id.upper(), order.short_code)


def _consequences(tx: Transaction, order: PickupOrder, fact: Fact, cause: str) -> list[Fact]:
    """The units that a fact moves, and the work that it makes."""
    order_id = order.order_id
    match fact:
        case OrderShipped():
            return [*moves.shipped(order)]
        case OrderReceived():
            task = open_pick(tx, order_id, "GOODS_ARRIVED", cause, fact.promise_at)
            return [*moves.received(order, by_line(fact.lines)), *task]
        case GoodsToStock():
            subject = f"order:{order_id}"
            unfinished = tasks.unfinished(tx.conn, Kind.RESHELVE, subject)
            work = decide_open(
                unfinished, Kind.RESHELVE, subject, "CAME_TOO_LATE", cause=cause, order_id=order_id
            )
            return [*moves.to_stock(order, by_line(fact.lines)), *work]
    return []


def _waits_aside(
    tx: Transaction, order: PickupOrder, codes: Iterable[str], cause: str
) -> list[Fact]:
    """A parcel that was put aside has an order now: the work is to receive it."""
    facts: list[Fact] = []
    for code in codes:
        waits = tasks.unfinished(tx.conn, Kind.PARCEL, f"parcel:{code}")
        facts += decide_drop(waits, "ORDER_KNOWN") if waits is not None else []
    if facts and order.received_at is None:
        subject = f"order:{order.order_id}"
        facts += decide_open(
            tasks.unfinished(tx.conn, Kind.PARCEL, subject),
            Kind.PARCEL,
            subject,
            "PUT_ASIDE",
            cause=cause,
            order_id=order.order_id,
        )
    return facts


def _read_lines(lines: Sequence[Mapping[str, Any]]) -> list[ReceivedLine]:
    try:
        read = msgspec.convert(list(lines), list[ReceivedLine])
    except msgspec.ValidationError as error:
        raise Invalid(f"lines: {error}.", field="lines") from None
    if any(min(line.missing, line.damaged) < 0 for line in read):
        raise Invalid("missing and damaged are 0 or more.", field="lines")
    return read
