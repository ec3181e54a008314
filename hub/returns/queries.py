"""Reads returns: one for a decision, one as programs see it, lists; it must never write."""

from sqlite3 import Connection
from typing import Any, Final

from hub.errors import NotFound
from hub.returns.rules import Line, Return

_LINE: Final = "line_id, sku, qty, source_line, unit_price_minor, disposition"


def load(conn: Connection, return_id: str) -> Return:
    """The return for a decision. NotFound when this store has none of that id."""
    row = conn.execute(
        "SELECT return_id, state, refund FROM goods_return WHERE return_id = ?", (return_id,)
    ).fetchone()
    if row is None:
        raise NotFound(f"No return {return_id} in this store.")
    lines = conn.execute(
        f"SELECT {_LINE} FROM goods_return_line WHERE return_id = ? ORDER BY line_id", (return_id,)
    )
    return Return(row[0], row[1], row[2], tuple(Line(*tuple(line)) for line in lines))


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
    """Units that came back, or lie on the counter, by line of the order; missing ones did not."""
    rows = conn.execute(
        "SELECT l.source_line, sum(l.qty) FROM goods_return r JOIN goods_return_line l"
        " USING (return_id) WHERE r.order_id = ? AND r.state <> 'CANCELED'"
        " AND NOT (r.state = 'CLOSED' AND l.disposition = 'MISSING') GROUP BY l.source_line",
        (order_id,),
    )
    return dict(map(tuple, rows))


def back_of_sale(conn: Connection, sale_id: str) -> dict[str, int]:
    """The same of a till's receipt, by SKU."""
    rows = conn.execute(
        "SELECT l.sku, sum(l.qty) FROM goods_return r JOIN goods_return_line l USING (return_id)"
        " WHERE r.sale_id = ? AND r.state <> 'CANCELED'"
        " AND NOT (r.state = 'CLOSED' AND l.disposition = 'MISSING') GROUP BY l.sku",
        (sale_id,),
    )
    return dict(map(tuple, rows))
