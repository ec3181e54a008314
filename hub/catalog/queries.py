"""Reads the catalogue: products, barcodes, prices as of a time, and the keys of pickup codes.

It must never write, and never fail for a SKU that central has not sent: its name is then the SKU.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from hub import clock, gs1
from hub.catalog import rows, rules


class Product(msgspec.Struct, frozen=True):
    """A product as central describes it. `unit`: piece or gram. Texts by language tag."""

    sku: str
    names: dict[str, str]
    descriptions: dict[str, str]
    brand: str | None
    category: str | None
    unit: str
    image: str | None
    popularity: int
    external_ids: dict[str, str]

    def name(self, lang: str = "en") -> str:
        return in_language(self.names, lang) or self.sku

    def description(self, lang: str = "en") -> str:
        return in_language(self.descriptions, lang)


class Price(msgspec.Struct, frozen=True):
    """`amount_minor` for `per_qty` base units; `tax_rate_bp` 1900 is 19 %."""

    amount_minor: int
    currency: str
    tax_rate_bp: int
    tax_included: bool
    per_qty: int
    valid_from: str
    valid_until: str | None


class Care(msgspec.Struct, frozen=True):
    """How an article is kept, and the age that somebody has to have for it (0: none)."""

    storage: str = "ambient"
    age_min: int = 0


ORDINARY: Final = Care()


def care(connection: sqlite3.Connection, sku: str) -> Care:
    """Return how a SKU is kept; one that central never sent is ordinary."""
    row = connection.execute(
        "SELECT storage, age_min FROM product_care WHERE sku = ?", (sku,)
    ).fetchone()
    return ORDINARY if row is None else Care(row[0], row[1])


def pictured(
    connection: sqlite3.Connection, skus: Iterable[str]
) -> dict[str, tuple[str | None, str | None]]:
    """Return (category, image) of each SKU that central has sent."""
    found = connection.execute(
        "SELECT sku, category, image FROM product WHERE sku IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(list(skus)).decode(),),
    )
    return {row[0]: (row[1], row[2]) for row in found}


def product(connection: sqlite3.Connection, sku: str) -> Product | None:
    """Return the product, or None when central never sent it."""
    row = connection.execute(
        "SELECT sku, names, descriptions, brand, category, unit, image, popularity, external_ids"
        " FROM product WHERE sku = ?",
        (sku,),
    ).fetchone()
    if row is None:
        return None
    return Product(
        sku=row[0],
        names=msgspec.json.decode(row[1]),
        descriptions=msgspec.json.decode(row[2]),
        brand=row[3],
        category=row[4],
        unit=row[5],
        image=row[6],
        popularity=row[7],
        external_ids=msgspec.json.decode(row[8]),
    )


def name(connection: sqlite3.Connection, sku: str, lang: str = "en") -> str:
    """Return what to call a SKU on a screen; a SKU without a product is called by itself."""
    row = connection.execute("SELECT names FROM product WHERE sku = ?", (sku,)).fetchone()
    return (in_language(msgspec.json.decode(row[0]), lang) if row else "") or sku


def in_language(texts: dict[str, str], lang: str) -> str:
    """Return the text in `lang` (`de-AT` falls back to `de`), else English, else any, else ""."""
    for wanted in (lang, lang.partition("-")[0], "en"):
        if wanted in texts:
            return texts[wanted]
    return next(iter(texts.values()), "")


def sku_for_gtin(connection: sqlite3.Connection, gtin: str) -> str | None:
    """Return the SKU on which the 14-digit `gtin` stands."""
    row = connection.execute("SELECT sku FROM barcode WHERE gtin = ?", (gtin,)).fetchone()
    return None if row is None else str(row[0])


def gtins(connection: sqlite3.Connection, sku: str) -> list[str]:
    """Return the 14-digit barcodes of a SKU, lowest first."""
    found = connection.execute("SELECT gtin FROM barcode WHERE sku = ? ORDER BY gtin", (sku,))
    return [row[0] for row in found]


def gtins_mark(connection: sqlite3.Connection) -> str:
    """Return a mark of all barcodes that changes when one comes or goes."""
    count, low, high = connection.execute(
        "SELECT count(*), total(CAST(gtin AS INTEGER) % 2147483647),"
        " total(CAST(gtin AS INTEGER) % 1000003) FROM barcode"
    ).fetchone()
    return f"{count}-{low:.0f}-{high:.0f}"


def all_gtins(connection: sqlite3.Connection) -> Iterator[int]:
    """Yield the barcodes of everything that is sold here as numbers, lowest first."""
    for row in connection.execute("SELECT gtin FROM barcode ORDER BY gtin"):
        yield int(row[0])


def sku_of(connection: sqlite3.Connection, code: str) -> str | None:
    """Return the SKU that a plain code names: a SKU itself, a GTIN, another system's id."""
    if connection.execute("SELECT 1 FROM product WHERE sku = ?", (code,)).fetchone():
        return code
    if gs1.is_valid_gtin(code):
        by_gtin = sku_for_gtin(connection, rules.gtin(code))
        if by_gtin is not None:
            return by_gtin
    row = connection.execute("SELECT sku FROM external_id WHERE value = ?", (code,)).fetchone()
    return None if row is None else str(row[0])


def price(connection: sqlite3.Connection, sku: str, at: datetime) -> Price | None:
    """Return the price that counts at `at`."""
    return prices(connection, (sku,), at).get(sku)


def prices(connection: sqlite3.Connection, skus: Iterable[str], at: datetime) -> dict[str, Price]:
    """Return the price that counts at `at` for each SKU that has one."""
    stored: dict[str, list[Price]] = {}
    found = connection.execute(
        "SELECT sku, amount_minor, currency, tax_rate_bp, tax_included, per_qty, valid_from,"
        " valid_until FROM price WHERE sku IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(list(skus)).decode(),),
    )
    for sku, *columns in found:
        stored.setdefault(sku, []).append(_price(columns))
    valid = {sku: rules.price_at(known, clock.stamp(at)) for sku, known in stored.items()}
    return {sku: one for sku, one in valid.items() if one is not None}


def pickup_keys(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Return the raw public keys by key id that pickup codes are checked with."""
    found = connection.execute("SELECT key_id, public_key FROM pickup_key ORDER BY key_id")
    return {row[0]: rows.public_key(row[1]) for row in found}


def supply(connection: sqlite3.Connection, sku: str) -> Literal["here", "gone"] | None:
    """Return whether the distribution centre has units of a SKU; None where central never said."""
    row = connection.execute("SELECT word FROM supply WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        return None
    return "gone" if row[0] == "gone" else "here"


def count(connection: sqlite3.Connection) -> int:
    """Return how many products there are."""
    (number,) = connection.execute("SELECT count(*) FROM product").fetchone()
    return int(number)


def _price(columns: list[Any]) -> Price:
    amount, currency, rate, included, per_qty, begins, ends = columns
    return Price(
        amount_minor=amount,
        currency=currency,
        tax_rate_bp=rate,
        tax_included=bool(included),
        per_qty=per_qty,
        valid_from=begins,
        valid_until=ends,
    )
