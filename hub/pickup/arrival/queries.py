"""Reads which orders wait for goods from elsewhere, and which one a parcel is for.

It must never write.
"""

from sqlite3 import Connection

from hub.pickup import code as codes
from hub.pickup import queries
from hub.pickup.arrival.rules import read_parcel


def order_of(conn: Connection, text: str) -> str | None:
    """The order that a code on a parcel means: its own, or the order's number or short code.

    Raises Invalid where it can be neither, Refusal for a pickup code that is not genuine.
    """
    if codes.is_signed(text):
        read = codes.read(text, queries.keys(conn), None)
        return read.order_id if queries.find(conn, read.order_id) is not None else None
    named = text.strip().removeprefix(codes.PREFIX)
    found = _orders_of(conn, read_parcel(named), named)
    return found[0] if found else None


def is_parcel(conn: Connection, text: str) -> bool:
    """Was this code named as a parcel of one of our orders?"""
    row = conn.execute("SELECT 1 FROM pickup_parcel WHERE code = ?", (text.strip().upper(),))
    return row.fetchone() is not None


def _orders_of(conn: Connection, code: str, named: str) -> list[str]:
    """Ids of the orders that a code means, one that still waits for its goods first.

    `code`: as a parcel's is kept; `named`: as it was read, for an order's number in small letters.
    """
    # Each part by its index: a store keeps years of orders, and the writer waits for the answer.
    rows = conn.execute(
        "SELECT o.order_id FROM pickup_order o WHERE o.order_id IN"
        " (SELECT order_id FROM pickup_parcel WHERE code = ?1"
        "  UNION SELECT order_id FROM pickup_order WHERE order_id IN (?1, ?2)"
        "  UNION SELECT order_id FROM pickup_order"
        "   WHERE short_code = ?1 AND supply = 'ship_to_store')"
        " ORDER BY o.received_at IS NOT NULL, o.state IN ('CANCELED', 'EXPIRED', 'REJECTED'),"
        " o.accepted_at DESC, o.order_id",
        (code, named),
    )
    return [order_id for (order_id,) in rows]


def expected(conn: Connection, limit: int = 100) -> list[str]:
    """Ids of the orders whose goods are to come: those on their way, then those not sent yet."""
    rows = conn.execute(
        "SELECT order_id FROM pickup_order WHERE supply = 'ship_to_store'"
        " AND state IN ('IN_TRANSIT', 'RESERVED') ORDER BY state = 'RESERVED',"
        " promise_at IS NULL, promise_at, accepted_at, order_id LIMIT ?",
        (limit,),
    )
    return [order_id for (order_id,) in rows]


def to_put_away(conn: Connection, limit: int = 100) -> list[str]:
    """Ids of the orders whose goods are here and stand on no shelf, the earliest promise first."""
    rows = conn.execute(
        "SELECT order_id FROM pickup_order WHERE supply = 'ship_to_store' AND state = 'RECEIVED'"
        " ORDER BY promise_at IS NULL, promise_at, order_id LIMIT ?",
        (limit,),
    )
    return [order_id for (order_id,) in rows]
