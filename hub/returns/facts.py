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
    """Goods of an order (`order_id`) or of a till's receipt (`sale_id`) lie on the counter."""

    lines: tuple[ReturnedLine, ...]
    reason: str
    order_id: str | None = None
    sale_id: str | None = None
    currency: str | None = None


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


ALL: Final = (ReturnOpened, ReturnLineDisposed, ReturnClosed, ReturnCanceled, RefundSettled)
FACTS: Final[dict[tuple[str, int], type]] = {(fact.__name__, 1): fact for fact in ALL}
