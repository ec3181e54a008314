"""Decides what happens between claim and staging: pick, short, substitute, stage, take back.

It must never take more units than a line still waits for, and never stage an open line.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Final

from hub.errors import Invalid, Refusal
from hub.pickup.checks import check_picker, check_reason, check_step, line_of, name_of
from hub.pickup.facts import (
    LinePicked,
    LinePostponed,
    LineShorted,
    LinesStaged,
    LineStepUndone,
    LineSubstituted,
    OrderLine,
    OrderStaged,
    ReadyUndone,
    StagingUndone,
)
from hub.pickup.lifecycle import Status, Step
from hub.pickup.moves import PICK_LATER, SHORT_REASONS
from hub.pickup.order import Line, LineStep, PickupOrder

# Why a unit may be picked without its scan.
HAND_REASONS: Final = ("NO_BARCODE", "UNREADABLE", "NO_SCANNER", "LOOSE_GOODS")


def decide_pick(
    order: PickupOrder,
    by: str,
    holder: str,
    line_id: str,
    qty: int,
    scanned_sku: str | None = None,
    by_hand: str | None = None,
) -> list[LinePicked]:
    """Units of a line were taken from the shelf; a scan has to match the line."""
    if by_hand is not None:
        check_reason(by_hand, HAND_REASONS)
        if scanned_sku is not None:
            raise Invalid("A pick is scanned or by hand, not both.", field="by_hand")
    line = _line_in_picking(order, Step.PICK, by, holder, line_id)
    if scanned_sku is not None and scanned_sku != line.sku:
        wanted = line.name or f"SKU {line.sku}"
        raise Refusal(f"The scan is SKU {scanned_sku}; this line needs {wanted}.", slug="mismatch")
    _check_pending(line, qty)
    return [LinePicked(order_id=order.order_id, line_id=line_id, qty=qty, by_hand=by_hand)]


def decide_short(
    order: PickupOrder, by: str, holder: str, line_id: str, qty: int, reason: str
) -> list[LineShorted | LinePostponed]:
    """Units of a line can't be picked, for a reason that says where they are."""
    line = _line_in_picking(order, Step.SHORT, by, holder, line_id)
    check_reason(reason, SHORT_REASONS)
    _check_pending(line, qty)
    if reason == PICK_LATER:
        return [LinePostponed(order_id=order.order_id, line_id=line_id, qty=qty)]
    return [LineShorted(order_id=order.order_id, line_id=line_id, qty=qty, reason=reason)]


def decide_substitute(
    order: PickupOrder,
    by: str,
    holder: str,
    line_id: str,
    article: OrderLine,
    reason: str,
) -> list[LineSubstituted]:
    """`article` takes the place of as many units of a line; it is picked at once."""
    line = _line_in_picking(order, Step.SUBSTITUTE, by, holder, line_id)
    check_reason(reason, [key for key in SHORT_REASONS if key != PICK_LATER])
    _check_pending(line, article.qty)
    if article.sku == line.sku:
        raise Refusal("That is the article that was ordered; pick it.", slug="same-article")
    _check_substitute(line, article.sku)
    return [
        LineSubstituted(
            order_id=order.order_id,
            line_id=line_id,
            qty=article.qty,
            reason=reason,
            substitute=article,
        )
    ]


def _check_substitute(line: Line, sku: str) -> None:
    """The customer said what may take an article's place."""
    allowed = line.allowed
    if allowed is None or sku in allowed:
        return
    if not allowed:
        raise Refusal(
            f"The customer takes nothing else instead of {name_of(line)}.", slug="never-substitute"
        )
    raise Refusal(
        f"Instead of {name_of(line)} the customer takes only SKU {', '.join(allowed)}.",
        slug="not-allowed",
    )


def substitute_id(order: PickupOrder, line_id: str) -> str:
    """Name the line of a substitute: `L1.s1`, the next one that the order doesn't have."""
    return next(name for n in count(1) if order.line(name := f"{line_id}.s{n}") is None)


def decide_stage(
    order: PickupOrder, by: str, holder: str, shelf: str, lines: Sequence[str] = ()
) -> list[LinesStaged | OrderStaged]:
    """All lines are resolved and these lie on a shelf. The same shelf again is no news.

    No `lines`: all that lie on no shelf yet; of an order that is prepared, all of it. The order is
    prepared once every line lies on a shelf.
    """
    check_step(order, Step.STAGE)
    for name in lines:
        if line_of(order, name).to_hand_over <= 0:
            raise Refusal(
                f"Nothing of {name_of(line_of(order, name))} is to be put on a shelf.",
                slug="nothing-to-stage",
            )
    if order.state is Status.PICKING:
        check_picker(order, by, holder)
        pending = sum(line.pending for line in order.lines)
        if pending > 0:
            noun = "unit is" if pending == 1 else "units are"
            raise Refusal(f"{pending} {noun} still to be picked.", slug="lines-open")
        if not any(line.picked for line in order.lines):
            raise Refusal(
                f"Nothing was picked for order {order.label}; cancel it as out of stock.",
                slug="nothing-picked",
            )
    there = [line for line in order.lines if line.to_hand_over > 0]
    open_lines = [line for line in there if line.shelf is None]
    # All may lie on shelves already, where what was open was taken back and found short.
    last = order.state is Status.PICKING and not open_lines
    here = [line for line in there if last and line.shelf == shelf]
    named = set(lines) or {line.line_id for line in open_lines or here or there}
    if not last and all(line.shelf == shelf for line in there if line.line_id in named):
        return []
    others = [line for line in there if line.line_id not in named and line.shelf != shelf]
    part = tuple(line.line_id for line in there if line.line_id in named) if others else ()
    if any(line.shelf is None for line in others):
        return [LinesStaged(order_id=order.order_id, shelf=shelf, lines=part)]
    return [OrderStaged(order_id=order.order_id, shelf=shelf, lines=part)]


def part_for(order: PickupOrder, shelf: str, kinds: Mapping[str, str]) -> tuple[str, ...]:
    """Which lines belong on a scanned shelf, by the `kinds` of the planned ones; none: all left.

    Goods for which no shelf is planned go with any others. Where nothing is of the shelf's kind a
    person put the rest there all the same.
    """
    kind = kinds.get(shelf)
    there = [line for line in order.lines if line.to_hand_over > 0]
    left = [line for line in there if line.shelf is None] or there
    if kind not in {line.storage for line in left}:
        return ()
    planned = set(kinds.values())
    own = [line for line in left if line.storage == kind or line.storage not in planned]
    return tuple(line.line_id for line in own) if len(own) < len(left) else ()


def decide_undo(
    order: PickupOrder, by: str, holder: str, state: str | None = None
) -> list[ReadyUndone | StagingUndone | LineStepUndone]:
    """Take the last step back: ready, staging, or the last pick, short or substitution.

    `state`: the one that is to be left; None: whichever it is.
    """
    if state not in (None, order.state):
        raise Refusal(
            f"Somebody changed order {order.label} a moment ago: look at it again.", slug="changed"
        )
    check_step(order, Step.UNDO)
    if order.begun_handover:
        raise Refusal(
            f"Units of order {order.label} are already with the customer;"
            " a lead can correct the handover.",
            slug="handover-begun",
        )
    if order.state is Status.READY_FOR_PICKUP:
        return [ReadyUndone(order_id=order.order_id, by=by)]
    if order.state is Status.PREPARED:
        return [StagingUndone(order_id=order.order_id, by=by)]
    check_picker(order, by, holder)
    step = last_step(order)
    return [
        LineStepUndone(
            order_id=order.order_id,
            step=step.step,
            line_id=step.line_id,
            qty=step.qty,
            substitute_line_id=step.substitute_line_id or None,
        )
    ]


def last_step(order: PickupOrder) -> LineStep:
    if not order.steps:
        raise Refusal(f"Nothing of order {order.label} was picked yet.", slug="nothing-to-undo")
    return order.steps[-1]


def _line_in_picking(order: PickupOrder, step: Step, by: str, holder: str, line_id: str) -> Line:
    check_step(order, step)
    check_picker(order, by, holder)
    return line_of(order, line_id)


def _check_pending(line: Line, qty: int) -> None:
    if line.pending <= 0:
        raise Refusal(f"All units of {name_of(line)} are already done.", slug="line-done")
    if qty > line.pending:
        verb = "is" if line.pending == 1 else "are"
        raise Refusal(
            f"Only {line.pending} of {name_of(line)} {verb} still to be picked.", slug="too-many"
        )
