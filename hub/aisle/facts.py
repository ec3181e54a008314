"""What happens to endless-aisle orders, and to this store's rights to the distribution centre's.

It must never hold anything personal; who ordered is a reference.
"""

from typing import Final, Literal

import msgspec

Deliver = Literal["store", "home"]


class AisleLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`unit_price_minor` with its currency as it was decided; None where no price was known."""

    line_id: str
    sku: str
    name: str
    qty: int
    unit_price_minor: int | None = None
    currency: str | None = None


class _OrderFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    order_id: str

    def topics(self) -> tuple[str, ...]:
        return (f"aisle:{self.order_id}", "aisle")


class AisleOrderPlaced(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Without a condition it is confirmed, and its units are spent of the rights held here."""

    lines: tuple[AisleLine, ...]
    deliver: Deliver
    conditional: bool = False
    customer_ref: str | None = None


class AisleOrderConfirmed(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Central has the goods for an order that was placed on condition."""


class AisleOrderDeclined(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Central can't supply it. After a confirmation this is a broken promise."""

    reason: str


class _SupplyFact(msgspec.Struct, frozen=True, kw_only=True):
    sku: str

    def topics(self) -> tuple[str, ...]:
        return (f"supply:{self.sku}", "aisle")


class SupplyLent(_SupplyFact, frozen=True, kw_only=True):
    """Central's side as it stated it, in all, ever: rights lent, taken back, asked back."""

    granted: int
    reclaimed: int = 0
    asked: int = 0


class SupplyReturned(_SupplyFact, frozen=True, kw_only=True):
    """This store gave rights back: `returned` in all, ever, for wishes up to `answered`."""

    returned: int
    answered: int


FACTS: Final[dict[tuple[str, int], type]] = {
    ("AisleOrderPlaced", 1): AisleOrderPlaced,
    ("AisleOrderConfirmed", 1): AisleOrderConfirmed,
    ("AisleOrderDeclined", 1): AisleOrderDeclined,
    ("SupplyLent", 1): SupplyLent,
    ("SupplyReturned", 1): SupplyReturned,
}
