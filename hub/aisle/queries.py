"""Reads endless-aisle orders, and what this store may promise of the distribution centre's goods.

It must never count rights that the store can't be sure of: a hub that was restored from a backup
may have spent them already.
"""

from collections.abc import Iterable
from sqlite3 import Connection, Row
from typing import Any, Final

from hub import journal
from hub.aisle.rules import Status, Supply
from hub.catalog import queries as catalog
from hub.errors import Invalid, NotFound
from hub.stock.rights import Rights, Side, Wishes

MOST: Final = 200


def supply(conn: Connection, sku: str) -> Supply:
    """What is known of one SKU; no rights while facts may be missing here."""
    row = conn.execute("SELECT * FROM aisle_rights WHERE sku = ?", (sku,)).fetchone()
    word = catalog.supply(conn, sku)
    if row is None:
        return Supply(sku, word)
    lent = Rights(Side(row["granted"], row["reclaimed"]), Side(row["returned"], row["spent"]))
    return Supply(sku, word, lent, Wishes(row["asked"], row["answered"]))


def to_promise(conn: Connection, skus: Iterable[str]) -> dict[str, Supply]:
    """What an order may be promised from: nothing is held while facts may be missing here."""
    found = {sku: supply(conn, sku) for sku in dict.fromkeys(skus)}
    if journal.in_doubt(conn):
        return {sku: one._replace(lent=Rights()) for sku, one in found.items()}
    return found


def supplied(conn: Connection, sku: str) -> dict[str, Any]:
    """`GET /aisle/supply/{sku}`."""
    shown = to_promise(conn, [sku])[sku]
    lent = supply(conn, sku).lent
    return {
        "sku": sku,
        "supply": shown.word,
        "rights": shown.held,
        "granted": lent.owner.given,
        "taken_back": lent.owner.spent,
        "returned": lent.other.given,
        "spent": lent.other.spent,
    }


def state(conn: Connection, order_id: str) -> Status | None:
    row = conn.execute("SELECT state FROM aisle_order WHERE order_id = ?", (order_id,)).fetchone()
    return None if row is None else Status(row["state"])


def order(conn: Connection, order_id: str) -> dict[str, Any]:
    """Return an order as API and screens show it. Raises NotFound."""
    row = conn.execute("SELECT * FROM aisle_order WHERE order_id = ?", (order_id,)).fetchone()
    if row is None:
        raise NotFound(f"No endless-aisle order {order_id} in this store.")
    return _shown(conn, row)


def orders(
    conn: Connection, state: str | None, after: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Return orders by id after `after`, and where the next page begins; None at the end."""
    if state is not None and state not in tuple(Status):
        raise Invalid(f"state is one of {', '.join(Status)}.", field="state")
    rows = conn.execute(
        "SELECT * FROM aisle_order WHERE (?1 IS NULL OR state = ?1) AND order_id > ?2"
        " ORDER BY order_id LIMIT ?3",
        (state, after or "", min(limit, MOST) + 1),
    ).fetchall()
    page = rows[: min(limit, MOST)]
    more = page[-1]["order_id"] if len(rows) > len(page) else None
    return [_shown(conn, row) for row in page], more


def _shown(conn: Connection, row: Row) -> dict[str, Any]:
    lines = conn.execute(
        "SELECT line_id, sku, name, qty, unit_price_minor, currency FROM aisle_line"
        " WHERE order_id = ? ORDER BY n",
        (row["order_id"],),
    )
    return {
        "order_id": row["order_id"],
        "state": row["state"],
        "conditional": bool(row["conditional"]),
        "deliver": row["deliver"],
        "reason": row["reason"],
        "placed_at": row["placed_at"],
        "changed_at": row["changed_at"],
        "lines": [dict(line) for line in lines],
    }


def waiting(conn: Connection, since: str) -> list[str]:
    """The customers, by reference, whose orders since that stamp were not declined."""
    rows = conn.execute(
        "SELECT DISTINCT customer_ref FROM aisle_order WHERE placed_at >= ?"
        " AND state IN ('CONFIRMED', 'CONDITIONAL') AND customer_ref IS NOT NULL",
        (since,),
    )
    return [ref for (ref,) in rows]


def counts(conn: Connection) -> dict[str, int]:
    """Return how many orders stand in each state."""
    rows = conn.execute("SELECT state, count(*) FROM aisle_order GROUP BY state")
    return dict(map(tuple, rows))
