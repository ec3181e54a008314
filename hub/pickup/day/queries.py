"""Reads the orders that time has something to say about; it must never write."""

from sqlite3 import Connection

from hub.pickup.day.figures import Times


def held_since(conn: Connection, before: str, arrived: str, limit: int = 50) -> list[str]:
    """Orders on hold whose last step was to be held, before that stamp.

    Their customers, if they came, did before `arrived`.
    """
    rows = conn.execute(
        "SELECT o.order_id FROM pickup_order o JOIN pickup_event e ON e.order_id = o.order_id"
        " AND e.n = (SELECT max(n) FROM pickup_event h WHERE h.order_id = o.order_id"
        " AND h.type = 'OrderHeld') WHERE o.state = 'ON_HOLD' AND e.at < ?"
        " AND (o.buyer_arrived_at IS NULL OR o.buyer_arrived_at < ?)"
        " ORDER BY e.at, o.order_id LIMIT ?",
        (before, arrived, limit),
    )
    return [order_id for (order_id,) in rows]


def waiting_since(conn: Connection, before: str, limit: int = 100) -> list[str]:
    """Ready orders of customers who have not come, ready since before that stamp."""
    rows = conn.execute(
        "SELECT order_id FROM pickup_order WHERE state = 'READY_FOR_PICKUP' AND ready_at < ?"
        " AND buyer_arrived_at IS NULL ORDER BY ready_at, order_id LIMIT ?",
        (before, limit),
    )
    return [order_id for (order_id,) in rows]


def times_since(conn: Connection, begin: str, accepted: str) -> list[Times]:
    """The times of orders that something happened to since `begin`, accepted since `accepted`."""
    rows = conn.execute(
        "SELECT accepted_at, ready_at, picked_up_at, buyer_arrived_at, promise_at"
        " FROM pickup_order WHERE accepted_at >= ?1"
        " AND (accepted_at >= ?2 OR ready_at >= ?2 OR picked_up_at >= ?2)",
        (accepted, begin),
    )
    return [Times(*tuple(row)) for row in rows]


def shorts_since(conn: Connection, begin: str) -> dict[str, int]:
    """Units that were not found since `begin`, by reason; steps taken back are not told apart."""
    rows = conn.execute(
        "SELECT note, sum(qty) FROM pickup_event WHERE type = 'LineShorted' AND at >= ?"
        " GROUP BY note ORDER BY note",
        (begin,),
    )
    return dict(map(tuple, rows))


def ended_since(conn: Connection, begin: str) -> dict[str, int]:
    """How many of the orders accepted since `begin` stand in each state."""
    rows = conn.execute(
        "SELECT state, count(*) FROM pickup_order WHERE accepted_at >= ? GROUP BY state", (begin,)
    )
    return dict(map(tuple, rows))


def reserved_by(conn: Connection, order_id: str) -> str | None:
    """The id of the entry by which this store reserved an order."""
    row = conn.execute(
        "SELECT entry FROM pickup_event WHERE order_id = ? AND type = 'OrderReserved'"
        " ORDER BY n LIMIT 1",
        (order_id,),
    ).fetchone()
    return None if row is None else str(row[0])


def broken(conn: Connection) -> int:
    """How many promises this store ever broke."""
    (found,) = conn.execute(
        "SELECT count(*) FROM pickup_event WHERE type = 'PromiseBroken'"
    ).fetchone()
    return int(found)


def unclaimed_since(conn: Connection) -> list[tuple[str, str]]:
    """Orders that may be claimed and that nobody picks: (id, since when), the oldest first.

    The wait begins anew when a picker gave the order back, or when a hold ended.
    """
    rows = conn.execute(
        "SELECT o.order_id, max(e.at) AS since FROM pickup_order o JOIN pickup_event e"
        " ON e.order_id = o.order_id AND e.type IN"
        " ('OrderReserved', 'OrderReceived', 'PickingReleased', 'OrderResumed')"
        " WHERE o.state IN ('RESERVED', 'RECEIVED')"
        " AND (o.state = 'RECEIVED' OR o.supply <> 'ship_to_store')"
        " GROUP BY o.order_id ORDER BY since, o.order_id"
    )
    return [(order_id, since) for order_id, since in rows]


def lines_to_pick(conn: Connection) -> int:
    """How many lines wait to be picked, those that are being picked included."""
    row = conn.execute(
        "SELECT count(*) FROM pickup_line l JOIN pickup_order o USING (order_id)"
        " WHERE o.state IN ('RESERVED', 'RECEIVED', 'PICKING')"
        " AND (o.state <> 'RESERVED' OR o.supply <> 'ship_to_store')"
        " AND l.ordered > l.picked + l.short + l.substituted + l.canceled"
    ).fetchone()
    return int(row[0])
