"""Who holds which scanner, which screen it acts on, and what waits for a screen: records.

They must never hold a badge's code; the person is named by the staff id.
"""

from sqlite3 import Connection
from typing import Final, NamedTuple

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.database import TableClass

MIGRATIONS: Final = Migrations("scans")
TABLES: Final[dict[str, TableClass]] = {
    "scanner_session": "record",
    "screen": "record",
    "screen_scan": "record",
}


@MIGRATIONS()
def m001_scanner_session(db: sqlite_utils.Database) -> None:
    """One row a scanner."""
    db.execute(
        "CREATE TABLE scanner_session (device TEXT PRIMARY KEY, staff_id TEXT, bound_at TEXT,"
        " order_id TEXT, used_at TEXT NOT NULL) WITHOUT ROWID"
    )


@MIGRATIONS()
def m002_screen(db: sqlite_utils.Database) -> None:
    """A screen that may be paired, and the scans that it has yet to take."""
    db.execute("ALTER TABLE scanner_session ADD COLUMN screen TEXT")
    db.execute(
        "CREATE TABLE screen (id TEXT PRIMARY KEY, code TEXT UNIQUE, code_until TEXT NOT NULL,"
        " staff_id TEXT NOT NULL, opened_at TEXT NOT NULL) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE screen_scan (n INTEGER PRIMARY KEY AUTOINCREMENT, screen TEXT NOT NULL,"
        " device TEXT NOT NULL, text TEXT NOT NULL, key TEXT NOT NULL, at TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX screen_scan_of ON screen_scan (screen, n)")


class Session(NamedTuple):
    """What a scanner is bound to: a person (`staff_id`) or a `screen`, never both."""

    device: str
    staff_id: str | None = None
    bound_at: str | None = None
    order_id: str | None = None
    used_at: str = ""
    screen: str | None = None


class Screen(NamedTuple):
    """A signed-in screen that showed a pairing `code`."""

    id: str
    code: str
    code_until: str
    staff_id: str
    opened_at: str


class Waiting(NamedTuple):
    """A scan that its screen has yet to take; `key` names it, so that it acts once."""

    n: int
    device: str
    text: str
    key: str
    at: str


def session(conn: Connection, device: str) -> Session:
    row = conn.execute(
        "SELECT device, staff_id, bound_at, order_id, used_at, screen FROM scanner_session"
        " WHERE device = ?",
        (device,),
    ).fetchone()
    return Session(device) if row is None else Session(*row)


def sessions(conn: Connection) -> list[Session]:
    """All scanners that are or were bound, or that have an order open."""
    rows = conn.execute(
        "SELECT device, staff_id, bound_at, order_id, used_at, screen FROM scanner_session"
        " ORDER BY device"
    )
    return [Session(*row) for row in rows]


def bind(conn: Connection, device: str, staff_id: str, at: str) -> None:
    """Another person begins without the order of the one before."""
    conn.execute(
        "INSERT INTO scanner_session (device, staff_id, bound_at, used_at) VALUES (?1, ?2, ?3, ?3)"
        " ON CONFLICT (device) DO UPDATE SET"
        " order_id = CASE WHEN staff_id = excluded.staff_id THEN order_id END,"
        " staff_id = excluded.staff_id, bound_at = excluded.bound_at, used_at = excluded.used_at,"
        " screen = NULL",
        (device, staff_id, at),
    )


def open_order(conn: Connection, device: str, order_id: str, at: str) -> None:
    conn.execute(
        "INSERT INTO scanner_session (device, order_id, used_at) VALUES (?, ?, ?)"
        " ON CONFLICT (device) DO UPDATE SET order_id = excluded.order_id,"
        " used_at = excluded.used_at",
        (device, order_id, at),
    )


def bind_screen(conn: Connection, device: str, screen: str, at: str) -> None:
    """The scanner acts on a screen from now on: for nobody else, and with no order of its own."""
    conn.execute(
        "INSERT INTO scanner_session (device, screen, bound_at, used_at) VALUES (?1, ?2, ?3, ?3)"
        " ON CONFLICT (device) DO UPDATE SET screen = excluded.screen, staff_id = NULL,"
        " order_id = NULL, bound_at = excluded.bound_at, used_at = excluded.used_at",
        (device, screen, at),
    )


def unbind(conn: Connection, device: str, at: str) -> None:
    conn.execute(
        "UPDATE scanner_session SET screen = NULL, staff_id = NULL, order_id = NULL,"
        " bound_at = NULL, used_at = ? WHERE device = ?",
        (at, device),
    )


def paired(conn: Connection, screen: str) -> list[str]:
    """Return the scanners that act on a screen."""
    rows = conn.execute(
        "SELECT device FROM scanner_session WHERE screen = ? ORDER BY device", (screen,)
    )
    return [row[0] for row in rows]


def put_screen(conn: Connection, screen: Screen) -> None:
    conn.execute(
        "INSERT INTO screen (id, code, code_until, staff_id, opened_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET code = excluded.code, code_until = excluded.code_until,"
        " staff_id = excluded.staff_id",
        screen,
    )


def screen(conn: Connection, name: str) -> Screen | None:
    return _screen(conn, "id", name)


def screen_of_code(conn: Connection, code: str) -> Screen | None:
    return _screen(conn, "code", code)


def screens_before(conn: Connection, at: str) -> list[str]:
    """Return the screens that were opened before `at`."""
    return [row[0] for row in conn.execute("SELECT id FROM screen WHERE opened_at < ?", (at,))]


def drop_screen(conn: Connection, name: str) -> None:
    """Forget a screen and what it never took."""
    conn.execute("DELETE FROM screen WHERE id = ?", (name,))
    conn.execute("DELETE FROM screen_scan WHERE screen = ?", (name,))


def put_scan(conn: Connection, name: str, device: str, text: str, key: str, at: str) -> None:
    conn.execute(
        "INSERT INTO screen_scan (screen, device, text, key, at) VALUES (?, ?, ?, ?, ?)",
        (name, device, text, key, at),
    )


def waiting(conn: Connection, name: str) -> list[Waiting]:
    """Return what a screen has yet to take, oldest first."""
    rows = conn.execute(
        "SELECT n, device, text, key, at FROM screen_scan WHERE screen = ? ORDER BY n", (name,)
    )
    return [Waiting(*row) for row in rows]


def taken(conn: Connection, name: str, up_to: int) -> None:
    conn.execute("DELETE FROM screen_scan WHERE screen = ? AND n <= ?", (name, up_to))


def _screen(conn: Connection, column: str, value: str) -> Screen | None:
    row = conn.execute(
        f"SELECT id, code, code_until, staff_id, opened_at FROM screen WHERE {column} = ?",
        (value,),
    ).fetchone()
    return None if row is None else Screen(*row)
