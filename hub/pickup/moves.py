"""Which units each step of an order moves.

It must never move units that the order does not hold, except at a handover: goods in a customer's
hand are sold, and a record that lacks them is corrected.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from hub.errors import Refusal
from hub.pickup.facts import HandedLine, ReceivedLine
from hub.pickup.lifecycle import GIVEN_UP
from hub.pickup.order import Line, LineStep, PickupOrder
from hub.stock import rules as stock
from hub.stock.facts import OUTSIDE, StockMoved
from hub.stock.rules import Hold, Stock, Wanted

Holds = Mapping[str, Hold]


class Short(NamedTuple):
    """Where units go that could not be picked, and whether their SKU has to be counted."""

    bucket: str
    counted: bool


PICK_LATER: Final = "PICK_LATER"
SHORT_REASONS: Final[dict[str, Short | None]] = {
    "NOT_IN_STOCK": Short("shrink", counted=True),  # the record had units that are not there
    "MISMATCH": Short("quality_control", counted=True),  # other goods than the label says
    "DAMAGED": Short("damaged", counted=False),
    "WORN_DISPLAY": Short("quality_control", counted=False),  # there, but not fit for this customer
    PICK_LATER: None,  # nothing moves
}


def allocation(order_id: str, line_id: str) -> str:
    """The name of a line's allocation in the ledger. Ids hold no slash, so it is unique."""
    return f"{order_id}/{line_id}"


def wanted(order_id: str, lines: Iterable[tuple[str, str, int]]) -> list[Wanted]:
    return [Wanted(allocation(order_id, line), line, sku, qty) for line, sku, qty in lines]


def shorted(
    order: PickupOrder, holds: Holds, line: Line, qty: int, reason: str
) -> list[StockMoved]:
    """The units leave the promise by the table of reasons."""
    short = SHORT_REASONS[reason]
    if short is None:
        return []
    hold = _hold(order, holds, line)
    return [stock.close(hold, qty, short.bucket, "ADJUSTMENT", reason=reason)]


def undone(
    order: PickupOrder, holds: Holds, stocks: Mapping[str, Stock], step: LineStep
) -> list[StockMoved]:
    """Take the moves of a short or a substitution back."""
    moves = []
    line = order.line(step.line_id)
    short = SHORT_REASONS.get(step.reason)
    if line is not None and short is not None and step.step in ("short", "substitute"):
        there = stocks[line.sku].units(short.bucket)
        if short.bucket not in OUTSIDE and there < step.qty:
            raise Refusal(
                f"The units of SKU {line.sku} have been moved on and can't be taken back.",
                slug="moved-on",
            )
        hold = _hold(order, holds, line)
        moves.append(stock.reopen(hold, step.qty, short.bucket, "ADJUSTMENT", reason="UNDONE"))
    substitute = order.line(step.substitute_line_id)
    if substitute is not None:
        hold = _hold(order, holds, substitute)
        moves.append(stock.close(hold, step.qty, "available", "CANCELLATION", reason="UNDONE"))
    return moves


def staged(order: PickupOrder, holds: Holds, *, back: bool = False) -> list[StockMoved]:
    """The picked units stand on the staging shelf now, or are taken `back` from it."""
    return [
        stock.stage(_hold(order, holds, line), line.to_hand_over, back=back)
        for line in order.lines
        if line.to_hand_over > 0
    ]


def handed_over(
    order: PickupOrder, holds: Holds, stocks: Mapping[str, Stock], lines: Iterable[HandedLine]
) -> list[StockMoved]:
    """The units leave with the customer."""
    moves: list[StockMoved] = []
    unknown: dict[str, int] = {}
    for handed in lines:
        line = order.line(handed.line_id)
        if line is None:
            continue
        hold = _hold(order, holds, line)
        known = min(handed.qty, max(0, hold.staged_qty))
        if known:
            moves.append(stock.close(hold, known, "customer", "SALE", staged=True))
        if handed.qty > known:
            unknown[line.sku] = unknown.get(line.sku, 0) + handed.qty - known
    for sku, qty in unknown.items():
        lacking = qty - max(0, stocks[sku].units("available"))
        if lacking > 0:
            moves.append(stock.record_error(sku, lacking))
        moves.append(_sold(order, sku, qty))
    return moves


def corrected(order: PickupOrder, holds: Holds, lines: Iterable[HandedLine]) -> list[StockMoved]:
    """Units that were not handed over after all stand on the shelf again.

    An order that was given up holds none: they may be sold to others.
    """
    if order.state in GIVEN_UP:
        return [
            _transit(order, line, "customer", "available", "RETURN", handed.qty, "CORRECTED")
            for handed in lines
            if (line := order.line(handed.line_id)) is not None
        ]
    return [
        stock.reopen(_hold(order, holds, line), handed.qty, "customer", "RETURN")
        for handed in lines
        if (line := order.line(handed.line_id)) is not None
    ]


def given_up(holds: Holds, reason: str) -> list[StockMoved]:
    """All that the order still holds may be sold to others again."""
    return [
        move for hold in holds.values() for move in stock.close_all(hold, "CANCELLATION", reason)
    ]


def shipped(order: PickupOrder) -> list[StockMoved]:
    return [_transit(order, line, "supplier", "in_transit", "TRANSFER_IN") for line in order.lines]


def not_coming(order: PickupOrder) -> list[StockMoved]:
    """Goods of a canceled order are not expected any more; what arrives anyway is a receipt."""
    return [_transit(order, line, "in_transit", "supplier", "TRANSFER_OUT") for line in order.lines]


def received(order: PickupOrder, lines: Mapping[str, ReceivedLine]) -> list[StockMoved]:
    """The goods are here, and promised to this order from the first moment.

    Damaged units are here and nobody's; missing ones never left whoever sent them.
    """
    moved = []
    for line in order.lines:
        missing, damaged = _lacking(lines, line)
        parts = (
            (line.ordered - missing - damaged, "committed", "ALLOCATION", None),
            (damaged, "damaged", "TRANSFER_IN", "DAMAGED"),
            (missing, "supplier", "TRANSFER_OUT", "MISSING"),
        )
        moved += [
            _transit(order, line, "in_transit", target, kind, qty, reason)
            for qty, target, kind, reason in parts
            if qty > 0
        ]
    return moved


def to_stock(order: PickupOrder, lines: Mapping[str, ReceivedLine]) -> list[StockMoved]:
    """Goods that came for an order which waits for none may be sold to anybody."""
    moved = []
    for line in (one for one in order.lines if one.substitute_for is None):
        missing, damaged = _lacking(lines, line)
        good = line.ordered - missing - damaged
        parts = ((good, "available", None), (damaged, "damaged", "DAMAGED"))
        moved += [
            _transit(order, line, "supplier", target, "RECEIVE", qty, reason)
            for qty, target, reason in parts
            if qty > 0
        ]
    return moved


def _lacking(lines: Mapping[str, ReceivedLine], line: Line) -> tuple[int, int]:
    found = lines.get(line.line_id)
    return (0, 0) if found is None else (found.missing, found.damaged)


def _transit(
    order: PickupOrder,
    line: Line,
    source: str,
    target: str,
    kind: str,
    qty: int | None = None,
    reason: str | None = None,
) -> StockMoved:
    return StockMoved(
        sku=line.sku,
        qty=line.ordered if qty is None else qty,
        source=source,
        target=target,
        kind=kind,
        ref=allocation(order.order_id, line.line_id),
        order_id=order.order_id,
        line_id=line.line_id,
        reason=reason,
    )


def _sold(order: PickupOrder, sku: str, qty: int) -> StockMoved:
    return StockMoved(
        sku=sku,
        qty=qty,
        source="available",
        target="customer",
        kind="SALE",
        order_id=order.order_id,
    )


def _hold(order: PickupOrder, holds: Holds, line: Line) -> Hold:
    ref = allocation(order.order_id, line.line_id)
    found = holds.get(ref)
    if found is not None:
        return found
    return Hold(ref, line.sku, "ALLOCATION", 0, 0, None, order.order_id, line.line_id)
