"""Decides which facts each step of an order produces, or refuses with a sentence for staff.

It must never complete an order before its handover, never let two associates pick one order, and
never turn the same step taken twice into two facts.
"""

from collections.abc import Collection, Sequence
from typing import Final

from hub.errors import Invalid, Refusal
from hub.pickup.facts import (
    BuyerSeen,
    HandedLine,
    HandoverCorrected,
    LinePicked,
    LinePostponed,
    LineShorted,
    LineStepUndone,
    LineSubstituted,
    OrderCanceled,
    OrderExpired,
    OrderHandedOver,
    OrderHeld,
    OrderLine,
    OrderMatched,
    OrderProposed,
    OrderReady,
    OrderReceived,
    OrderResumed,
    OrderShipped,
    OrderStaged,
    PickingClaimed,
    PickingReleased,
    ReadyUndone,
    StagingUndone,
)
from hub.pickup.lifecycle import NEXT, UNDER_WAY, WHERE_IT_WAS, Status, Step
from hub.pickup.moves import PICK_LATER, SHORT_REASONS
from hub.pickup.order import Line, LineStep, PickupOrder, evolve

__all__ = ["NEXT", "WHERE_IT_WAS", "PickupOrder", "Status", "Step", "evolve"]

CANCEL_REASONS: Final = (
    "BUYER_REQUEST",
    "BUYER_NO_SHOW",
    "BUYER_REJECTED",
    "OUT_OF_STOCK",
    "STORE_CLOSED",
)

_STATE_WORDS: Final = {
    Status.PROPOSED: "not reserved yet",
    Status.REJECTED: "rejected",
    Status.RESERVED: "waiting to be picked",
    Status.IN_TRANSIT: "on its way to this store",
    Status.RECEIVED: "waiting to be picked",
    Status.PICKING: "being picked",
    Status.PREPARED: "prepared and not ready yet",
    Status.READY_FOR_PICKUP: "ready for pickup",
    Status.PICKED_UP: "already handed over",
    Status.ON_HOLD: "on hold",
    Status.EXPIRED: "expired",
    Status.CANCELED: "canceled",
}
_STEP_WORDS: Final = {
    Step.CLAIM: "claimed",
    Step.RELEASE: "released",
    Step.PICK: "picked",
    Step.SHORT: "picked",
    Step.SUBSTITUTE: "picked",
    Step.STAGE: "staged",
    Step.READY: "set ready",
    Step.UNDO: "taken a step back",
    Step.HANDOVER: "handed over",
    Step.CORRECT: "corrected",
    Step.HOLD: "put on hold",
    Step.RESUME: "resumed",
    Step.CANCEL: "canceled",
    Step.EXPIRE: "expired",
    Step.SHIP: "shipped",
    Step.RECEIVE: "received",
}


def check_step(order: PickupOrder, step: Step) -> None:
    """Refuse what the lifecycle's table does not foresee."""
    if (order.state, step) not in NEXT:
        raise Refusal(
            f"Order {order.label} is {_STATE_WORDS[order.state]};"
            f" it can't be {_STEP_WORDS[step]} now.",
            slug="wrong-state",
        )


def decide_match(order: PickupOrder, proposed: OrderProposed) -> list[OrderMatched]:
    """Central's copy of an order that this store already has: it counts once."""
    if order.origin == "central":
        return []
    return [
        OrderMatched(
            order_id=order.order_id,
            channel=proposed.channel,
            short_code=proposed.short_code,
            currency=proposed.currency,
            customer_ref=proposed.customer_ref,
            promise_at=proposed.promise_at,
        )
    ]


def decide_claim(order: PickupOrder, by: str, holder: str) -> list[PickingClaimed]:
    """One associate picks an order. `holder` is the name to tell when it is somebody else."""
    if order.state is Status.PICKING:
        check_picker(order, by, holder)
        return []
    check_step(order, Step.CLAIM)
    if order.state is Status.RESERVED and order.supply == "ship_to_store":
        raise Refusal(f"The goods of order {order.label} are not here yet.", slug="not-here-yet")
    return [PickingClaimed(order_id=order.order_id, by=by)]


def check_picker(order: PickupOrder, by: str, holder: str) -> None:
    if order.claimed_by != by:
        raise Refusal(f"{holder} is picking order {order.label}.", slug="claimed-by-another")


def decide_release(
    order: PickupOrder, by: str, holder: str, *, lead: bool = False
) -> list[PickingReleased]:
    """The picker gives the order back; a lead may do it for somebody who went home."""
    if order.state in (Status.RESERVED, Status.RECEIVED):
        return []
    check_step(order, Step.RELEASE)
    if not lead:
        check_picker(order, by, holder)
    return [PickingReleased(order_id=order.order_id, by=by)]


def decide_pick(
    order: PickupOrder, by: str, holder: str, line_id: str, qty: int, scanned_sku: str | None = None
) -> list[LinePicked]:
    """Units of a line were taken from the shelf; a scan has to match the line."""
    line = _line_in_picking(order, Step.PICK, by, holder, line_id)
    if scanned_sku is not None and scanned_sku != line.sku:
        wanted = line.name or f"SKU {line.sku}"
        raise Refusal(f"The scan is SKU {scanned_sku}; this line needs {wanted}.", slug="mismatch")
    _check_pending(line, qty)
    return [LinePicked(order_id=order.order_id, line_id=line_id, qty=qty)]


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
    sku: str,
    name: str,
    qty: int,
    reason: str,
) -> list[LineSubstituted]:
    """Another article takes the place of units of a line; it is picked at once."""
    line = _line_in_picking(order, Step.SUBSTITUTE, by, holder, line_id)
    check_reason(reason, [key for key in SHORT_REASONS if key != PICK_LATER])
    _check_pending(line, qty)
    if sku == line.sku:
        raise Refusal("That is the article that was ordered; pick it.", slug="same-article")
    number = 1 + sum(other.substitute_for == line_id for other in order.lines)
    substitute = OrderLine(
        line_id=f"{line_id}.s{number}", sku=sku, qty=qty, name=name, currency=line.currency
    )
    return [
        LineSubstituted(
            order_id=order.order_id,
            line_id=line_id,
            qty=qty,
            reason=reason,
            substitute=substitute,
        )
    ]


def decide_stage(order: PickupOrder, by: str, holder: str, shelf: str) -> list[OrderStaged]:
    """All lines are resolved and the goods stand on a shelf. The same shelf again is no news."""
    check_step(order, Step.STAGE)
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
    elif order.shelf == shelf:
        return []
    return [OrderStaged(order_id=order.order_id, shelf=shelf)]


def decide_ready(order: PickupOrder) -> list[OrderReady]:
    if order.state is Status.READY_FOR_PICKUP:
        return []
    check_step(order, Step.READY)
    return [OrderReady(order_id=order.order_id)]


def decide_undo(
    order: PickupOrder, by: str, holder: str
) -> list[ReadyUndone | StagingUndone | LineStepUndone]:
    """Take the last step back: ready, staging, or the last pick, short or substitution."""
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


def decide_handover(
    order: PickupOrder,
    lines: Sequence[HandedLine] | None,
    proof_kind: str,
    *,
    id_kind: str | None = None,
    collected_by: str = "customer",
    device: str | None = None,
) -> list[OrderHandedOver]:
    """Goods go to the customer against proof. None hands over all that is left."""
    if order.state is Status.PICKED_UP:
        raise Refusal(f"Order {order.label} was already handed over.", slug="already-handed-over")
    check_step(order, Step.HANDOVER)
    handed = tuple(lines) if lines is not None else _all_left(order)
    _check_handed(order, handed)
    left = sum(line.to_hand_over for line in order.lines) - sum(line.qty for line in handed)
    return [
        OrderHandedOver(
            order_id=order.order_id,
            lines=handed,
            proof_kind=proof_kind,
            complete=left == 0,
            id_kind=id_kind,
            collected_by=collected_by,
            device=device,
        )
    ]


def decide_correction(
    order: PickupOrder, lines: Sequence[HandedLine] | None, by: str, reason: str
) -> list[HandoverCorrected]:
    """A lead takes units of a handover back that did not happen as it was written down."""
    check_step(order, Step.CORRECT)
    if lines is None:
        lines = [
            HandedLine(line_id=line.line_id, qty=line.handed_over)
            for line in order.lines
            if line.handed_over > 0
        ]
    for handed in lines:
        line = _line(order, handed.line_id)
        if handed.qty > line.handed_over:
            raise Refusal(
                f"Only {line.handed_over} of {_name(line)} were handed over.", slug="too-many"
            )
    if not lines:
        raise Refusal("Nothing of this order was handed over.", slug="nothing-handed-over")
    return [HandoverCorrected(order_id=order.order_id, lines=tuple(lines), by=by, reason=reason)]


def decide_hold(order: PickupOrder, reason: str) -> list[OrderHeld]:
    if order.state is Status.ON_HOLD:
        return []
    check_step(order, Step.HOLD)
    return [OrderHeld(order_id=order.order_id, reason=reason)]


def decide_resume(order: PickupOrder) -> list[OrderResumed]:
    if order.state in UNDER_WAY:
        return []
    check_step(order, Step.RESUME)
    return [OrderResumed(order_id=order.order_id)]


def decide_cancel(order: PickupOrder, reason: str) -> list[OrderCanceled]:
    check_reason(reason, CANCEL_REASONS)
    if order.state is Status.CANCELED:
        return []
    check_step(order, Step.CANCEL)
    return [OrderCanceled(order_id=order.order_id, reason=reason)]


def decide_expiry(order: PickupOrder) -> list[OrderExpired]:
    if order.state is Status.EXPIRED:
        return []
    check_step(order, Step.EXPIRE)
    return [OrderExpired(order_id=order.order_id)]


def decide_ship(order: PickupOrder) -> list[OrderShipped]:
    if order.state is Status.IN_TRANSIT:
        return []
    check_step(order, Step.SHIP)
    if order.supply != "ship_to_store":
        raise Refusal(f"Order {order.label} is supplied from this store.", slug="not-shipped")
    return [OrderShipped(order_id=order.order_id)]


def decide_receive(order: PickupOrder) -> list[OrderReceived]:
    if order.state is Status.RECEIVED:
        return []
    check_step(order, Step.RECEIVE)
    return [OrderReceived(order_id=order.order_id)]


def decide_buyer_seen(order: PickupOrder, where: str) -> list[BuyerSeen]:
    """The customer is on the way, or stands at the counter: times, not states."""
    known = order.buyer_arrived_at if where == "arrived" else order.buyer_on_the_way_at
    if known is not None or order.state in (Status.PICKED_UP, Status.CANCELED, Status.EXPIRED):
        return []
    return [BuyerSeen(order_id=order.order_id, where=where)]


def check_reason(reason: str, known: Collection[str]) -> None:
    if reason not in known:
        raise Invalid(f"reason must be one of {', '.join(known)}.", field="reason")


def urgency(seconds_left: float | None) -> str:
    """The colour of a promise: `late`, `soon` (within a quarter of an hour), `later`, `none`."""
    if seconds_left is None:
        return "none"
    if seconds_left < 0:
        return "late"
    return "soon" if seconds_left <= 900 else "later"


def _line_in_picking(order: PickupOrder, step: Step, by: str, holder: str, line_id: str) -> Line:
    check_step(order, step)
    check_picker(order, by, holder)
    return _line(order, line_id)


def _line(order: PickupOrder, line_id: str) -> Line:
    line = order.line(line_id)
    if line is None:
        raise Invalid(f"Order {order.label} has no line {line_id}.", field="line_id")
    return line


def _check_pending(line: Line, qty: int) -> None:
    if line.pending <= 0:
        raise Refusal(f"All units of {_name(line)} are already done.", slug="line-done")
    if qty > line.pending:
        verb = "is" if line.pending == 1 else "are"
        raise Refusal(
            f"Only {line.pending} of {_name(line)} {verb} still to be picked.", slug="too-many"
        )


def _check_handed(order: PickupOrder, handed: Sequence[HandedLine]) -> None:
    per_line: dict[str, int] = {}
    for item in handed:
        per_line[item.line_id] = per_line.get(item.line_id, 0) + item.qty
    if not per_line:
        raise Refusal(f"Nothing of order {order.label} is left to hand over.", slug="nothing-left")
    for line_id, qty in per_line.items():
        line = _line(order, line_id)
        if qty > line.to_hand_over:
            raise Refusal(
                f"Only {line.to_hand_over} of {_name(line)} can be handed over.", slug="too-many"
            )


def _all_left(order: PickupOrder) -> tuple[HandedLine, ...]:
    return tuple(
        HandedLine(line_id=line.line_id, qty=line.to_hand_over)
        for line in order.lines
        if line.to_hand_over > 0
    )


def _name(line: Line) -> str:
    return line.name or f"SKU {line.sku}"
