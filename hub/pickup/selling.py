"""Sales and counts, and the promises that they break: load, decide, append both rooms' facts.

It must never refuse what a person confirmed or what has happened already, never append twice for
one sale, and never leave a broken promise untold.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from hub import journal
from hub.chain import Entry
from hub.errors import Refusal
from hub.journal import Fact, Transaction
from hub.pickup import breaking, queries
from hub.pickup.breaking import Broken, Promised
from hub.pickup.day import queries as days
from hub.pickup.lifecycle import Status
from hub.pickup.loading import append, holds, pick_tasks
from hub.pickup.order import PickupOrder
from hub.stock import documents, lacking, ledger
from hub.stock import queries as stock_queries
from hub.stock import rules as stock
from hub.stock.facts import StockMoved
from hub.stock.rules import Stock
from hub.stock.work import check_count, count_tasks, counted_facts, recalls, trusted_now
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind, decide_drop, decide_open

BREAKS: Final = "breaks-promise"


def sell(
    tx: Transaction,
    sale_id: str,
    lines: Iterable[Mapping[str, Any]],
    *,
    actor: str,
    cause: str,
    occurred_at: datetime | None = None,
    confirmed: bool = True,
) -> list[Entry]:
    """Goods were sold at a till. Never refused for want of stock; the same sale counts once.

    `confirmed`: it has happened, or staff said that the goods are in a customer's hand. Otherwise
    a sale that would break a promise is refused.
    """
    wanted = documents.lines_of(tx, lines)
    if documents.already(tx, "SALE", sale_id, ((line.sku, line.qty) for line in wanted)):
        return []
    now = trusted_now(tx)
    stocks = stock_queries.loads(tx.conn, (line.sku for line in wanted), tx.now)
    named = {line.closes: stock_queries.hold(tx.conn, line.closes) for line in wanted
             if line.closes}  # fmt: skip
    broken = _broken(tx, lacking.of_sale(stocks, wanted, now), "SALE", sale_id)
    if broken.losses and not confirmed:
        raise Refusal(
            f"These units are promised: {breaking.told(broken.losses)}."
            " Confirm the sale if the goods are in the customer's hand.",
            slug=BREAKS,
        )
    stocks = _evolved(stocks, broken.moves)
    moves = stock.decide_sale(stocks, sale_id, wanted, named, now)
    facts: list[Fact] = [*broken.moves, *moves, *broken.facts, *count_tasks(tx, moves, cause)]
    facts += recalls(tx, _evolved(stocks, moves))
    facts += _work(tx, broken, "SALE", cause)
    return append(tx, facts, actor, cause, occurred_at)


def count(
    tx: Transaction,
    sku: str,
    counted: int,
    since: str | None = None,
    *,
    actor: str,
    cause: str,
    reason: str | None = None,
    occurred_at: datetime | None = None,
    confirmed: bool = True,
) -> list[Entry]:
    """Somebody counted all units of `sku` in the store, beginning after the entry `since`.

    What is missing beyond the free units was promised to somebody; not `confirmed`, such a count
    is refused: it may be a slip, and orders would move to other stores by it.
    """
    check_count(sku, counted)
    moved = 0 if since is None else stock_queries.moved_since(tx.conn, sku, since)
    account = stock_queries.load(tx.conn, sku, tx.now)
    short = lacking.of_count(account, counted, moved, trusted_now(tx))
    broken = _broken(tx, short, "COUNT", None)
    if broken.losses and not confirmed:
        raise Refusal(
            f"Units would be missing that are promised: {breaking.told(broken.losses)}."
            " Count once more, and confirm the count if it is so.",
            slug=BREAKS,
        )
    account = _evolved({sku: account}, broken.moves)[sku]
    said = counted_facts(tx, account, counted, moved, since, reason, actor)
    gone = [fact for fact in said if isinstance(fact, StockMoved)]
    facts: list[Fact] = [*broken.moves, *said, *broken.facts]
    facts += recalls(tx, _evolved({sku: account}, gone))
    facts += _work(tx, broken, "COUNT", cause)
    return append(tx, facts, actor, cause, occurred_at)


def _broken(tx: Transaction, wanted: Mapping[str, int], by: str, ref: str | None) -> Broken:
    """Decide from the orders that are promised what is `wanted`, the youngest first."""
    promised: dict[str, list[str]] = {}
    orders: dict[str, Promised] = {}
    for sku in wanted:
        for order_id in stock_queries.promised_to(tx.conn, sku):
            if order_id not in orders:
                order = queries.find(tx.conn, order_id)
                orders[order_id] = Promised(order or PickupOrder(order_id), holds(tx, order_id))
            promised.setdefault(sku, []).append(order_id)
    ages = {order_id: _age(tx, order_id) for order_id in orders}
    for listed in promised.values():
        listed.sort(key=lambda order_id: (ages[order_id], order_id), reverse=True)
    return breaking.decide_break(promised, orders, wanted, by, ref)


def _age(tx: Transaction, order_id: str) -> int:
    """Where in the journal the order was reserved: clocks order nothing."""
    entry = days.reserved_by(tx.conn, order_id)
    return (journal.seq_of(tx.conn, entry) or 0) if entry else 0


def _evolved(stocks: Mapping[str, Stock], moves: Iterable[StockMoved]) -> dict[str, Stock]:
    changed = dict(stocks)
    for move in moves:
        if move.sku in changed:
            changed[move.sku] = ledger.evolve(changed[move.sku], move)
    return changed


def _work(tx: Transaction, broken: Broken, by: str, cause: str) -> list[Fact]:
    """Who fetches an order that was given up may stop; who can mend a promise is asked to."""
    facts: list[Fact] = []
    for order in broken.orders:
        rejected = order.state is Status.REJECTED
        if rejected:
            for task in pick_tasks(tx, order.order_id):
                facts += decide_drop(task, breaking.OUT_OF_STOCK)
        if rejected and order.fallback is not None:
            continue
        subject = f"order:{order.order_id}"
        facts += decide_open(
            tasks.unfinished(tx.conn, Kind.BROKEN, subject),
            Kind.BROKEN,
            subject,
            f"BROKEN_BY_{by}",
            cause=cause,
            sku=next(one.sku for one in broken.losses if one.order.order_id == order.order_id),
            order_id=order.order_id,
        )
    return facts
