"""What happens to goods that are brought back.

It must never hold anything personal: who brings them is an order or a receipt.
"""

from typing import Final

import msgspec


class ReturnedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`source_line`: the order's line; None for goods of a till's receipt."""

    line_id: str
    sku: str
    qty: int
    source_line: str | None = None
    unit_price_minor: int | None = None


class _ReturnFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    return_id: str

    def topics(self) -> tuple[str, ...]:
        return (f"return:{self.return_id}", "returns")


class ReturnOpened(_ReturnFact, frozen=True, kw_only=True, omit_defaults=True):
    """Goods of an order (`order_id`) or of a till's receipt (`sale_id`) lie on the counter.

    `origin`: the other store that handed them over, where that is known; None: this one did.
    `provisional`: what was bought is not known here; the refund waits for central's word.
    """

    lines: tuple[ReturnedLine, ...]
    reason: str
    order_id: str | None = None
    sale_id: str | None = None
    currency: str | None = None
    origin: str | None = None
    origin_name: str | None = None
    provisional: bool = False


class ReturnLineDisposed(_ReturnFact, frozen=True, kw_only=True):
    """What becomes of a line; the last word before the return is closed counts."""

    line_id: str
    disposition: str


class ReturnClosed(_ReturnFact, frozen=True, kw_only=True, omit_defaults=True):
    """The goods have moved. `refund_minor`: what is asked for; None where no price is known."""

    refund_minor: int | None = None


class ReturnCanceled(_ReturnFact, frozen=True, kw_only=True):
    reason: str


class RefundSettled(_ReturnFact, frozen=True, kw_only=True):
    """The shop's payment system says what became of the refund: PAID or REFUSED."""

    state: str


def brought_as(line_id: str) -> str:
    """Return the line of a return that was brought: B1 for B1.2, a further part of it."""
    return line_id.partition(".")[0]


class ConfirmedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Units of the return's line as units of the order's. `line_id`: `brought_as`."""

    line_id: str
    source_line: str
    sku: str
    qty: int
    unit_price_minor: int | None = None


class ReturnConfirmed(_ReturnFact, frozen=True, kw_only=True, omit_defaults=True):
    """Central knows what was bought and that it had not come back. `refund_minor`: what is asked
    for, where the return was closed meanwhile."""

    lines: tuple[ConfirmedLine, ...]
    origin: str | None = None
    origin_name: str | None = None
    currency: str | None = None
    refund_minor: int | None = None


class ReturnConflicted(_ReturnFact, frozen=True, kw_only=True, omit_defaults=True):
    """Central says no: CAME_BACK (at `stores`, by name), NOT_HANDED_OVER or NOT_KNOWN."""

    reason: str
    stores: tuple[str, ...] = ()


class ElsewhereLine(msgspec.Struct, frozen=True, kw_only=True):
    line_id: str
    qty: int


class ReturnedElsewhere(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Units of this store's order came back at `store`; `lines` replaces what was said before."""

    order_id: str
    return_id: str
    store: str
    lines: tuple[ElsewhereLine, ...] = ()

    def topics(self) -> tuple[str, ...]:
        return (f"pickup:{self.order_id}", "returns")


ALL: Final = (
    ReturnOpened,
    ReturnLineDisposed,
    ReturnClosed,
    ReturnCanceled,
    RefundSettled,
    ReturnConfirmed,
    ReturnConflicted,
    ReturnedElsewhere,
)
FACTS: Final[dict[tuple[str, int], type]] = {(fact.__name__, 1): fact for fact in ALL}
