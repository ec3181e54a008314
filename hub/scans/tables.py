"""Who holds which scanner, and which order is open on it: records, not facts.

They must never hold a badge's code; the person is named by the staff id.
"""

from sqlite3 import Connection
from typing import Final, NamedTuple

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.database import TableClass

MIGRATIONS: Final = Migrations("scans")
TABLES: Final[dict[str, TableClass]] = {"scanner_session": "record"}


@MIGRATIONS()
def m001_scanner_session(db: sqlite_utils.Database) -> None:
    """One row a scanner."""
    db.execute(
        "CREATE TABLE scanner_session (device TEXT PRIMARY KEY, staff_id TEXT, bound_at TEXT,"
        " order_id TEXT, used_at TEXT NOT NULL) WITHOUT ROWID"
    )


class Session(NamedTuple):
    device: str
    staff_id: str | None = None
    bound_at: str | None = None
    order_id: str | None = None
    used_at: str = ""


def session(conn: Connection, device: str) -> Session:
    row = conn.execute(
        "SELECT device, staff_id, bound_at, order_id, used_at FROM scanner_session"
        " WHERE device = ?",
        (device,),
    ).fetchone()
    return Session(device) if row is None else Session(*row)


def sessions(conn: Connection) -> list[Session]:
    """All scanners that a badge bound or that have an order open."""
    rows = conn.execute(
        "SELECT device, staff_id, bound_at, order_id, used_at FROM scanner_session ORDER BY device"
    )
    return [Session(*row) for row in rows]


def bind(conn: Connection, device: str, staff_id: str, at: str) -> None:
    """Another person begins without the order of the one before."""
    conn.execute(
        "INSERT INTO scanner_session (device, staff_id, bound_at, used_at) VALUES (?1, ?2, ?3, ?3)"
        " ON CONFLICT (device) DO UPDATE SET"
        " order_id = CASE WHEN staff_id = excluded.staff_id THEN order_id END,"
        " staff_id = excluded.staff_id, bound_at = excluded.bound_at, used_at = excluded.used_at",
        (device, staff_id, at),
    )


def open_order(conn: Connection, device: str, order_id: str, at: str) -> None:
    conn.execute(
        "INSERT INTO scanner_session (device, order_id, used_at) VALUES (?, ?, ?)"
        " ON CONFLICT (device) DO UPDATE SET order_id = excluded.order_id,"
        " used_at = excluded.used_at",
        (device, order_id, at),
    )
