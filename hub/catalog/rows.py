"""The rows of the replica feed: product, barcode, price, pickup key or supply, as central sends it.

It must never apply a row, and never raise anything but `Invalid` on what it is given.

    {"kind": "product", "sku": "4711", "names": {"en": "Rye bread", "de": "Roggenbrot"},
     "descriptions": {}, "brand": "Mill Lane", "category": "bakery", "unit": "piece",
     "image": "category/bakery.svg", "popularity": 90, "external_ids": {"erp": "A-1"},
     "storage": "ambient", "age_min": 0}
    {"kind": "barcode", "gtin": "09521234543213", "sku": "4711"}
    {"kind": "price", "sku": "4711", "amount_minor": 349, "currency": "EUR", "tax_rate_bp": 700,
     "tax_included": true, "per_qty": 1, "valid_from": null, "valid_until": null}
    {"kind": "pickup_key", "key_id": "k1", "public_key": "<base64url of 32 bytes>"}
    {"kind": "supply", "sku": "4711", "word": "here"}

A row replaces the one with the same key (sku; gtin; sku and valid_from; key_id; sku). With
`"deleted": true` the key alone is enough. Fields that this release does not know are ignored.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from hub import clock
from hub.catalog import rules
from hub.errors import Invalid


class ProductRow(msgspec.Struct, frozen=True, tag_field="kind", tag="product"):
    """What is sold. `popularity` (0 and up, units sold are a good one) orders search.

    `storage`: ambient, large, chilled or frozen. `age_min`: nobody younger may have it.
    """

    sku: str
    names: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    brand: str | None = None
    category: str | None = None
    unit: str = "piece"
    image: str | None = None
    popularity: int = 0
    external_ids: dict[str, str] = {}
    storage: str = "ambient"
    age_min: int = 0
    deleted: bool = False


class BarcodeRow(msgspec.Struct, frozen=True, tag_field="kind", tag="barcode"):
    """A GTIN and the SKU that it stands on."""

    gtin: str
    sku: str = ""
    deleted: bool = False


class PriceRow(msgspec.Struct, frozen=True, tag_field="kind", tag="price"):
    """`amount_minor` for `per_qty` base units, while it is valid. 1900 basis points = 19 %."""

    sku: str
    amount_minor: int = 0
    currency: str = ""
    tax_rate_bp: int = 0
    tax_included: bool = True
    per_qty: int = 1
    valid_from: str | None = None
    valid_until: str | None = None
    deleted: bool = False


class PickupKeyRow(msgspec.Struct, frozen=True, tag_field="kind", tag="pickup_key"):
    """A public Ed25519 key with which central signs pickup codes."""

    key_id: str
    public_key: str = ""
    deleted: bool = False


class SupplyRow(msgspec.Struct, frozen=True, tag_field="kind", tag="supply"):
    """Whether the distribution centre has units of a SKU: `here` or `gone`, never how many."""

    sku: str
    word: str = ""
    deleted: bool = False


Row = ProductRow | BarcodeRow | PriceRow | PickupKeyRow | SupplyRow

KINDS: Final = ("product", "barcode", "price", "pickup_key", "supply")
WORDS: Final = ("here", "gone")


def read(row: Mapping[str, Any]) -> Row:
    """Return the checked and normalised row. Raises Invalid with the field at fault."""
    kind = row.get("kind") if isinstance(row, Mapping) else None
    if kind not in KINDS:
        raise Invalid(f"{str(kind)[:40]!r} is no kind of catalogue row.", field="kind")
    try:
        typed: Row = msgspec.convert(row, Row)
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `")
        raise Invalid(f"{sentence}.", field=path.strip("`$.")) from None
    if isinstance(typed, ProductRow):
        return _product(typed)
    if isinstance(typed, BarcodeRow):
        return _barcode(typed)
    if isinstance(typed, PriceRow):
        return _price(typed)
    if isinstance(typed, SupplyRow):
        return _supply(typed)
    return _pickup_key(typed)


def check_row(row: Mapping[str, Any]) -> None:
    """Raise Invalid, with the field at fault, when a hub could not apply `row`."""
    read(row)


def _product(row: ProductRow) -> ProductRow:
    if row.deleted:
        return ProductRow(sku=rules.sku(row.sku), deleted=True)
    names = rules.texts(row.names, "names", rules.MAX_NAME)
    if not names:
        raise Invalid(f"SKU {row.sku[:64]} has no name.", field="names")
    if row.unit not in rules.UNITS:
        raise Invalid(f"unit is piece or gram, not {row.unit[:20]!r}.", field="unit")
    if row.storage not in rules.STORAGE:
        raise Invalid(f"storage is one of {', '.join(rules.STORAGE)}.", field="storage")
    return ProductRow(
        sku=rules.sku(row.sku),
        names=names,
        descriptions=rules.texts(row.descriptions, "descriptions", rules.MAX_DESCRIPTION),
        brand=_short(row.brand, "brand"),
        category=_short(row.category, "category"),
        unit=row.unit,
        image=_short(row.image, "image"),
        popularity=rules.between(row.popularity, 0, rules.MAX_POPULARITY, "popularity"),
        external_ids={
            rules.text(system, "external_ids"): rules.text(value, "external_ids")
            for system, value in sorted(row.external_ids.items())
        },
        storage=row.storage,
        age_min=rules.between(row.age_min, 0, rules.MAX_AGE, "age_min"),
    )


def _barcode(row: BarcodeRow) -> BarcodeRow:
    gtin = rules.gtin(row.gtin)
    if row.deleted:
        return BarcodeRow(gtin=gtin, deleted=True)
    return BarcodeRow(gtin=gtin, sku=rules.sku(row.sku))


def _price(row: PriceRow) -> PriceRow:
    sku, begins = rules.sku(row.sku), _stamp(row.valid_from, "valid_from")
    if row.deleted:
        return PriceRow(sku=sku, valid_from=begins, deleted=True)
    ends = _stamp(row.valid_until, "valid_until")
    if begins is not None and ends is not None and ends <= begins:
        raise Invalid("A price ends after it begins.", field="valid_until")
    return PriceRow(
        sku=sku,
        amount_minor=rules.between(row.amount_minor, 0, rules.MAX_AMOUNT_MINOR, "amount_minor"),
        currency=rules.currency(row.currency),
        tax_rate_bp=rules.between(row.tax_rate_bp, 0, 10_000, "tax_rate_bp"),
        tax_included=row.tax_included,
        per_qty=rules.between(row.per_qty, 1, 1_000_000, "per_qty"),
        valid_from=begins,
        valid_until=ends,
    )


def _pickup_key(row: PickupKeyRow) -> PickupKeyRow:
    key_id = rules.text(row.key_id, "key_id", rules.MAX_SKU)
    if not key_id:
        raise Invalid("A pickup key has a key_id.", field="key_id")
    if row.deleted:
        return PickupKeyRow(key_id=key_id, deleted=True)
    public_key(row.public_key)
    return PickupKeyRow(key_id=key_id, public_key=row.public_key)


def _supply(row: SupplyRow) -> SupplyRow:
    sku = rules.sku(row.sku)
    if row.deleted:
        return SupplyRow(sku=sku, deleted=True)
    if row.word not in WORDS:
        raise Invalid(f"word is here or gone, not {row.word[:20]!r}.", field="word")
    return SupplyRow(sku=sku, word=row.word)


def public_key(text: str) -> bytes:
    """Return the 32 bytes of a base64url Ed25519 public key (padding optional)."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise Invalid("A pickup key is 32 bytes in base64url.", field="public_key")
    return raw


def _short(value: str | None, field: str) -> str | None:
    return None if value is None else rules.text(value, field) or None


def _stamp(value: str | None, field: str) -> str | None:
    if not value:
        return None
    try:
        return clock.stamp(clock.parse(value))
    except ValueError as error:
        raise Invalid(str(error), field=field) from None
