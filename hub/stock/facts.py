"""What happens to the store's units: they move, are counted, and others may promise some.

It must never state a balance: a balance is the sum of moves.
"""

from typing import Final

import msgspec

# Units in the store. `in_transit` is ours and on its way; it is inside, and not on hand.
ON_HAND: Final = ("available", "held", "committed", "staged", "damaged", "quality_control")
INSIDE: Final = (*ON_HAND, "in_transit")
OUTSIDE: Final = ("supplier", "customer", "shrink")
BUCKETS: Final = (*INSIDE, *OUTSIDE)

KINDS: Final = (
    "RECEIVE",
    "HOLD",
    "ALLOCATION",
    "RELEASE",
    "SALE",
    "CANCELLATION",
    "RETURN",
    "ADJUSTMENT",
    "COUNT",
    "TRANSFER_OUT",
    "TRANSFER_IN",
)


class StockMoved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`qty` > 0 units of `sku` went from `source` to `target`.

    `ref` names what the move opens (a HOLD, an ALLOCATION) or the document that it comes from
    (a sale, a receipt); `closes` names the hold or allocation that it takes `qty` from.
    """

    sku: str
    qty: int
    source: str
    target: str
    kind: str
    ref: str | None = None
    closes: str | None = None
    until: str | None = None
    order_id: str | None = None
    line_id: str | None = None
    reason: str | None = None
    channel: str | None = None  # of an ALLOCATION: where its demand came from

    def topics(self) -> tuple[str, ...]:
        return (f"stock:{self.sku}",)


class UnitsCounted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`expected` is what the record said, as of the entry `since`, when counting began."""

    sku: str
    counted: int
    expected: int
    since: str | None = None
    reason: str | None = None

    def topics(self) -> tuple[str, ...]:
        return (f"stock:{self.sku}",)


class HoldExtended(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    ref: str
    until: str

    def topics(self) -> tuple[str, ...]:
        return (f"stock:{self.sku}",)


class RightsGranted(msgspec.Struct, frozen=True, kw_only=True):
    """This store lent central the right to promise units: `granted` of them in all, ever."""

    sku: str
    granted: int

    def topics(self) -> tuple[str, ...]:
        return (f"stock:{self.sku}",)


class RightsRecalled(msgspec.Struct, frozen=True, kw_only=True):
    """This store wants rights back: units `asked` in all, ever; central returns what it has."""

    sku: str
    asked: int

    def topics(self) -> tuple[str, ...]:
        return (f"stock:{self.sku}",)


class RightsReclaimed(msgspec.Struct, frozen=True, kw_only=True):
    """A person took rights back without central's word: `reclaimed` units in all, ever."""

    sku: str
    reclaimed: int

    def topics(self) -> tuple[str, ...]:
        return (f"stock:{self.sku}",)


class RightsTold(msgspec.Struct, frozen=True, kw_only=True):
    """Central's own side as it stated it: rights `returned` and `spent` in all, ever.

    `answered`: how far it has answered the store's wishes, by their `asked`.
    """

    sku: str
    returned: int
    spent: int
    answered: int = 0

    def topics(self) -> tuple[str, ...]:
        return (f"stock:{self.sku}",)


FACTS: Final[dict[tuple[str, int], type]] = {
    ("StockMoved", 1): StockMoved,
    ("UnitsCounted", 1): UnitsCounted,
    ("HoldExtended", 1): HoldExtended,
    ("RightsGranted", 1): RightsGranted,
    ("RightsRecalled", 1): RightsRecalled,
    ("RightsReclaimed", 1): RightsReclaimed,
    ("RightsTold", 1): RightsTold,
}
