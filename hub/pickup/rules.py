"""Decides which facts each step of an order produces, or refuses with a sentence for staff.

It must never complete an order before its handover, never let two associates pick one order, and
never turn the same step taken twice into two facts.
"""

from typing import Final

from hub.errors import Refusal
from hub.pickup.checks import check_picker, check_reason, check_step
from hub.pickup.facts import (
    BuyerSeen,
    DelegateNamed,
    OrderCanceled,
    OrderExpired,
    OrderHeld,
    OrderMatched,
    OrderProposed,
    OrderReady,
    OrderResumed,
    PickingClaimed,
    PickingReleased,
)
from hub.pickup.handing import decide_correction, decide_handover
from hub.pickup.lifecycle import NEXT, UNDER_WAY, WHERE_IT_WAS, Status, Step
from hub.pickup.order import PickupOrder, evolve
from hub.pickup.picking import (
    decide_pick,
    decide_short,
    decide_stage,
    decide_substitute,
    decide_undo,
    last_step,
    part_for,
    substitute_id,
)

__all__ = [
    "NEXT",
    "WHERE_IT_WAS",
    "PickupOrder",
    "Status",
    "Step",
    "decide_correction",
    "decide_handover",
    "decide_pick",
    "decide_short",
    "decide_stage",
    "decide_substitute",
    "decide_undo",
    "evolve",
    "last_step",
    "part_for",
    "substitute_id",
]

# Nobody is waited for any more.
DONE: Final = (Status.PICKED_UP, Status.CANCELED, Status.EXPIRED, Status.REJECTED)
CANCEL_REASONS: Final = (
    "BUYER_REQUEST",
    "BUYER_NO_SHOW",
    "BUYER_REJECTED",
    "OUT_OF_STOCK",
    "STORE_CLOSED",
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
            language=proposed.language,
            fallback=proposed.fallback,
            lines=proposed.lines,
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


def decide_ready(order: PickupOrder) -> list[OrderReady]:
    if order.state is Status.READY_FOR_PICKUP:
        return []
    check_step(order, Step.READY)
    return [OrderReady(order_id=order.order_id)]


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
    """Nobody came in time; somebody may have come at the last moment."""
    if order.state in (Status.EXPIRED, Status.PICKED_UP, Status.CANCELED):
        return []
    check_step(order, Step.EXPIRE)
    return [OrderExpired(order_id=order.order_id)]


def decide_buyer_seen(
    order: PickupOrder, where: str, eta_minutes: int | None = None, stall: str | None = None
) -> list[BuyerSeen]:
    """The customer is on the way, or here: times, not states. The same again is one fact."""
    if order.state in DONE:
        return []
    if where == "arrived":
        if order.buyer_arrived_at is not None and stall in (None, order.buyer_stall):
            return []
        return [BuyerSeen(order_id=order.order_id, where=where, stall=stall)]
    known = order.buyer_on_the_way_at is not None and order.buyer_eta_minutes == eta_minutes
    if known or order.buyer_arrived_at is not None:
        return []
    return [BuyerSeen(order_id=order.order_id, where=where, eta_minutes=eta_minutes)]


def decide_delegate(order: PickupOrder) -> list[DelegateNamed]:
    """Somebody else may collect. Naming another one is no second fact: the name is personal."""
    if order.has_delegate or order.state in DONE:
        return []
    return [DelegateNamed(order_id=order.order_id)]


def urgency(seconds_left: float | None) -> str:
    """The colour of a promise: `late`, `soon` (within a quarter of an hour), `later`, `none`."""
    if seconds_left is None:
        return "none"
    if seconds_left < 0:
        return "late"
    return "soon" if seconds_left <= 900 else "later"
