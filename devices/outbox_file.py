"""The outbox's file: opened, brought to today's form, and salvaged when it is damaged.

It must never throw a damaged file away: it is moved aside, and what can be read is taken over.
"""

import logging
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from hub.errors import Unavailable

log = logging.getLogger(__name__)

FORM: Final = 1
_LOCKED_S: Final = 1.0

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS waiting (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, device TEXT NOT NULL,
    kind TEXT NOT NULL, body BLOB NOT NULL, business INTEGER NOT NULL, at_ms INTEGER, boot TEXT
);
CREATE INDEX IF NOT EXISTS waiting_by_class ON waiting (n) WHERE NOT business;
CREATE INDEX IF NOT EXISTS waiting_unstamped ON waiting (boot) WHERE boot IS NOT NULL;
CREATE TABLE IF NOT EXISTS about (origin TEXT NOT NULL, dropped INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS number (device TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hour (hour INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS given (
    n INTEGER PRIMARY KEY, device TEXT NOT NULL, id TEXT NOT NULL, at_s INTEGER NOT NULL,
    UNIQUE (device, id)
);
CREATE TABLE IF NOT EXISTS command (key TEXT PRIMARY KEY, state TEXT);
"""
_COLUMNS: Final = "n, id, device, kind, body, business, at_ms, boot"


def open_file(path: Path, device: str) -> sqlite3.Connection:
    """Open (make, migrate, salvage) an outbox. Raises Unavailable when it is in use."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = _open(path, device)
    except sqlite3.OperationalError as error:
        why = "another process uses it" if "locked" in str(error) else error
        raise Unavailable(f"The outbox {path} cannot be opened: {why}.") from error
    except sqlite3.DatabaseError as error:
        return _salvage(path, device, str(error))
    damage = _damage(connection)
    if not damage:
        return connection
    connection.close()
    return _salvage(path, device, damage)


def _open(path: Path, device: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=_LOCKED_S
    )
    try:
        # One process for one outbox: numbers are counted in memory.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        (form,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("BEGIN IMMEDIATE")
        _bring_up(connection, device, form)
        connection.execute("COMMIT")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _bring_up(connection: sqlite3.Connection, device: str, form: int) -> None:
    """Make the tables; take over what the first form held (one device, seq = row number)."""
    known = "SELECT 1 FROM sqlite_master WHERE name = 'waiting'"
    old = form < FORM and connection.execute(known).fetchone() is not None
    if old:
        connection.execute("DROP INDEX IF EXISTS waiting_telemetry")
        connection.execute("ALTER TABLE waiting RENAME TO old_waiting")
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    if old:
        connection.execute(
            f"INSERT INTO waiting ({_COLUMNS}) SELECT n, id, ?, kind, body, business, at_ms, NULL"
            " FROM old_waiting",
            (device,),
        )
        (last,) = connection.execute(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name LIKE '%waiting'"
        ).fetchone()
        connection.execute("INSERT INTO number VALUES (?, ?)", (device, last))
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'waiting'")
        connection.execute("INSERT INTO sqlite_sequence VALUES ('waiting', ?)", (last,))
        connection.execute("DROP TABLE old_waiting")
    if connection.execute("SELECT 1 FROM about").fetchone() is None:
        connection.execute("INSERT INTO about VALUES (?, 0)", (secrets.token_hex(4),))
    connection.execute(f"PRAGMA user_version = {FORM}")


def _damage(connection: sqlite3.Connection) -> str:
    try:
        found = "; ".join(str(row[0]) for row in connection.execute("PRAGMA quick_check(3)"))
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == "ok" else found


# --- salvage


def _salvage(path: Path, device: str, damage: str) -> sqlite3.Connection:
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    for tail in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + tail).rename(aside.with_name(aside.name + tail))
    fresh = _open(path, device)
    kept = 0
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(aside)) as broken:
        fresh.execute("BEGIN IMMEDIATE")
        kept = _take_over(broken, fresh)
        fresh.execute("COMMIT")
    if fresh.in_transaction:
        fresh.execute("COMMIT")
    log.error(
        "The outbox %s was damaged (%s): %d observations were saved from it, it lies at %s",
        path, damage[:200], kept, aside,
    )  # fmt: skip
    return fresh


def _take_over(broken: sqlite3.Connection, fresh: sqlite3.Connection) -> int:
    """Copy what can be read. Rows keep their ids, so the hub knows what it has had of them."""
    kept = 0
    for row in _legible(broken):
        # What a damaged page gave back may be of any type.
        with suppress(sqlite3.Error):
            kept += fresh.execute(
                f"INSERT OR IGNORE INTO waiting ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row
            ).rowcount
    for table in ("number", "command"):
        with suppress(sqlite3.DatabaseError):
            for two in broken.execute(f"SELECT * FROM {table}"):
                fresh.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", two)
    return kept


def _legible(broken: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Read from the front until the damage, then from the back until the damage."""
    for order in ("", "DESC"):
        with suppress(sqlite3.DatabaseError):
            yield from broken.execute(f"SELECT {_COLUMNS} FROM waiting ORDER BY n {order}")
