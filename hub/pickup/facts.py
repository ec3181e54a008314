"""What happens to an order that is collected here, from proposed to picked up.

It must never hold anything personal: customers are references, people are actors, an ID is its
kind and never its number. `OrderProposed` carries the whole order: central may lose its copy.
"""

from typing import Final

import msgspec


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Price and name as decided when it was ordered; `tax_rate_bp`: basis points (1900 = 19 %).

    `substitutes`: `any` article, `never` one, or the SKUs that the customer takes instead.
    `storage`: how it is kept. `age_min`: nobody younger may have it.
    """

    line_id: str
    sku: str
    qty: int
    name: str = ""
    unit_price_minor: int | None = None
    currency: str | None = None
    tax_rate_bp: int | None = None
    tax_included: bool = True
    substitutes: str | tuple[str, ...] = "any"
    storage: str = "ambient"
    age_min: int = 0


class _OrderFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    order_id: str

    def topics(self) -> tuple[str, ...]:
        return (f"pickup:{self.order_id}", "pickup")


class OrderProposed(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """`supply`: `store`, or `ship_to_store` when the goods still travel here. `origin`: `central`,
    or `code` when the order was read from the customer's pickup code before central sent it.
    `language`: the one that the customer reads, a tag such as `de`. `fallback`: the store that
    takes the order over should this one be out of stock."""

    lines: tuple[OrderLine, ...]
    short_code: str
    channel: str
    currency: str | None = None
    customer_ref: str | None = None
    promise_at: str | None = None
    placed_at: str | None = None
    supply: str = "store"
    origin: str = "central"
    language: str | None = None
    fallback: str | None = None


class OrderMatched(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Central's copy of an order that began from its pickup code: it adds what was lacking.

    `lines`: as central sent them; a code has no room for ages, wishes and prices.
    """

    channel: str
    short_code: str
    currency: str | None = None
    customer_ref: str | None = None
    promise_at: str | None = None
    language: str | None = None
    fallback: str | None = None
    lines: tuple[OrderLine, ...] = ()


class OrderReserved(_OrderFact, frozen=True, kw_only=True):
    """This store promises all lines."""


class OrderRejected(_OrderFact, frozen=True, kw_only=True):
    """This store can't give it: at once, or after all when what it had reserved is gone."""

    reason: str


class PromiseBroken(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """`qty` units that were promised are gone: sold from a customer's hand (`SALE`), or a count
    did not find them (`COUNT`). `ref`: the sale that took them."""

    line_id: str
    qty: int
    by: str
    ref: str | None = None


class OrderShipped(_OrderFact, frozen=True, kw_only=True):
    """The goods are on their way to this store."""


class ParcelsNamed(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The goods travel in these parcels (an SSCC, or a carrier's own number); more may follow."""

    parcels: tuple[str, ...] = ()
    carrier: str | None = None
    tracking: str | None = None


class ParcelArrived(_OrderFact, frozen=True, kw_only=True):
    """This parcel is in the store. The goods are received once all of them are."""

    parcel: str


class ReceivedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Units of a line that did not come, or came damaged; all others are here and good."""

    line_id: str
    missing: int = 0
    damaged: int = 0


class OrderReceived(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The goods of a ship-to-store order are here; `lines`: those that are not whole.

    `promise_at`: by when it is to be ready, for nobody could begin before.
    """

    lines: tuple[ReceivedLine, ...] = ()
    promise_at: str | None = None


class GoodsToStock(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Goods came for an order that waits for none: it was canceled, or filled from here."""

    lines: tuple[ReceivedLine, ...] = ()


class PickingClaimed(_OrderFact, frozen=True, kw_only=True):
    by: str


class PickingReleased(_OrderFact, frozen=True, kw_only=True):
    by: str


class LinePicked(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """`by_hand`: why nothing was scanned, where the picker had to say so."""

    line_id: str
    qty: int
    by_hand: str | None = None


class LineShorted(_OrderFact, frozen=True, kw_only=True):
    line_id: str
    qty: int
    reason: str


class LinePostponed(_OrderFact, frozen=True, kw_only=True):
    """To be picked later: nothing moves and the units stay pending."""

    line_id: str
    qty: int


class LineSubstituted(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """`qty` units of `line_id` are replaced by the picked units of the new line `substitute`."""

    line_id: str
    qty: int
    reason: str
    substitute: OrderLine


class LineStepUndone(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The last pick, short or substitution of a line is taken back (`step`: which of them)."""

    step: str
    line_id: str
    qty: int
    substitute_line_id: str | None = None


class LinesStaged(_OrderFact, frozen=True, kw_only=True):
    """These lines lie on `shelf`; others of the order lie on none yet."""

    shelf: str
    lines: tuple[str, ...]


class OrderStaged(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """All lines are resolved and lie on shelves; a later one moved them.

    `lines`: those that lie on `shelf`, where others lie elsewhere; none named: all of them.
    """

    shelf: str
    lines: tuple[str, ...] = ()


class StagingUndone(_OrderFact, frozen=True, kw_only=True):
    by: str


class OrderReady(_OrderFact, frozen=True, kw_only=True):
    """From here on central may tell the customer; the notice is named after this entry."""


class ReadyUndone(_OrderFact, frozen=True, kw_only=True):
    by: str


class HandedLine(msgspec.Struct, frozen=True, kw_only=True):
    line_id: str
    qty: int


class OrderHandedOver(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """`proof_kind`: code, id_seen or signature. `id_kind`: which document was seen.

    `age_checked`: somebody looked at the age of who took the goods.
    """

    lines: tuple[HandedLine, ...]
    proof_kind: str
    complete: bool
    id_kind: str | None = None
    collected_by: str = "customer"
    device: str | None = None
    age_checked: bool = False


class HandoverCorrected(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A lead found that these units were not handed over after all; they are staged again.

    `ended`: the order had been given up, so they are free and to be put back; `rest_is_back`: what
    was to be put back before is on the floor already.
    """

    lines: tuple[HandedLine, ...]
    by: str
    reason: str
    ended: bool = False
    rest_is_back: bool = False


class OrderHeld(_OrderFact, frozen=True, kw_only=True):
    reason: str


class OrderResumed(_OrderFact, frozen=True, kw_only=True):
    pass


class OrderCanceled(_OrderFact, frozen=True, kw_only=True):
    reason: str


class CancelRefused(_OrderFact, frozen=True, kw_only=True):
    """Central asked for a cancel and a rule said no; `reason` is the refusal's slug."""

    reason: str


class OrderExpired(_OrderFact, frozen=True, kw_only=True):
    """Nobody came in time."""


class BuyerSeen(_OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """`where`: `on_the_way` (in `eta_minutes`) or `arrived` (at `stall`, as its sign says)."""

    where: str
    eta_minutes: int | None = None
    stall: str | None = None


class DelegateNamed(_OrderFact, frozen=True, kw_only=True):
    """Somebody else may collect; who that is stands with the customer's personal data."""


ALL: Final = (
    OrderProposed,
    OrderMatched,
    OrderReserved,
    OrderRejected,
    PromiseBroken,
    OrderShipped,
    ParcelsNamed,
    ParcelArrived,
    OrderReceived,
    GoodsToStock,
    PickingClaimed,
    PickingReleased,
    LinePicked,
    LineShorted,
    LinePostponed,
    LineSubstituted,
    LineStepUndone,
    LinesStaged,
    OrderStaged,
    StagingUndone,
    OrderReady,
    ReadyUndone,
    OrderHandedOver,
    HandoverCorrected,
    OrderHeld,
    OrderResumed,
    OrderCanceled,
    CancelRefused,
    OrderExpired,
    BuyerSeen,
    DelegateNamed,
)
FACTS: Final[dict[tuple[str, int], type]] = {(fact.__name__, 1): fact for fact in ALL}
