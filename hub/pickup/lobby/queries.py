"""Reads who waits, for a wall that strangers look at.

It must never select what names a person, an order or an article.
"""

from sqlite3 import Connection
from typing import NamedTuple


class Called(NamedTuple):
    """What a wall screen may show of an order."""

    short_code: str
    shelf: str | None


class Lobby(NamedTuple):
    """Who waits: `preparing` by promise, `ready` with the newest first."""

    preparing: list[Called]
    ready: list[Called]


def waiting(conn: Connection, soon: str, limit: int) -> Lobby:
    """Short codes for the wall; orders that nobody picks yet only if promised before `soon`."""
    preparing = conn.execute(
        "SELECT short_code FROM pickup_order WHERE state IN ('PICKING', 'PREPARED')"
        " OR (state IN ('RESERVED', 'RECEIVED') AND promise_at <= ?"
        " AND (supply <> 'ship_to_store' OR state = 'RECEIVED'))"
        " ORDER BY promise_at IS NULL, promise_at, accepted_at, order_id LIMIT ?",
        (soon, limit),
    )
    ready = conn.execute(
        "SELECT short_code, CASE also_on WHEN '' THEN shelf ELSE"
        " shelf || ' + ' || replace(also_on, ' ', ' + ') END"
        " FROM pickup_order WHERE state = 'READY_FOR_PICKUP'"
        " ORDER BY ready_at DESC, order_id LIMIT ?",
        (limit,),
    )
    return Lobby(
        [Called(code, None) for (code,) in preparing],
        [Called(code, shelf) for code, shelf in ready],
    )
