"""Reads what customers said: of one order, and of a span of time as figures.

It must never show who said it.
"""

from datetime import datetime
from sqlite3 import Connection
from typing import Any

from hub.clock import stamp
from hub.experience import rules


def known(conn: Connection, order_id: str) -> bool:
    row = conn.execute("SELECT 1 FROM feedback WHERE order_id = ?", (order_id,)).fetchone()
    return row is not None


def of_order(conn: Connection, order_id: str) -> dict[str, Any] | None:
    """Return `{"score","felt","at"}`, or None while nobody said anything."""
    row = conn.execute(
        "SELECT score, felt, at FROM feedback WHERE order_id = ?", (order_id,)
    ).fetchone()
    if row is None:
        return None
    return {"score": row["score"], "felt": row["felt"].split(), "at": row["at"]}


def between(conn: Connection, begin: datetime, end: datetime) -> dict[str, Any]:
    """Sum up what was said from `begin` up to `end`, as `rules.summed` does."""
    rows = conn.execute(
        "SELECT score, felt, count(*) AS times FROM feedback WHERE at >= ? AND at < ?"
        " GROUP BY score, felt",
        (stamp(begin), stamp(end)),
    ).fetchall()
    return rules.summed((row["score"], row["felt"].split(), row["times"]) for row in rows)


def latest(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """Return `[{"order_id","score","felt","at"}]`, what was said last first."""
    rows = conn.execute(
        "SELECT order_id, score, felt, at FROM feedback ORDER BY at DESC, order_id LIMIT ?",
        (limit,),
    ).fetchall()
    return [{**row, "felt": row["felt"].split()} for row in map(dict, rows)]
