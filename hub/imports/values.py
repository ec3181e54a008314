"""Reads single values as people write them in files; it must never guess what is ambiguous."""

import re
from datetime import UTC, datetime, time
from typing import Final

from hub import clock
from hub.errors import Invalid

MAX_QTY: Final = 1_000_000
# Currencies whose smallest unit is not a hundredth (ISO 4217, table A.1).
_DIGITS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_WHOLE: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_DECIMAL: Final = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,6}))?", re.ASCII)
_YES: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def whole(text: str, column: str, most: int = 10**12) -> int:
    """Return a whole number, 0 and up."""
    if text.startswith("-"):
        raise Invalid(f"{column} can't be negative.", field=column)
    if not _WHOLE.fullmatch(text) or int(text) > most:
        raise Invalid(f"{column} is a whole number up to {most}.", field=column)
    return int(text)


def quantity(text: str, column: str = "qty", least: int = 0) -> int:
    """Return units in the item's base unit (pieces, grams)."""
    qty = whole(text, column, MAX_QTY)
    if qty < least:
        raise Invalid(f"{column} must be {least} or more.", field=column)
    return qty


def amount(text: str, currency: str) -> int:
    """Return minor units: "3.49" or "3,49" in EUR is 349, "350" in JPY is 350."""
    return _scaled(text, _DIGITS.get(currency, 2), "price")


def percent(text: str) -> int:
    """Return basis points: "19", "19 %" or "7,5" percent."""
    return _scaled(text.removesuffix("%").rstrip(), 2, "tax_rate")


def yes(text: str, column: str) -> bool:
    """Return what yes, no, true, false, 1 or 0 says."""
    try:
        return _YES[text.lower()]
    except KeyError:
        raise Invalid(f"{column} is yes or no.", field=column) from None


def moment(text: str, column: str) -> str:
    """Return the stamp of a date, which begins at midnight UTC, or of a time with its zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{column} is a date such as 2026-11-21.", field=column) from None
    if at.tzinfo is None and at.time() != time(0):
        raise Invalid(f"{column} needs a time zone, such as Z.", field=column)
    zoned = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    try:
        return clock.stamp(zoned)
    except OverflowError:
        raise Invalid(f"{column} is out of range.", field=column) from None


def _scaled(text: str, digits: int, column: str) -> int:
    found = _DECIMAL.fullmatch(text)
    if not found:
        raise Invalid(f"{column} is a number such as 3.49, without separators.", field=column)
    fraction = (found[2] or "").rstrip("0")
    if len(fraction) > digits:
        raise Invalid(f"{column} has more than {digits} decimals.", field=column)
    return int(found[1] + fraction.ljust(digits, "0"))
