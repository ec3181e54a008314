"""The steps of an order: load, decide, append both rooms' facts and the work in one append.

It must never append twice for one step, and never decide anything itself.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub import journal
from hub.catalog import queries as catalog
from hub.chain import Entry
from hub.clock import stamp
from hub.errors import Refusal
from hub.journal import Fact, Transaction
from hub.pickup import moves, promising, proofs, queries, rules
from hub.pickup.arrival.actions import order_of, put_aside, put_away, receive, receive_parcel, ship
from hub.pickup.code import PickupCode
from hub.pickup.ending import cancel, expire, hold, overdue, refuse_cancel, reshelve, resume, settle
from hub.pickup.facts import (
    HandedLine,
    OrderLine,
    OrderProposed,
    OrderRejected,
    OrderReserved,
    OrderStaged,
)
from hub.pickup.intake import (
    read_code,
    read_order,
    read_reason,
    read_shelf,
    read_where,
    scanned_sku,
)
from hub.pickup.lifecycle import Status
from hub.pickup.loading import append, holds, is_lead, load, open_pick, pick_tasks
from hub.pickup.order import PickupOrder
from hub.pickup.staging import check_shelf, shelf_kinds
from hub.stock import queries as stock_queries
from hub.stock import rules as stock
from hub.stock.facts import RightsTold
from hub.stock.rules import check_qty, check_sku
from hub.stock.work import as_told, count_task, count_tasks, told, trusted_now
from hub.tasks.rules import decide_claim, decide_finish
from hub.tasks.rules import decide_release as release_task

__all__ = [
    "cancel",
    "expire",
    "hold",
    "order_of",
    "overdue",
    "put_aside",
    "put_away",
    "receive",
    "receive_parcel",
    "refuse_cancel",
    "resume",
    "settle",
    "ship",
]


# -- an order comes in ----------------------------------------------------------------------------


def place(
    tx: Transaction, order: Mapping[str, Any], *, actor: str = "central", cause: str
) -> list[Entry]:
    """Take an order of central's: reserved whole, or rejected. An order that is known counts once.

    `order`: `{"order_id","lines":[{"line_id","sku","qty","unit_price_minor"?,"name"?}],"channel"?,
    "currency"?,"customer_ref"?,"promise_at"?,"short_code"?,"supply"?,"rights"?}`. `rights` is
    central's side of each SKU after it spent some on this order: those units are this order's.
    """
    own = order.get("lines")
    due = promising.due(tx.conn, tx.now, len(own) if isinstance(own, list | tuple) else 1)
    # Nobody can begin with goods that still travel: their promise begins when they are here.
    own_time = order.get("promise_at") or order.get("supply") == "ship_to_store"
    timed = order if own_time else {**order, "promise_at": stamp(due)}
    proposed = read_order(
        timed, lambda sku: catalog.name(tx.conn, sku), lambda sku: catalog.care(tx.conn, sku)
    )
    known = queries.find(tx.conn, proposed.order_id)
    if known is not None:
        merged: list[Fact] = [*rules.decide_match(known, proposed)]
        merged += told(tx, order.get("rights") or ())
        return append(tx, merged, actor, cause)
    tx.require_room()
    spent = told(tx, order.get("rights") or ())
    facts: list[Fact] = [proposed, *spent]
    try:
        facts += _reserve(tx, proposed, cause, spent)
    except Refusal:
        facts.append(OrderRejected(order_id=proposed.order_id, reason="OUT_OF_STOCK"))
    return append(tx, facts, actor, cause)


def adopt(tx: Transaction, code: PickupCode, *, actor: str, cause: str) -> list[Entry]:
    """Begin an order from its signed pickup code, before central could send it."""
    if queries.find(tx.conn, code.order_id) is not None:
        return []
    tx.require_room()
    proposed = read_code(
        code, lambda sku: catalog.name(tx.conn, sku), lambda sku: catalog.care(tx.conn, sku)
    )
    spent = told(tx, [side._asdict() for side in code.rights])
    return append(tx, [proposed, *spent, *_reserve(tx, proposed, cause, spent)], actor, cause)


def _reserve(
    tx: Transaction, proposed: OrderProposed, cause: str, spent: Sequence[RightsTold] = ()
) -> list[Fact]:
    """Promise every line, or refuse. What still travels here is promised when it arrives."""
    reserved = OrderReserved(order_id=proposed.order_id)
    if proposed.supply == "ship_to_store":
        return [reserved]
    lines = [(line.line_id, line.sku, line.qty) for line in proposed.lines]
    accounts = stock_queries.loads(tx.conn, (sku for _, sku, _ in lines), tx.now)
    accounts = as_told(tx, accounts, spent)
    wanted = moves.wanted(proposed.order_id, lines)
    allocated = stock.decide_allocation(
        accounts, wanted, proposed.order_id, proposed.channel, trusted_now(tx)
    )
    task = open_pick(tx, proposed.order_id, "NEW_ORDER", cause, proposed.promise_at)
    return [*allocated, reserved, *task]


# -- picking --------------------------------------------------------------------------------------


def claim(tx: Transaction, order_id: str, *, actor: str, cause: str) -> list[Entry]:
    order, holder = load(tx, order_id)
    facts: list[Fact] = [*rules.decide_claim(order, actor, holder)]
    if facts:
        for task in pick_tasks(tx, order_id):
            facts += decide_claim(task, actor, holder) if task.claimed_by is None else []
    return append(tx, facts, actor, cause)


def release(tx: Transaction, order_id: str, *, actor: str, cause: str) -> list[Entry]:
    order, holder = load(tx, order_id)
    facts: list[Fact] = [*rules.decide_release(order, actor, holder, lead=is_lead(tx, actor))]
    if facts:
        for task in pick_tasks(tx, order_id):
            facts += release_task(task)
    return append(tx, facts, actor, cause)


def pick(
    tx: Transaction,
    order_id: str,
    line_id: str,
    qty: int,
    code: str | None = None,
    by_hand: str | None = None,
    *,
    actor: str,
    cause: str,
    occurred_at: datetime | None = None,
) -> list[Entry]:
    """Units were taken from the shelf; `code` is what was scanned, and has to match the line.

    `by_hand`: why nothing was scanned.
    """
    check_qty(qty, "qty")
    order, holder = load(tx, order_id)
    sku = None if code is None else scanned_sku(tx.conn, code)
    facts = rules.decide_pick(order, actor, holder, line_id, qty, sku, by_hand)
    return append(tx, facts, actor, cause, occurred_at)


def short(
    tx: Transaction, order_id: str, line_id: str, qty: int, reason: str, *, actor: str, cause: str
) -> list[Entry]:
    check_qty(qty, "qty")
    order, holder = load(tx, order_id)
    facts: list[Fact] = [*rules.decide_short(order, actor, holder, line_id, qty, reason)]
    facts += _leave(tx, order, line_id, qty, reason, cause)
    return append(tx, facts, actor, cause)


def substitute(
    tx: Transaction,
    order_id: str,
    line_id: str,
    sku: str,
    qty: int,
    reason: str = "NOT_IN_STOCK",
    *,
    actor: str,
    cause: str,
) -> list[Entry]:
    """Give another article for units that can't be picked for `reason`."""
    check_sku(sku)
    check_qty(qty, "qty")
    order, holder = load(tx, order_id)
    price, care = catalog.price(tx.conn, sku, tx.now), catalog.care(tx.conn, sku)
    single = price is not None and price.per_qty == 1
    article = OrderLine(
        line_id=rules.substitute_id(order, line_id),
        sku=sku,
        qty=qty,
        name=catalog.name(tx.conn, sku),
        unit_price_minor=price.amount_minor if price and single else None,
        currency=price.currency if price else order.currency,
        tax_rate_bp=price.tax_rate_bp if price else None,
        tax_included=price.tax_included if price else True,
        storage=care.storage,
        age_min=care.age_min,
    )
    decided = rules.decide_substitute(order, actor, holder, line_id, article, reason)
    allocated = stock.decide_allocation(
        stock_queries.loads(tx.conn, [sku], tx.now),
        moves.wanted(order_id, [(article.line_id, sku, qty)]),
        order_id,
        order.channel,
        trusted_now(tx),
    )
    left = _leave(tx, order, line_id, qty, reason, cause)
    return append(tx, [*decided, *left, *allocated], actor, cause)


def stage(
    tx: Transaction,
    order_id: str,
    shelf: str,
    lines: Sequence[str] | None = None,
    split: bool = False,
    *,
    actor: str,
    cause: str,
    occurred_at: datetime | None = None,
) -> list[Entry]:
    """The goods stand on `shelf` (its number, or the scan of its code): these `lines`, or all.

    `split`: only what belongs on a shelf of its kind, where the order has goods of several.
    """
    order, holder = load(tx, order_id)
    number = read_shelf(shelf)
    check_shelf(tx.conn, number)
    if split and not lines:
        lines = rules.part_for(order, number, shelf_kinds(tx.conn))
    facts: list[Fact] = [*rules.decide_stage(order, actor, holder, number, lines or ())]
    if order.state is Status.PICKING and any(isinstance(fact, OrderStaged) for fact in facts):
        facts += moves.staged(order, holds(tx, order_id))
        facts += decide_finish(pick_tasks(tx, order_id), actor)
    return append(tx, facts, actor, cause, occurred_at)


def ready(tx: Transaction, order_id: str, *, actor: str, cause: str) -> list[Entry]:
    return append(tx, rules.decide_ready(queries.load(tx.conn, order_id)), actor, cause)


def undo(
    tx: Transaction, order_id: str, state: str | None = None, *, actor: str, cause: str
) -> list[Entry]:
    """Take the last step back: ready, staging, or the last pick, short or substitution.

    `state`: where the order stood when somebody chose to; two who undo one step undo one.
    """
    order, holder = load(tx, order_id)
    facts: list[Fact] = [*rules.decide_undo(order, actor, holder, state)]
    if order.state is Status.PICKING:
        step = rules.last_step(order)
        line = order.line(step.line_id)
        accounts = stock_queries.loads(tx.conn, [line.sku] if line else [], tx.now)
        facts += moves.undone(order, holds(tx, order_id), accounts, step)
    if order.state is Status.PREPARED:
        facts += moves.staged(order, holds(tx, order_id), back=True)
        for opened in open_pick(tx, order_id, "UNDONE", cause, order.promise_at):
            facts.append(opened)
    return append(tx, facts, actor, cause)


# -- handover -------------------------------------------------------------------------------------


def handover(
    tx: Transaction,
    order_id: str,
    proof: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]] | None = None,
    *,
    actor: str,
    cause: str,
    collected_by: str = "customer",
    device: str | None = None,
    confirmed: bool = False,
    age_checked: bool = False,
) -> list[Entry]:
    """Give goods to the customer against proof `{"kind","value"}`; no lines: all that is left.

    A hub that was restored asks for `confirmed` until it has met central: the goods may have been
    handed over after the backup.
    """
    order = queries.load(tx.conn, order_id)
    if not confirmed and journal.in_doubt(tx.conn):
        raise Refusal(
            f"This hub was restored from a backup and has not met central yet: order"
            f" {order.label} may have been handed over since. Look whether the goods are on"
            " their shelf, and confirm.",
            slug="confirm-handover",
        )
    shown = proofs.check(
        proof,
        order_id,
        lambda: queries.keys(tx.conn),
        lambda other: queries.is_of_customer(tx.conn, other, order.customer_ref),
    )
    handed = None if lines is None else [_handed(line) for line in lines]
    facts = rules.decide_handover(
        order,
        handed,
        shown.kind,
        id_kind=shown.id_kind,
        collected_by=collected_by,
        device=device,
        age_checked=age_checked,
    )
    accounts = stock_queries.loads(tx.conn, (line.sku for line in order.lines), tx.now)
    moved = moves.handed_over(order, holds(tx, order_id), accounts, facts[0].lines)
    return append(tx, [*facts, *moved, *count_tasks(tx, moved, cause)], actor, cause)


def correct(
    tx: Transaction,
    order_id: str,
    lines: Sequence[Mapping[str, Any]] | None = None,
    reason: str = "MISTAKE",
    *,
    actor: str,
    cause: str,
) -> list[Entry]:
    """A lead takes back (part of) a handover that did not happen so.

    Where the order was given up meanwhile it stays so, and the units are put back.
    """
    order = queries.load(tx.conn, order_id)
    named = None if lines is None else [_handed(line) for line in lines]
    work = reshelve(tx, order_id, "CORRECTED", cause)
    facts = rules.decide_correction(
        order, named, actor, read_reason(reason), rest_is_back=bool(work)
    )
    moved = moves.corrected(order, holds(tx, order_id), facts[0].lines)
    return append(tx, [*facts, *moved, *(work if facts[0].ended else [])], actor, cause)


def buyer_seen(
    tx: Transaction,
    order_id: str,
    where: object,
    eta_minutes: object = None,
    stall: object = None,
    *,
    actor: str,
    cause: str,
) -> list[Entry]:
    """The customer is `on_the_way`, there in `eta_minutes`, or has `arrived`, at `stall`."""
    seen = read_where(where, eta_minutes, stall)
    return append(tx, rules.decide_buyer_seen(queries.load(tx.conn, order_id), *seen), actor, cause)


def delegate_named(tx: Transaction, order_id: str, *, actor: str, cause: str) -> list[Entry]:
    """The customer named somebody else who may collect."""
    return append(tx, rules.decide_delegate(queries.load(tx.conn, order_id)), actor, cause)


def _leave(
    tx: Transaction, order: PickupOrder, line_id: str, qty: int, reason: str, cause: str
) -> list[Fact]:
    """The moves of units that could not be picked, and the count that they ask for."""
    line = order.line(line_id)
    short = moves.SHORT_REASONS[reason]
    if line is None or short is None:
        return []
    moved = moves.shorted(order, holds(tx, order.order_id), line, qty, reason)
    return [*moved, *(count_task(tx, line.sku, reason, cause) if short.counted else [])]


def _handed(line: Mapping[str, Any]) -> HandedLine:
    check_qty(line.get("qty"), "lines.qty")
    return HandedLine(line_id=str(line.get("line_id")), qty=int(line["qty"]))
