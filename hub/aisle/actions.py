"""Places endless-aisle orders and takes central's word on them: load, decide, append.

It must never append more than once for one action, and never decide anything itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from hub import journal
from hub.aisle import queries, rules
from hub.aisle.facts import AisleLine, Deliver, SupplyLent
from hub.catalog import queries as catalog
from hub.chain import Entry
from hub.errors import Invalid
from hub.journal import Fact, Transaction
from hub.stock.rules import check_qty, check_sku

OUT_OF_STOCK: Final = "OUT_OF_STOCK"


def place(
    tx: Transaction,
    lines: Iterable[Mapping[str, Any]],
    deliver: Deliver,
    *,
    customer_ref: str | None = None,
    actor: str,
    cause: str,
) -> str:
    """Order `lines` (`{"sku","qty","line_id"?}`) from the distribution centre; return the id."""
    tx.require_room()
    order_id = name(cause)
    listed = _lines(tx, lines)
    supplies = queries.to_promise(tx.conn, (line.sku for line in listed))
    facts = rules.decide_place(supplies, order_id, listed, deliver, customer_ref)
    tx.append(facts, cause=cause, actor=actor)
    return order_id


def name(cause: str) -> str:
    """The id of the order that an append with this cause places."""
    return "A-" + blake2b(cause.encode(), digest_size=8).hexdigest()


def outcome(
    tx: Transaction, order_id: str, *, confirmed: bool, reason: str = OUT_OF_STOCK, cause: str
) -> list[Entry]:
    """Central says whether it has the goods for an order."""
    state = queries.state(tx.conn, order_id)
    facts = rules.decide_outcome(order_id, state, confirmed=confirmed, reason=reason)
    return tx.append(facts, cause=cause, actor="central") if facts else []


def lent(tx: Transaction, sides: Sequence[Mapping[str, Any]], *, cause: str) -> list[Entry]:
    """Central says what it lent this store, took back and wants back (`SupplyLent`, by SKU)."""
    try:
        said = msgspec.convert(list(sides), list[SupplyLent])
    except msgspec.ValidationError as error:
        raise Invalid(f"lent: {error}.", field="lent") from None
    facts: list[Fact] = []
    for one in said:
        known = queries.supply(tx.conn, one.sku)
        facts += rules.decide_lent(known, one, sure=not journal.in_doubt(tx.conn))
    return tx.append(facts, cause=cause, actor="central") if facts else []


def _lines(tx: Transaction, lines: Iterable[Mapping[str, Any]]) -> list[AisleLine]:
    found = []
    listed = list(lines)
    prices = catalog.prices(tx.conn, {str(line.get("sku")) for line in listed}, tx.now)
    for n, line in enumerate(listed):
        check_sku(line.get("sku"), f"lines.{n}.sku")
        check_qty(line.get("qty"), f"lines.{n}.qty")
        sku = str(line["sku"])
        price = prices.get(sku)
        found.append(
            AisleLine(
                line_id=str(line.get("line_id") or f"L{n + 1}"),
                sku=sku,
                name=catalog.name(tx.conn, sku),
                qty=int(line["qty"]),
                unit_price_minor=None if price is None else price.amount_minor,
                currency=None if price is None else price.currency,
            )
        )
    return found
