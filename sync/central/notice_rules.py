"""What a customer is told, when, and whether it still holds; pure.

It must never let something be told that is no longer so, nor more than the customer agreed to.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, get_args

Kind = Literal[
    "received",
    "shipped",
    "ready",
    "reminder",
    "delayed",
    "canceled",
    "expired",
    "rejected",
    "moved",
]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
# What the store's facts become; `received` and `moved` are central's own.
OF_FACT: Final[Mapping[str, tuple[Kind, ...]]] = {
    "OrderProposed": ("delayed",),
    "OrderShipped": ("shipped",),
    "OrderReceived": ("delayed",),
    "OrderReady": ("ready", "reminder"),
    "OrderCanceled": ("canceled",),
    "OrderExpired": ("expired",),
    "OrderRejected": ("rejected",),
}
# All others are needed for the contract: what becomes of the order, and when and where it waits.
NEEDS_CONSENT: Final = frozenset({"reminder"})
_UNDER_WAY: Final = frozenset(
    {"PROPOSED", "RESERVED", "IN_TRANSIT", "RECEIVED", "PICKING", "PREPARED", "ON_HOLD"}
)
_OPEN: Final = _UNDER_WAY | {"READY_FOR_PICKUP"}
# In which states of its order a notice is still true.
HOLDS: Final[Mapping[str, frozenset[str]]] = {
    "received": _OPEN,
    "shipped": frozenset({"IN_TRANSIT"}),
    "ready": frozenset({"READY_FOR_PICKUP"}),
    "reminder": frozenset({"READY_FOR_PICKUP"}),
    "delayed": _UNDER_WAY,
    "canceled": frozenset({"CANCELED"}),
    "expired": frozenset({"EXPIRED"}),
    "rejected": frozenset({"REJECTED"}),
    "moved": _OPEN,
}
_FIRST_S: Final = 30
_LONGEST_S: Final = 3600


def verdict(kind: str, state: str, *, who: str, consent: bool, reachable: bool) -> str:
    """Say what becomes of a notice: `send`, or why it is not sent."""
    if who == "shop":
        return "shop"
    if not reachable:
        return "erased"
    if state not in HOLDS[kind]:
        return "stale"
    if kind in NEEDS_CONSENT and not consent:
        return "no-consent"
    return "send"


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after so many failed attempts: 30 s, 1 min, 2 … to an hour."""
    return timedelta(seconds=min(_FIRST_S * 2 ** min(attempts - 1, 20), _LONGEST_S))
