"""Reads an order as central, a code or a person sends it, and says what is wrong with it.

It must never keep anything personal: name and contact go to `customers`, not through here.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from sqlite3 import Connection
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from hub import gs1
from hub.catalog import queries as catalog
from hub.catalog.queries import ORDINARY, Care
from hub.clock import stamp
from hub.errors import Invalid, Refusal
from hub.pickup.code import PickupCode
from hub.pickup.facts import OrderLine, OrderProposed
from hub.stock.rules import MAX_QTY, check_sku

# No slash: `{order_id}/{line_id}` names an allocation.
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}\Z")]
Language = Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]

_STALL: Final = re.compile(r"[\w -]{1,12}")
ETA_MOST: Final = 180
_SHELF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)
SHELF: Final = "SH1:S:"
# Without letters and digits that people mix up when they read a code aloud.
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

Names = Callable[[str], str]
Cares = Callable[[str], Care]


def ordinary(sku: str) -> Care:
    return ORDINARY


class AskedLine(msgspec.Struct, frozen=True):
    line_id: Id
    sku: Annotated[str, Meta(min_length=1, max_length=64)]
    qty: Annotated[int, Meta(ge=1, le=MAX_QTY)]
    name: Annotated[str, Meta(max_length=200)] | None = None
    unit_price_minor: Annotated[int, Meta(ge=0)] | None = None
    currency: Currency | None = None
    tax_rate_bp: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    tax_included: bool = True
    substitutes: Literal["any", "never"] | Annotated[tuple[str, ...], Meta(max_length=20)] = "any"
    storage: Literal["ambient", "large", "chilled", "frozen"] | None = None
    age_min: Annotated[int, Meta(ge=0, le=99)] | None = None


class AskedOrder(msgspec.Struct, frozen=True):
    """An order as it is sent; fields that are not named here are not this room's business."""

    order_id: Id
    lines: Annotated[tuple[AskedLine, ...], Meta(min_length=1, max_length=500)]
    currency: Currency | None = None
    short_code: Annotated[str, Meta(max_length=16)] | None = None
    channel: Literal["store", "kiosk", "web", "phone"] | None = None
    supply: Literal["store", "ship_to_store"] | None = None
    customer_ref: Id | None = None
    promise_at: datetime | None = None
    placed_at: datetime | None = None
    language: Language | None = None
    fallback: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


def read_order(
    order: Mapping[str, Any], name_of: Names, care_of: Cares = ordinary
) -> OrderProposed:
    """Return the order as a fact. Raises Invalid.

    `name_of` names a SKU that came without a name; `care_of` says how one is kept, and for whom,
    where the order does not. An age that the catalogue asks for no order takes back.
    """
    try:
        asked = msgspec.convert(order, AskedOrder)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    for n, line in enumerate(asked.lines):
        check_sku(line.sku, f"lines.{n}.sku")
    if len({line.line_id for line in asked.lines}) < len(asked.lines):
        raise Invalid("Two lines have one line_id.", field="lines")
    return OrderProposed(
        order_id=asked.order_id,
        lines=tuple(_line(line, asked.currency, name_of, care_of) for line in asked.lines),
        short_code=(asked.short_code or short_code(asked.order_id)).upper(),
        channel=asked.channel or "web",
        currency=asked.currency,
        customer_ref=asked.customer_ref,
        promise_at=_stamp(asked.promise_at, "promise_at"),
        placed_at=_stamp(asked.placed_at, "placed_at"),
        supply=asked.supply or "store",
        language=asked.language,
        fallback=asked.fallback,
    )


def read_code(code: PickupCode, name_of: Names, care_of: Cares = ordinary) -> OrderProposed:
    """Return the order that a signed pickup code states."""
    lines = [line._asdict() for line in code.lines]
    told = {"short_code": code.short_code} if code.short_code else {}
    order = {"order_id": code.order_id, "lines": lines, "supply": code.supply, **told}
    proposed = read_order(order, name_of, care_of)
    return msgspec.structs.replace(proposed, origin="code")


def read_shelf(shelf: object) -> str:
    """Return a staging shelf's number, from itself or from the scan of its code."""
    number = shelf.strip().removeprefix(SHELF) if isinstance(shelf, str) else ""
    if not _SHELF.fullmatch(number):
        raise Invalid("shelf must be 1 to 32 letters, digits, dots or dashes.", field="shelf")
    return number.upper()


def read_reason(reason: object) -> str:
    """Return a reason as a code. Free text could name a customer, so it is not taken."""
    if not isinstance(reason, str) or not _CODE.fullmatch(reason.strip()):
        raise Invalid("reason must be a code such as BUYER_REQUEST, no free text.", field="reason")
    return reason.strip().upper().replace("-", "_")


def read_where(
    where: object, eta_minutes: object, stall: object
) -> tuple[str, int | None, str | None]:
    """Return where a customer is, in how many minutes here, and at which stall."""
    if where not in ("on_the_way", "arrived"):
        raise Invalid("where must be on_the_way or arrived.", field="where")
    if eta_minutes is not None and (
        type(eta_minutes) is not int or not 0 < eta_minutes <= ETA_MOST
    ):
        raise Invalid(f"eta_minutes is a number from 1 to {ETA_MOST}.", field="eta_minutes")
    if stall is not None and (not isinstance(stall, str) or not _STALL.fullmatch(stall)):
        raise Invalid("stall must be 1 to 12 letters, digits, spaces or dashes.", field="stall")
    return str(where), eta_minutes, stall


def scanned_sku(conn: Connection, code: str) -> str:
    """Return the SKU that a scan names. Raises Refusal when it names none."""
    meaning = gs1.read(code)
    sku = catalog.sku_for_gtin(conn, meaning.gtin) if meaning.gtin else catalog.sku_of(conn, code)
    if sku is None:
        raise Refusal(f"No product has the barcode {code[:40]}.", slug="unknown-barcode")
    return sku


def short_code(order_id: str) -> str:
    """What people say aloud: four characters that follow from the order's id."""
    number = int.from_bytes(blake2b(order_id.encode(), digest_size=8).digest(), "big")
    digits = []
    for _ in range(4):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def _line(line: AskedLine, currency: str | None, name_of: Names, care_of: Cares) -> OrderLine:
    care = care_of(line.sku)
    return OrderLine(
        line_id=line.line_id,
        sku=line.sku,
        qty=line.qty,
        name=line.name or name_of(line.sku),
        unit_price_minor=line.unit_price_minor,
        currency=line.currency or currency,
        tax_rate_bp=line.tax_rate_bp,
        tax_included=line.tax_included,
        substitutes=line.substitutes,
        storage=line.storage or care.storage,
        age_min=max(line.age_min or 0, care.age_min),
    )


def _stamp(at: datetime | None, field: str) -> str | None:
    if at is None:
        return None
    try:
        return stamp(at if at.tzinfo else at.replace(tzinfo=UTC))
    except OverflowError:
        raise Invalid(f"{field} lies outside the calendar.", field=field) from None


def _invalid(error: msgspec.ValidationError) -> Invalid:
    """`Expected `int`, got `str` - at `$.lines[0].qty`` → the sentence and `lines.0.qty`."""
    sentence, _, path = str(error).partition(" - at ")
    field = path.strip("`").removeprefix("$").replace("[", ".").replace("]", "").strip(".")
    return Invalid(f"{field or 'order'}: {sentence}.", field=field)
