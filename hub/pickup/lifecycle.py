"""The lifecycle of a pickup order as one table that a shop manager can read.

It must never hold a condition: what a step needs beyond the right state is said in `rules`.
"""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    PROPOSED = "PROPOSED"
    REJECTED = "REJECTED"
    RESERVED = "RESERVED"
    IN_TRANSIT = "IN_TRANSIT"
    RECEIVED = "RECEIVED"
    PICKING = "PICKING"
    PREPARED = "PREPARED"
    READY_FOR_PICKUP = "READY_FOR_PICKUP"
    PICKED_UP = "PICKED_UP"
    ON_HOLD = "ON_HOLD"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


class Step(StrEnum):
    RESERVE = "reserve"
    REJECT = "reject"
    BREAK = "break"
    SHIP = "ship"
    RECEIVE = "receive"
    CLAIM = "claim"
    RELEASE = "release"
    PICK = "pick"
    SHORT = "short"
    SUBSTITUTE = "substitute"
    STAGE = "stage"
    READY = "ready"
    UNDO = "undo"
    HANDOVER = "handover"
    CORRECT = "correct"
    HOLD = "hold"
    RESUME = "resume"
    CANCEL = "cancel"
    EXPIRE = "expire"


UNDER_WAY: Final = (
    Status.RESERVED,
    Status.IN_TRANSIT,
    Status.RECEIVED,
    Status.PICKING,
    Status.PREPARED,
    Status.READY_FOR_PICKUP,
)
# Ended before all of it was handed over: what was left went back to the floor.
GIVEN_UP: Final = (Status.CANCELED, Status.EXPIRED)
# Release and resume lead back to the state that the order came from.
WHERE_IT_WAS: Final = None

NEXT: Final[dict[tuple[Status, Step], Status | None]] = {
    (Status.PROPOSED, Step.RESERVE): Status.RESERVED,
    (Status.PROPOSED, Step.REJECT): Status.REJECTED,
    (Status.PROPOSED, Step.CANCEL): Status.CANCELED,
    # promised units are gone: short of them, or given up whole while nobody has begun
    (Status.RESERVED, Step.BREAK): Status.RESERVED,
    (Status.RESERVED, Step.REJECT): Status.REJECTED,
    (Status.RECEIVED, Step.BREAK): Status.RECEIVED,
    (Status.PICKING, Step.BREAK): Status.PICKING,
    (Status.ON_HOLD, Step.BREAK): Status.ON_HOLD,
    # ship to store
    (Status.RESERVED, Step.SHIP): Status.IN_TRANSIT,
    (Status.IN_TRANSIT, Step.RECEIVE): Status.RECEIVED,
    # picking
    (Status.RESERVED, Step.CLAIM): Status.PICKING,
    (Status.RECEIVED, Step.CLAIM): Status.PICKING,
    (Status.PICKING, Step.RELEASE): WHERE_IT_WAS,
    (Status.PICKING, Step.PICK): Status.PICKING,
    (Status.PICKING, Step.SHORT): Status.PICKING,
    (Status.PICKING, Step.SUBSTITUTE): Status.PICKING,
    (Status.PICKING, Step.UNDO): Status.PICKING,
    # staging: another shelf may be scanned later on
    (Status.PICKING, Step.STAGE): Status.PREPARED,
    (Status.PREPARED, Step.STAGE): Status.PREPARED,
    (Status.READY_FOR_PICKUP, Step.STAGE): Status.READY_FOR_PICKUP,
    (Status.PREPARED, Step.UNDO): Status.PICKING,
    (Status.PREPARED, Step.READY): Status.READY_FOR_PICKUP,
    (Status.READY_FOR_PICKUP, Step.UNDO): Status.PREPARED,
    # handover: while units are left the order stays ready
    (Status.READY_FOR_PICKUP, Step.HANDOVER): Status.PICKED_UP,
    (Status.READY_FOR_PICKUP, Step.CORRECT): Status.READY_FOR_PICKUP,
    (Status.PICKED_UP, Step.CORRECT): Status.READY_FOR_PICKUP,
    # given up meanwhile it stays so; the units go to the floor with the others
    **{(state, Step.CORRECT): state for state in GIVEN_UP},
    # exceptions
    **{(state, Step.HOLD): Status.ON_HOLD for state in UNDER_WAY},
    (Status.ON_HOLD, Step.RESUME): WHERE_IT_WAS,
    **{(state, Step.CANCEL): Status.CANCELED for state in (*UNDER_WAY, Status.ON_HOLD)},
    (Status.RESERVED, Step.EXPIRE): Status.EXPIRED,
    (Status.RECEIVED, Step.EXPIRE): Status.EXPIRED,
    (Status.PREPARED, Step.EXPIRE): Status.EXPIRED,
    (Status.READY_FOR_PICKUP, Step.EXPIRE): Status.EXPIRED,
    (Status.ON_HOLD, Step.EXPIRE): Status.EXPIRED,
}
