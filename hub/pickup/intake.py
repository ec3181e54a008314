"""Reads an order as central, a code or a person sends it, and says what is wrong with it.

It must never keep anything personal: name and contact go to `customers`, not through here.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from sqlite3 import Connection
from typing import Any, Final

import msgspec

from hub import gs1
from hub.catalog import queries as catalog
from hub.clock import stamp
from hub.errors import Invalid, Refusal
from hub.pickup.code import PickupCode
from hub.pickup.facts import OrderLine, OrderProposed
from hub.stock.promise import CHANNELS
from hub.stock.rules import check_qty, check_sku

MAX_LINES: Final = 500
SUPPLIES: Final = ("store", "ship_to_store")

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_SHELF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)
SHELF: Final = "SH1:S:"
# Without letters and digits that people mix up when they read a code aloud.
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

Names = Callable[[str], str]


def read_order(order: Mapping[str, Any], name_of: Names) -> OrderProposed:
    """Return the order as a fact. `name_of` names a SKU that came without one. Raises Invalid."""
    order_id = _text(order, "order_id", _ID)
    currency = order.get("currency")
    lines = order.get("lines")
    if not isinstance(lines, list | tuple) or not 1 <= len(lines) <= MAX_LINES:
        raise Invalid(f"lines must be a list of 1 to {MAX_LINES}.", field="lines")
    read = tuple(_line(line, f"lines.{n}", currency, name_of) for n, line in enumerate(lines))
    if len({line.line_id for line in read}) < len(read):
        raise Invalid("Two lines have one line_id.", field="lines")
    return OrderProposed(
        order_id=order_id,
        lines=read,
        short_code=str(order.get("short_code") or short_code(order_id))[:16].upper(),
        channel=_one_of(order, "channel", CHANNELS, "web"),
        currency=currency,
        customer_ref=order.get("customer_ref"),
        promise_at=_time(order, "promise_at"),
        placed_at=_time(order, "placed_at"),
        supply=_one_of(order, "supply", SUPPLIES, "store"),
    )


def read_code(code: PickupCode, name_of: Names) -> OrderProposed:
    """Return the order that a signed pickup code states."""
    lines = [line._asdict() for line in code.lines]
    proposed = read_order({"order_id": code.order_id, "lines": lines}, name_of)
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


def _line(line: Any, at: str, currency: str | None, name_of: Names) -> OrderLine:
    if not isinstance(line, Mapping):
        raise Invalid(f"{at} must be an object.", field=at)
    sku, qty, price = line.get("sku"), line.get("qty"), line.get("unit_price_minor")
    check_sku(sku, f"{at}.sku")
    check_qty(qty, f"{at}.qty")
    if price is not None and (isinstance(price, bool) or not isinstance(price, int) or price < 0):
        raise Invalid(
            f"{at}.unit_price_minor must be a whole number of minor units.",
            field=f"{at}.unit_price_minor",
        )
    return OrderLine(
        line_id=_text(line, "line_id", _ID, f"{at}.line_id"),
        sku=str(sku),
        qty=int(qty or 0),
        name=str(line.get("name") or name_of(str(sku)))[:200],
        unit_price_minor=price,
        currency=line.get("currency") or currency,
        tax_rate_bp=line.get("tax_rate_bp"),
        tax_included=bool(line.get("tax_included", True)),
    )


def _text(
    source: Mapping[str, Any], key: str, pattern: re.Pattern[str], field: str | None = None
) -> str:
    value = source.get(key)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Invalid(
            f"{key} must be 1 to 64 letters, digits or any of _ . : -", field=field or key
        )
    return value


def _one_of(source: Mapping[str, Any], key: str, known: tuple[str, ...], default: str) -> str:
    value = source.get(key) or default
    if value not in known:
        raise Invalid(f"{key} must be one of {', '.join(known)}.", field=key)
    return str(value)


def _time(source: Mapping[str, Any], key: str) -> str | None:
    value = source.get(key)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Invalid(f"{key} must be a time such as 2026-11-21T14:00:00Z.", field=key) from None
    return stamp(at if at.tzinfo else at.replace(tzinfo=UTC))
