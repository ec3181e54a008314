"""Finds collected orders by customer or article, of the latest ones; it must never write."""

from sqlite3 import Connection


def by_customer(conn: Connection, limit: int = 2_000) -> dict[str, list[str]]:
    """The customers of the latest collected orders: customer_ref → order ids, the latest first."""
    rows = conn.execute(
        "SELECT customer_ref, order_id FROM pickup_order WHERE state = 'PICKED_UP'"
        " AND customer_ref IS NOT NULL ORDER BY promise_at DESC LIMIT ?",
        (limit,),
    )
    found: dict[str, list[str]] = {}
    for ref, order_id in rows:
        found.setdefault(ref, []).append(order_id)
    return found


def with_article(conn: Connection, sku: str, limit: int = 20, among: int = 2_000) -> list[str]:
    """Ids of the latest collected orders that gave this article to their customer."""
    rows = conn.execute(
        "SELECT o.order_id FROM (SELECT order_id, promise_at FROM pickup_order"
        " WHERE state = 'PICKED_UP' ORDER BY promise_at DESC LIMIT ?1) o WHERE EXISTS"
        " (SELECT 1 FROM pickup_line l WHERE l.order_id = o.order_id AND l.sku = ?2"
        "  AND l.handed_over > 0) ORDER BY o.promise_at DESC LIMIT ?3",
        (among, sku, limit),
    )
    return [order_id for (order_id,) in rows]
