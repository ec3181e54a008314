"""Reads the lines of a sale or a receipt, and whether the document is known already.

It must never append.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hub.catalog import queries as catalog
from hub.errors import Invalid, Refusal
from hub.journal import Transaction
from hub.stock import queries
from hub.stock.ledger import per_sku
from hub.stock.rules import SaleLine, check_qty, check_sku


def lines_of(tx: Transaction, lines: Iterable[Mapping[str, Any]]) -> list[SaleLine]:
    """Read `{"sku"|"gtin","qty","hold_id"?}` lines. Raises Invalid, naming the line."""
    found = []
    for index, line in enumerate(lines):
        at = f"lines.{index}"
        sku = line.get("sku")
        if sku is None and line.get("gtin"):
            sku = catalog.sku_for_gtin(tx.conn, str(line["gtin"]).zfill(14))
            if sku is None:
                raise Invalid(f"No product has the barcode {line['gtin']}.", field=f"{at}.gtin")
        check_sku(sku, f"{at}.sku")
        check_qty(line.get("qty"), f"{at}.qty")
        found.append(SaleLine(str(sku), int(line["qty"]), line.get("hold_id")))
    if not found:
        raise Invalid("lines must name at least one SKU.", field="lines")
    return found


def already(tx: Transaction, kind: str, ref: str, lines: Iterable[tuple[str, int]]) -> bool:
    """Is the `SALE` or `RECEIVE` recorded? Raises Refusal when it is, with other lines."""
    if not isinstance(ref, str) or not 1 <= len(ref) <= 128 or not ref.isprintable():
        field = "sale_id" if kind == "SALE" else "receipt_id"
        raise Invalid(f"{field} must be 1 to 128 printable characters.", field=field)
    known = queries.document(tx.conn, kind, ref)
    if not known:
        return False
    if known != per_sku(lines):
        what = "Sale" if kind == "SALE" else "Receipt"
        raise Refusal(f"{what} {ref} is already recorded with other lines.", slug="other-lines")
    return True
