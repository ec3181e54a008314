"""What an order at central has to look like, and the codes it gets; pure but for chance.

It must never accept what no store could ever fulfill as written: a line of nothing, a date that
is none. Whether the goods are there is the hub's word alone.
"""

import re
import secrets
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from hub.customers import rules as customers
from hub.errors import Invalid
from hub.pickup.arrival.rules import PARCELS_MOST, check_carrier, read_parcels
from hub.stock.rules import MAX_QTY, check_sku

ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"
LANGUAGE: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z"
MAX_LINES: Final = 200
# No 0/O, 1/I/L, 5/S, 8/B: the code is read aloud over a counter.
LETTERS: Final = "ACDEFGHJKMNPQRTUVWXYZ234679"
SHORT_LENGTH: Final = 4

_Id = Annotated[str, msgspec.Meta(pattern=ID)]
_Text = Annotated[str, msgspec.Meta(max_length=200)]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of an order. `unit_price_minor` in the order's currency; None = as priced.

    `substitutes`: any, never, or the SKUs that the customer takes instead.
    """

    line_id: _Id
    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    qty: Annotated[int, msgspec.Meta(ge=1, le=MAX_QTY)]
    unit_price_minor: Annotated[int, msgspec.Meta(ge=0, le=10**12)] | None = None
    name: _Text | None = None
    substitutes: Literal["any", "never"] | Annotated[list[str], msgspec.Meta(max_length=20)] = "any"
    age_min: Annotated[int, msgspec.Meta(ge=0, le=99)] = 0


class Customer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who collects; name, email and phone are in central's customer table and nowhere else.

    `language`: what they read, a tag such as `de`. `consent`: also what they need not be told.
    `ref`: a customer that central knows already, by the `customer_ref` of an earlier order; what
    is known of them stands.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    email: _Text | None = None
    phone: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    language: Annotated[str, msgspec.Meta(pattern=LANGUAGE)] | None = None
    consent: bool = False
    ref: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/v1/orders`. `fallback`: the store that gets what `store` lacks.

    `supply`: `ship_to_store` where the goods come from elsewhere and the store only hands them out.
    """

    order_id: _Id
    store: _Id
    lines: Annotated[list[Line], msgspec.Meta(min_length=1, max_length=MAX_LINES)]
    customer: Customer
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")] = "EUR"
    promise_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    channel: Literal["web", "phone"] = "web"
    fallback: _Id | None = None
    supply: Literal["store", "ship_to_store"] = "store"


class Shipped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/v1/orders/{id}/shipped`. `parcels`: an SSCC or a carrier's number."""

    parcels: Annotated[list[str], msgspec.Meta(max_length=PARCELS_MOST)] = []
    carrier: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    tracking: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None


_shipments: Final = msgspec.json.Decoder(Shipped)
_orders: Final = msgspec.json.Decoder(Order)
_FIELD: Final = re.compile(r"at `\$\.?([^`]*)`")


def read_order(body: bytes) -> Order:
    """Read an order. Raises Invalid with the field that is wrong."""
    order: Order = decode(_orders, body)
    line_ids = [line.line_id for line in order.lines]
    if len(set(line_ids)) != len(line_ids):
        raise Invalid("Two lines have the same line_id.", field="lines")
    if order.fallback == order.store:
        raise Invalid("The fallback is another store.", field="fallback")
    if order.fallback is not None and order.supply != "store":
        raise Invalid("An order that is sent to its store has no fallback.", field="fallback")
    for n, line in enumerate(order.lines):
        check_sku(line.sku, f"lines.{n}.sku")
    try:
        # The store keeps these by its own rules: what it would not keep is told now.
        customers.personal(msgspec.structs.asdict(order.customer))
    except Invalid as error:
        raise Invalid(error.sentence, field=f"customer.{error.field}") from None
    return order


def read_shipped(body: bytes) -> Shipped:
    """Read what was sent, each parcel as its scan says it. Raises Invalid."""
    told: Shipped = decode(_shipments, body or b"{}")
    check_carrier(told.carrier, "carrier")
    check_carrier(told.tracking, "tracking")
    return msgspec.structs.replace(told, parcels=list(read_parcels(told.parcels)))


def decode(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> Any:
    """Decode a request body. Raises Invalid that names the field; slug `unparsable` for no JSON."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        found = _FIELD.search(str(error))
        raise Invalid(f"{error}.", field=found.group(1) if found else "") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"The body is not JSON: {error}.", slug="unparsable") from error


def short_code() -> str:
    """Draw a code that a customer can say aloud."""
    return "".join(secrets.choice(LETTERS) for _ in range(SHORT_LENGTH))


def customer_ref() -> str:
    """Draw a name for a customer that says nothing about them."""
    return f"c_{secrets.token_hex(12)}"
