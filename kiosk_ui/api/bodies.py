"""The JSON that programs send and get, as types; OpenAPI is made from these and nothing else.

A request type must never accept a field that it does not know.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Sku = Annotated[str, Meta(min_length=1, max_length=64)]
Qty = Annotated[int, Meta(ge=1, le=1_000_000)]
Code = Annotated[str, Meta(min_length=1, max_length=2048)]
Reason = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Z_]+$")]
Channel = Literal["store", "kiosk", "web", "phone"]
Time = Annotated[str, Meta(description="UTC, YYYY-MM-DDThh:mm:ss.sssZ")]


class Asked(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A request body."""


# -- orders


class Nothing(Asked):
    """`{}`: the step needs no more than the order."""


class Undo(Asked):
    """`state`: what is taken back; refused where the order stands elsewhere by now."""

    state: Reason | None = None


class Pick(Asked):
    line_id: Id
    qty: Qty
    code: Code | None = None
    by_hand: Literal["NO_BARCODE", "UNREADABLE", "NO_SCANNER", "LOOSE_GOODS"] | None = None


class Wave(Asked):
    order_ids: Annotated[list[Id], Meta(min_length=1, max_length=12)]


class Short(Asked):
    line_id: Id
    qty: Qty
    reason: Literal["NOT_IN_STOCK", "MISMATCH", "DAMAGED", "WORN_DISPLAY", "PICK_LATER"]


class Substitute(Asked):
    line_id: Id
    sku: Sku
    qty: Qty


class Stage(Asked):
    """No `lines`: all that lie on no shelf yet. `split`: only what belongs on its kind of shelf."""

    shelf: Code
    lines: list[Id] | None = None
    split: bool = False


class Proof(Asked):
    kind: Literal["code", "id_seen", "signature"]
    value: Annotated[str, Meta(max_length=4096)] = ""


class HandedLine(Asked):
    line_id: Id
    qty: Qty


class Handover(Asked):
    proof: Proof
    lines: list[HandedLine] | None = None
    confirmed: bool = False
    collected_by: Literal["customer", "delegate"] = "customer"
    age_checked: bool = False


class Correct(Asked):
    """No lines: all that was handed over."""

    lines: list[HandedLine] | None = None
    reason: Reason = "MISTAKE"


class Delegate(Asked):
    """`name` is kept beside the customer and never shown in an answer."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]


class Buyer(Asked):
    """`plate` is kept beside the customer and never shown in an answer."""

    where: Literal["on_the_way", "arrived"]
    eta_minutes: Annotated[int, Meta(ge=1, le=600)] | None = None
    stall: Annotated[str, Meta(max_length=12)] | None = None
    plate: Annotated[str, Meta(min_length=1, max_length=20)] | None = None


class Cancel(Asked):
    reason: Reason


class Hold(Asked):
    reason: Reason


class OrderLine(Struct):
    line_id: str
    sku: str
    ordered: int
    picked: int
    short: int
    substituted: int
    canceled: int
    handed_over: int
    place: dict[str, Any] | None = None
    substitutes: str | list[str] = "any"
    storage: str = "ambient"
    age_min: int = 0
    shelf: str | None = None
    to_put_back: int = 0
    category: str | None = None
    image: str | None = None


class Order(Struct):
    order_id: str
    state: str
    version: int
    shelf: str | None
    short_code: str
    lines: list[OrderLine]
    timeline: list[dict[str, Any]]
    shelves: list[dict[str, Any]] = []
    suggested_shelf: str | None = None
    suggested_shelves: list[dict[str, Any]] = []
    buyer_eta_minutes: int | None = None
    buyer_stall: str | None = None
    has_delegate: bool = False
    age_min: int = 0
    supply: str = "store"
    parcels: list[dict[str, Any]] = []
    carrier: str | None = None
    tracking: str | None = None
    received_at: str | None = None


class OrderRow(Struct):
    order_id: str
    state: str
    short_code: str


class Orders(Struct):
    items: list[OrderRow]
    next: str | None


class Picking(Struct):
    """What somebody picks at present; the lines as the floor is walked."""

    orders: list[dict[str, Any]]
    lines: list[dict[str, Any]]


# -- stock


class Stock(Struct):
    sku: str
    on_hand: int
    buckets: dict[str, int]
    available_to_promise: dict[str, int]
    as_of: Time


class Explained(Struct):
    sku: str
    channel: Channel
    available_to_promise: int
    terms: list[dict[str, Any]]
    on_hand: int
    buckets: dict[str, int]
    rights: dict[str, int]
    moves: list[dict[str, Any]]
    central: dict[str, Any] | None


class HoldUnits(Asked):
    sku: Sku
    qty: Qty
    seconds: Annotated[int, Meta(ge=1, le=86_400)] | None = None


class Held(Struct):
    hold_id: str
    until: Time


class SaleLine(Asked):
    qty: Qty
    sku: Sku | None = None
    gtin: Annotated[str, Meta(min_length=8, max_length=14, pattern="^[0-9]+$")] | None = None

    def __post_init__(self) -> None:
        if (self.sku is None) == (self.gtin is None):
            raise ValueError("A line names a sku or a gtin, and not both")


class Sale(Asked):
    sale_id: Id
    lines: Annotated[list[SaleLine], Meta(min_length=1, max_length=500)]
    confirm_break: bool = False


class Count(Asked):
    sku: Sku
    counted: Annotated[int, Meta(ge=0, le=1_000_000)]
    since: Annotated[str, Meta(max_length=256)] | None = None
    confirm_break: bool = False


class ReceiptLine(Asked):
    sku: Sku
    qty: Qty


class Receipt(Asked):
    receipt_id: Id
    lines: Annotated[list[ReceiptLine], Meta(min_length=1, max_length=500)]


class Moved(Struct):
    entries: list[str]
    stock: dict[str, Any]


class Reclaim(Asked):
    qty: Qty | None = None  # all that central holds, unless told


class Reclaimed(Struct):
    sku: str
    held: int
    asked_back: int
    reclaimed: int


# -- endless aisle


class AisleCustomer(Asked):
    name: Annotated[str, Meta(min_length=1, max_length=120)]
    email: Annotated[str, Meta(max_length=254)] | None = None
    phone: Annotated[str, Meta(max_length=40)] | None = None
    address: Annotated[str, Meta(max_length=500)] | None = None


class AisleLineAsked(Asked):
    sku: Sku
    qty: Qty
    line_id: Id | None = None


class PlaceAisleOrder(Asked):
    lines: Annotated[list[AisleLineAsked], Meta(min_length=1, max_length=50)]
    deliver: Literal["store", "home"] = "store"
    customer: AisleCustomer | None = None


class AisleLine(Struct):
    line_id: str
    sku: str
    name: str
    qty: int
    unit_price_minor: int | None
    currency: str | None


class AisleOrder(Struct):
    order_id: str
    state: Literal["CONFIRMED", "CONDITIONAL", "DECLINED"]
    conditional: bool
    deliver: Literal["store", "home"]
    reason: str | None
    placed_at: Time
    changed_at: Time
    lines: list[AisleLine]


class AisleOrders(Struct):
    items: list[AisleOrder]
    next: str | None


class Supply(Struct):
    sku: str
    supply: Literal["here", "gone"] | None
    rights: int
    granted: int
    taken_back: int
    returned: int
    spent: int
    as_of: Time | None


# -- paper


class Print(Asked):
    kind: Literal["pickup_slip", "shelf_label", "product_label", "count_sheet", "test_page"]
    ref: Annotated[str, Meta(min_length=1, max_length=512)]
    printer: Id | None = None
    copies: Annotated[int, Meta(ge=1, le=20)] = 1
    lang: Annotated[str, Meta(min_length=2, max_length=20)] | None = None


class DidPrint(Asked):
    printed: bool


class PrintJob(Struct):
    job: str
    kind: str
    ref: str
    printer: str
    state: str
    detail: str | None
    made_at: Time
    changed_at: Time
    until: Time
    by: str
    again_of: str | None


class PrintJobs(Struct):
    jobs: list[PrintJob]


# -- the rest


class Listed(Struct):
    items: list[dict[str, Any]]
    next: str | None


class Status(Struct):
    store: str
    instance: str
    epoch: str
    seq: int
    hash: str
    sync: dict[str, Any]
    quarantine: int
    devices: dict[str, Any] | list[Any] | int


class Done(Struct):
    task_id: str
    state: str
    claimed_by: str | None


class Replayed(Struct):
    id: str
    outcome: str


class Fault(Struct):
    field: str
    detail: str


class Problem(Struct):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] = msgspec.field(default_factory=list)
