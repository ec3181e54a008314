"""What a product, a price or a barcode may look like, and which price counts at a time.

It must never read a clock or a database: times are arguments, prices are handed in.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Protocol, TypeVar

from hub import gs1
from hub.errors import Invalid

MAX_SKU: Final = 64
MAX_NAME: Final = 500
MAX_DESCRIPTION: Final = 4000
MAX_SHORT: Final = 200
MAX_AMOUNT_MINOR: Final = 10**11
MAX_POPULARITY: Final = 2**31 - 1
UNITS: Final = ("piece", "gram")
# How goods are kept, which decides on what staging shelf an order stands.
STORAGE: Final = ("ambient", "large", "chilled", "frozen")
MAX_AGE: Final = 99

_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
# BCP 47 as far as names need it: `de`, `pt-BR`, `zh-Hant`.
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def sku(text: str) -> str:
    """Return a usable SKU: 1 to 64 characters, no control character, no `/`, no outer spaces."""
    if not text:
        raise Invalid("A SKU is missing.", field="sku")
    if len(text) > MAX_SKU:
        raise Invalid(f"A SKU has at most {MAX_SKU} characters, not {len(text)}.", field="sku")
    # A SKU stands in addresses (/stock/4711) and topics (stock:4711).
    if text != text.strip() or "/" in text or not text.isprintable():
        raise Invalid(
            f"{text[:MAX_SKU]!r} is no SKU: no outer spaces, no slash, no control characters.",
            field="sku",
        )
    return text


def gtin(text: str) -> str:
    """Return the 14 digits of a GTIN-8, -12, -13 or -14. Raises Invalid on a wrong check digit."""
    return gs1.normalize(text)


def text(value: str, field: str, longest: int = MAX_SHORT) -> str:
    """Return free text without outer spaces; refuse control characters and what is too long."""
    cleaned = value.strip()
    if len(cleaned) > longest:
        raise Invalid(f"{field} has at most {longest} characters, not {len(cleaned)}.", field=field)
    if _CONTROL.search(cleaned):
        raise Invalid(f"{field} holds a control character.", field=field)
    return cleaned


def texts(values: Mapping[str, str], field: str, longest: int) -> dict[str, str]:
    """Return texts by language, empty ones left out."""
    for language in values:
        if not _LANGUAGE.fullmatch(language):
            raise Invalid(f"{language[:20]!r} is no language tag such as de.", field=field)
    cleaned = {lang: text(value, f"{field}.{lang}", longest) for lang, value in values.items()}
    return {lang: value for lang, value in sorted(cleaned.items()) if value}


def currency(code: str) -> str:
    """Return an ISO 4217 code."""
    if not _CURRENCY.fullmatch(code):
        raise Invalid(f"{code[:20]!r} is no currency such as EUR.", field="currency")
    return code


def between(value: int, lowest: int, highest: int, field: str) -> int:
    """Return a whole number within its bounds."""
    if not lowest <= value <= highest:
        raise Invalid(f"{field} is {lowest} to {highest}, not {value}.", field=field)
    return value


def is_company_internal(gtin14: str) -> bool:
    """Say whether a number may be used inside one company only, so that two shops may share it.

    GS1 General Specifications 1.4 (GS1 Prefixes): GTIN-8 prefixes 0 and 2, GTIN-12/13 prefixes
    02, 04 and 20-29, and 0000000, which is set aside so that a GTIN-8 is told apart.
    """
    if gtin14.startswith("000000"):
        return gtin14[6] in "02"
    return gtin14[0] == "0" and (gtin14[1] == "2" or gtin14[1:3] in ("02", "04"))


class Valid(Protocol):
    """A price with the times between which it counts ("" and None: always)."""

    @property
    def valid_from(self) -> str: ...
    @property
    def valid_until(self) -> str | None: ...


P = TypeVar("P", bound=Valid)


def price_at(prices: Iterable[P], at: str) -> P | None:
    """Return the price that counts at the stamp `at`: of those valid the one that began last.

    So a weekend offer covers the regular price and gives it back when it ends. A price counts
    from `valid_from` on, and no longer at `valid_until`.
    """
    valid = [
        price
        for price in prices
        if price.valid_from <= at and (price.valid_until is None or at < price.valid_until)
    ]
    return max(valid, key=lambda price: price.valid_from, default=None)


def line_amount(amount_minor: int, per_qty: int, qty: int) -> int:
    """Return what `qty` base units cost, halves rounded up: 250 g at 3.98 a kilogram are 1.00."""
    return (2 * amount_minor * qty + per_qty) // (2 * per_qty)


def tax_within(amount_minor: int, tax_rate_bp: int) -> int:
    """Return the tax that a gross amount contains, halves rounded up (1900 bp = 19 %)."""
    divisor = 10_000 + tax_rate_bp
    return (2 * amount_minor * tax_rate_bp + divisor) // (2 * divisor)


def tax_on_top(amount_minor: int, tax_rate_bp: int) -> int:
    """Return the tax that comes on top of a net amount, halves rounded up."""
    return (2 * amount_minor * tax_rate_bp + 10_000) // 20_000
