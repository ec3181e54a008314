"""The rows of what comes back of orders: claims and returns of all stores, and who is awaited.

It must never decide whether units may come back: that is `return_rules`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from zlib import crc32

from hub.clock import stamp
from hub.returns.facts import brought_as

from .return_rules import Part, Unit
from .store_port import Connection, Tx

PAGE: Final = 100
LOCKS: Final = 256
# Units that count: central confirmed them or a lead paid for them all the same, and they did not go
# home again and were not missing.
COUNTS: Final = (
    "(r.word = 'CONFIRMED' OR r.paid = 1) AND r.state <> 'CANCELED'"
    " AND NOT (r.state = 'CLOSED' AND l.missing = 1)"
)
JOINED: Final = (
    "FROM goods_return r JOIN goods_return_line l"
    " ON l.store_id = r.store_id AND l.return_id = r.return_id"
)


def lock(order_id: str) -> str:
    """Return the name under which a work holds what came back of an order.

    Not one an order: PostgreSQL has room for some thousand locks, and a fold again takes all.
    """
    return f"returns {crc32(order_id.encode()) % LOCKS:03}"


def returns(
    conn: Connection, order_id: str | None, word: str | None, after: str
) -> tuple[list[dict[str, Any]], str | None]:
    """Return what came back, or was brought, at all stores by return id, a page at a time."""
    rows = conn.execute(
        "SELECT * FROM goods_return WHERE (CAST(?1 AS TEXT) IS NULL OR order_id = ?1)"
        " AND (CAST(?2 AS TEXT) IS NULL OR word = ?2) AND return_id > ?3"
        " ORDER BY return_id, store_id LIMIT ?4",
        (order_id, word, after, PAGE),
    ).fetchall()
    more = rows[-1]["return_id"] if len(rows) == PAGE else None
    return [_shown(conn, dict(row)) for row in rows], more


def _shown(conn: Connection, row: dict[str, Any]) -> dict[str, Any]:
    lines = conn.execute(
        "SELECT part, sku, qty, line_id, missing FROM goods_return_line"
        " WHERE store_id = ? AND return_id = ? ORDER BY part",
        (row["store_id"], row["return_id"]),
    )
    shown = {name: row[name] for name in ("return_id", "order_id", "state", "word", "reason")}
    return {
        **shown,
        "store": row["store_id"],
        "at": row["at"],
        "awaits": row["awaits"],
        "lines": [{**dict(line), "missing": bool(line["missing"])} for line in lines],
    }


def row_of(conn: Connection, store_id: str, return_id: str) -> dict[str, Any] | None:
    row = conn.execute(
        "SELECT * FROM goods_return WHERE store_id = ? AND return_id = ?", (store_id, return_id)
    ).fetchone()
    return None if row is None else dict(row)


def add(
    tx: Tx, store_id: str, return_id: str, order_id: str, state: str, *, own: bool, awaits: str
) -> None:
    tx.conn.execute(
        "INSERT INTO goods_return (store_id, return_id, order_id, state, word, reason, own, awaits,"
        " at) VALUES (?, ?, ?, ?, 'WAITS', '', ?, ?, ?)",
        (store_id, return_id, order_id, state, int(own), awaits, stamp(tx.now)),
    )


def write(tx: Tx, store_id: str, return_id: str, lines: Iterable[tuple[Any, ...]]) -> None:
    """`lines`: (part, SKU, units, line of the order, missing)."""
    tx.conn.execute(
        "DELETE FROM goods_return_line WHERE store_id = ? AND return_id = ?", (store_id, return_id)
    )
    tx.conn.executemany(
        "INSERT INTO goods_return_line (store_id, return_id, part, sku, qty, line_id, missing)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(store_id, return_id, *line) for line in lines],
    )


def confirm(tx: Tx, store_id: str, return_id: str, units: Iterable[Unit]) -> None:
    known = tx.conn.execute(
        "SELECT part, missing FROM goods_return_line WHERE store_id = ? AND return_id = ?",
        (store_id, return_id),
    ).fetchall()
    missing = {one["part"]: one["missing"] for one in known}
    lines = [
        (one.part, one.sku, one.qty, one.line_id,
         missing.get(one.part, missing.get(brought_as(one.part), 0)))
        for one in units
    ]  # fmt: skip
    write(tx, store_id, return_id, lines)
    say(tx, store_id, return_id, "CONFIRMED", "")


def say(tx: Tx, store_id: str, return_id: str, word: str, reason: str) -> None:
    tx.conn.execute(
        "UPDATE goods_return SET word = ?, reason = ?,"
        " awaits = CASE WHEN state = 'ASKED' THEN awaits ELSE NULL END"
        " WHERE store_id = ? AND return_id = ?",
        (word, reason, store_id, return_id),
    )


def awaits(tx: Tx, store_id: str, return_id: str, whom: str | None) -> None:
    tx.conn.execute(
        "UPDATE goods_return SET awaits = ? WHERE store_id = ? AND return_id = ?",
        (whom, store_id, return_id),
    )


def parts(conn: Connection, of: Mapping[str, Any]) -> list[Part]:
    # What was missing when the return was closed did not come back; before, another word may come.
    rows = conn.execute(
        "SELECT part, sku, qty, line_id FROM goods_return_line WHERE store_id = ?"
        " AND return_id = ? AND NOT (missing = 1 AND ? = 'CLOSED') ORDER BY part",
        (of["store_id"], of["return_id"], of["state"]),
    )
    return [Part(row["part"], row["sku"], row["qty"], row["line_id"]) for row in rows]


def back(conn: Connection, order_id: str, but: str = "") -> dict[str, int]:
    """Return the units that came back, or are claimed, by line; `but`: not at this store."""
    rows = conn.execute(
        f"SELECT l.line_id, sum(l.qty) AS qty {JOINED}"
        f" WHERE r.order_id = ? AND r.store_id <> ? AND {COUNTS} GROUP BY l.line_id",
        (order_id, but),
    )
    return {row["line_id"]: int(row["qty"]) for row in rows}


def stores_of(conn: Connection, order_id: str) -> list[str]:
    """Return by name the stores where units of an order came back."""
    rows = conn.execute(
        f"SELECT DISTINCT s.name {JOINED} JOIN store s ON s.store_id = r.store_id"
        f" WHERE r.order_id = ? AND {COUNTS} ORDER BY s.name",
        (order_id,),
    )
    return [str(row["name"]) for row in rows]
