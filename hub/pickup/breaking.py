"""Decides whose promise breaks when promised units are gone: sold from a hand, or not found; pure.

It must never touch staged goods nor those that a picker has, and never break an older promise
while a younger one of the same article can give the units.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from hub.pickup.facts import OrderRejected, PromiseBroken
from hub.pickup.lifecycle import NEXT, Status, Step
from hub.pickup.order import PickupOrder, evolve
from hub.stock import rules as stock
from hub.stock.facts import StockMoved
from hub.stock.rules import Hold

OUT_OF_STOCK: Final = "OUT_OF_STOCK"
PROMISE_BREAK: Final = "PROMISE_BREAK"
MOST_TOLD: Final = 5


class Promised(NamedTuple):
    """An order with its open allocations, by their names."""

    order: PickupOrder
    holds: Mapping[str, Hold]


class Loss(NamedTuple):
    """What an order loses: `qty` units of a line's SKU."""

    order: PickupOrder
    line_id: str
    sku: str
    qty: int


class Broken(NamedTuple):
    """The moves that give the units back to the shelf, what that means to the orders, the losses.

    `orders`: those that lost something, as they stand afterwards.
    """

    moves: tuple[StockMoved, ...]
    facts: tuple[PromiseBroken | OrderRejected, ...]
    losses: tuple[Loss, ...]
    orders: tuple[PickupOrder, ...]


def decide_break(
    promised: Mapping[str, Sequence[str]],
    orders: Mapping[str, Promised],
    wanted: Mapping[str, int],
    by: str,
    ref: str | None = None,
) -> Broken:
    """Take `wanted` units (by SKU) from promises, as far as these have them.

    `promised`: by SKU the ids of the orders that it is promised to, the youngest first. `by`:
    `SALE` or `COUNT`; `ref`: the sale. An order that nobody has begun is given up whole when
    another store takes it over, or when nothing is left of it; any other is short.
    """
    known = dict(orders)
    moves: list[StockMoved] = []
    facts: list[PromiseBroken | OrderRejected] = []
    losses: list[Loss] = []
    for sku, qty in wanted.items():
        # An order that was given up for another SKU may have freed units of this one.
        left = qty - sum(move.qty for move in moves if move.sku == sku)
        for order_id in promised.get(sku, ()):
            if left <= 0:
                break
            given, said, lost = _take(known[order_id], sku, left, by, ref)
            known[order_id] = _after(known[order_id], given, said)
            left -= sum(move.qty for move in given if move.sku == sku)
            moves += given
            facts += said
            losses += lost
    touched = dict.fromkeys(loss.order.order_id for loss in losses)
    return Broken(
        tuple(moves), tuple(facts), tuple(losses), tuple(known[one].order for one in touched)
    )


def _take(
    promised: Promised, sku: str, wanted: int, by: str, ref: str | None
) -> tuple[list[StockMoved], list[PromiseBroken | OrderRejected], list[Loss]]:
    moves: list[StockMoved] = []
    facts: list[PromiseBroken | OrderRejected] = []
    losses: list[Loss] = []
    for hold in promised.holds.values():
        qty = min(wanted, free_to_take(promised.order, hold)) if hold.sku == sku else 0
        if qty <= 0:
            continue
        line_id, order_id = hold.line_id or "", promised.order.order_id
        wanted -= qty
        moves.append(stock.release(hold, qty, PROMISE_BREAK))
        facts.append(PromiseBroken(order_id=order_id, line_id=line_id, qty=qty, by=by, ref=ref))
        losses.append(Loss(promised.order, line_id, sku, qty))
    after = _after(promised, moves, facts)
    if losses and is_given_up(after.order):
        facts.append(OrderRejected(order_id=after.order.order_id, reason=OUT_OF_STOCK))
        for hold in after.holds.values():
            moves += stock.close_all(hold, "CANCELLATION", OUT_OF_STOCK)
    return moves, facts, losses


def free_to_take(order: PickupOrder, hold: Hold) -> int:
    """Return the units of an allocation that still stand on the shelf, promised."""
    line = order.line(hold.line_id or "")
    if line is None or (order.state, Step.BREAK) not in NEXT:
        return 0
    return max(0, min(hold.open_qty - hold.staged_qty, line.pending))


def is_given_up(order: PickupOrder) -> bool:
    """Nobody has begun it, and another store takes it over or nothing of it is left."""
    if order.state is not Status.RESERVED or any(line.picked for line in order.lines):
        return False
    return order.fallback is not None or not any(line.pending > 0 for line in order.lines)


def _after(
    promised: Promised,
    moves: Iterable[StockMoved],
    facts: Iterable[PromiseBroken | OrderRejected],
) -> Promised:
    holds = dict(promised.holds)
    for move in moves:
        hold = holds[move.closes or ""]
        # The rules here take nothing from where goods are staged, but giving up closes all.
        staged = move.qty if move.source == "staged" else 0
        holds[hold.ref] = replace(
            hold, open_qty=hold.open_qty - move.qty, staged_qty=hold.staged_qty - staged
        )
    order = promised.order
    for fact in facts:
        order = evolve(order, fact)
    return Promised(order, holds)


def told(losses: Sequence[Loss]) -> str:
    """Say which orders lose what, for the person who confirms it: `ABCD (2 of SKU 4711)`."""
    named = [f"{one.order.label} ({one.qty} of SKU {one.sku})" for one in losses[:MOST_TOLD]]
    return ", ".join([*named, "…"] if len(losses) > MOST_TOLD else named)
