"""What every step asks first: is the state right, who is picking, which line is meant.

It must never change anything; it refuses with a sentence, or names the field that is wrong.
"""

from collections.abc import Collection
from typing import Final

from hub.errors import Invalid, Refusal
from hub.pickup.lifecycle import NEXT, Status, Step
from hub.pickup.order import Line, PickupOrder

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


def check_picker(order: PickupOrder, by: str, holder: str) -> None:
    if order.claimed_by != by:
        raise Refusal(f"{holder} is picking order {order.label}.", slug="claimed-by-another")


def check_reason(reason: str, known: Collection[str]) -> None:
    if reason not in known:
        raise Invalid(f"reason must be one of {', '.join(known)}.", field="reason")


def line_of(order: PickupOrder, line_id: str) -> Line:
    line = order.line(line_id)
    if line is None:
        raise Invalid(f"Order {order.label} has no line {line_id}.", field="line_id")
    return line


def name_of(line: Line) -> str:
    return line.name or f"SKU {line.sku}"
