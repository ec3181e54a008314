"""What a device has observed and the hub has not yet confirmed, on the device's own disk.

It must never let a business observation go before the hub's ack; telemetry makes room for it,
oldest first.
"""

import secrets
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

# Telemetry that nobody fetched: kept so long (ms) and so many.
TELEMETRY_MS: Final = 3 * 86_400_000
TELEMETRY_MOST: Final = 100_000
# How often appending looks for what may go.
_EVERY: Final = 256

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS waiting (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, kind TEXT NOT NULL, body BLOB,
    business INTEGER NOT NULL, at_ms INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS waiting_telemetry ON waiting (n) WHERE NOT business;
CREATE TABLE IF NOT EXISTS about (origin TEXT NOT NULL, dropped INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS command (key TEXT PRIMARY KEY, state TEXT);
"""


class Waiting(NamedTuple):
    """An observation to be sent; `body` is the JSON that is sent each time, byte by byte."""

    n: int
    id: str
    kind: str
    body: bytes


class Outbox:
    """One file for one device. Every call returns after fsync; any thread may call."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_SCHEMA)
        if self._connection.execute("SELECT 1 FROM about").fetchone() is None:
            self._connection.execute("INSERT INTO about VALUES (?, 0)", (secrets.token_hex(4),))
        (self._origin,) = self._connection.execute("SELECT origin FROM about").fetchone()

    def append(
        self,
        kind: str,
        business: bool,
        at_ms: int,
        write: Callable[[str, int], bytes],
    ) -> str:
        """Keep one observation and return its id; `write(id, seq)` makes its body.

        `seq` goes up by one over the life of the device; the id also names this very file, so
        that a device set up anew never uses an id again.
        """
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            cursor = connection.execute(
                "INSERT INTO waiting (kind, business, at_ms) VALUES (?, ?, ?)",
                (kind, int(business), at_ms),
            )
            n = cursor.lastrowid or 0
            name = f"{self._origin}-{n}"
            connection.execute(
                "UPDATE waiting SET id = ?, body = ? WHERE n = ?", (name, write(name, n), n)
            )
            if n % _EVERY == 0:
                self._make_room(connection, at_ms)
        return name

    def after(self, n: int, most: int) -> list[Waiting]:
        """Return the observations that follow number `n`, oldest first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT n, id, kind, body FROM waiting WHERE n > ? ORDER BY n LIMIT ?", (n, most)
            ).fetchall()
        return [Waiting(*row) for row in rows]

    def confirmed(self, ids: Sequence[str]) -> None:
        """The hub has these: let them go."""
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("DELETE FROM waiting WHERE id = ?", [(one,) for one in ids])

    def count(self) -> int:
        with self._lock:
            return int(self._connection.execute("SELECT count(*) FROM waiting").fetchone()[0])

    def dropped(self) -> int:
        """Return how much telemetry had to make room so far."""
        with self._lock:
            return int(self._connection.execute("SELECT dropped FROM about").fetchone()[0])

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _make_room(self, connection: sqlite3.Connection, now_ms: int) -> None:
        cursor = connection.execute(
            "DELETE FROM waiting WHERE NOT business AND (at_ms < ? OR n <="
            " (SELECT n FROM waiting WHERE NOT business ORDER BY n DESC LIMIT 1 OFFSET ?))",
            (now_ms - TELEMETRY_MS, TELEMETRY_MOST),
        )
        connection.execute("UPDATE about SET dropped = dropped + ?", (cursor.rowcount,))

    # --- commands

    def begin_command(self, key: str) -> str | None:
        """Note that a command begins; None when it is new, else how it ended (`in_doubt`: unknown).

        A print must not be made twice: what was begun and has no end is in doubt.
        """
        with self._lock:
            row = self._connection.execute(
                "SELECT state FROM command WHERE key = ?", (key,)
            ).fetchone()
            if row is None:
                self._connection.execute("INSERT INTO command VALUES (?, NULL)", (key,))
                return None
            return str(row[0] or "in_doubt")

    def end_command(self, key: str, state: str) -> None:
        with self._lock:
            self._connection.execute("UPDATE command SET state = ? WHERE key = ?", (state, key))
