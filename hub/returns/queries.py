"""Reads returns: one for a decision, one as programs see it, lists; it must never write."""

from sqlite3 import Connection
from typing import Any, Final

from hub.errors import NotFound
from hub.returns.rules import Line, Return

_LINE: Final = "line_id, sku, qty, source_line, unit_price_minor, disposition"


def load(conn: Connection, return_id: str) -> Return:
    """The return for a decision. NotFound when this store has none of that id."""
    row = conn.execute(
        "SELECT return_id, state, refund, word FROM goods_return WHERE return_id = ?", (return_id,)
    ).fetchone()
    if row is None:
        raise NotFound(f"No return {return_id} in this store.")
    lines = conn.execute(
        f"SELECT {_LINE} FROM goods_return_line WHERE return_id = ? ORDER BY line_id", (return_id,)
    )
    return Return(row[0], row[1], row[2], tuple(Line(*tuple(line)) for line in lines), row[3])


def known(conn: Connection, return_id: str) -> bool:
    """Was this return opened here?"""
    row = conn.execute("SELECT 1 FROM goods_return WHERE return_id = ?", (return_id,)).fetchone()
    return row is not None


def order_of(conn: Connection, return_id: str) -> str | None:
    """The order that a return is of; None for a till's receipt."""
    row = conn.execute(
        "SELECT order_id FROM goods_return WHERE return_id = ?", (return_id,)
    ).fetchone()
    return None if row is None else row[0]


def shown(conn: Connection, return_id: str) -> dict[str, Any]:
    """`GET /returns/{id}`."""
    found = load(conn, return_id)
    row = conn.execute("SELECT * FROM goods_return WHERE return_id = ?", (return_id,)).fetchone()
    return dict(row) | {"lines": [line._asdict() for line in found.lines]}


def recent(
    conn: Connection, state: str | None, order_id: str | None, limit: int
) -> list[dict[str, Any]]:
    """Returns, the newest first."""
    rows = conn.execute(
        "SELECT return_id FROM goods_return WHERE (?1 IS NULL OR state = ?1)"
        " AND (?2 IS NULL OR order_id = ?2) ORDER BY opened_at DESC, return_id LIMIT ?3",
        (state, order_id, limit),
    )
    return [shown(conn, return_id) for (return_id,) in rows.fetchall()]


def back_of_order(conn: Connection, order_id: str) -> dict[str, int]:
    """Units that came back, or lie on the counter, by line of the order; missing ones did not.

    At whatever store, as far as this one was told.
    """
    rows = conn.execute(
        "SELECT line_id, sum(qty) FROM (SELECT l.source_line AS line_id, l.qty FROM goods_return r"
        " JOIN goods_return_line l USING (return_id) WHERE r.order_id = ?1"
        " AND r.state <> 'CANCELED' AND l.source_line IS NOT NULL"
        " AND NOT (r.state = 'CLOSED' AND l.disposition = 'MISSING')"
        " UNION ALL SELECT line_id, qty FROM returned_elsewhere WHERE order_id = ?1)"
        " GROUP BY line_id",
        (order_id,),
    )
    return dict(map(tuple, rows))


def elsewhere(conn: Connection, order_id: str) -> list[str]:
    """The other stores, by name, at which units of this store's order came back."""
    rows = conn.execute(
        "SELECT DISTINCT store FROM returned_elsewhere WHERE order_id = ? AND qty > 0"
        " ORDER BY store",
        (order_id,),
    )
    return [str(row[0]) for row in rows]


def back_of_sale(conn: Connection, sale_id: str) -> dict[str, int]:
    """The same of a till's receipt, by SKU."""
    rows = conn.execute(
        "SELECT l.sku, sum(l.qty) FROM goods_return r JOIN goods_return_line l USING (return_id)"
        " WHERE r.sale_id = ? AND r.state <> 'CANCELED'"
        " AND NOT (r.state = 'CLOSED' AND l.disposition = 'MISSING') GROUP BY l.sku",
        (sale_id,),
    )
    return dict(map(tuple, rows))
