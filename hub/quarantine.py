"""Keeps what could not be read or applied, with the reason, until a person replays it.

It must never hold anything personal or a badge code, and never grow without a bound.
"""

import re
import sqlite3
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec
import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.clock import stamp
from hub.database import TableClass
from hub.errors import NotFound, Refusal
from hub.journal import Transaction
from hub.wire import BATCH_LIMIT, mask_badges

MIGRATIONS: Final = Migrations("quarantine")
TABLES: Final[dict[str, TableClass]] = {"quarantine": "record", "quarantine_overflow": "record"}

# Of a larger message only the beginning is kept, enough to see what it was.
WHOLE: Final = BATCH_LIMIT
HEAD: Final = 4096


@MIGRATIONS()
def m001_quarantine(db: sqlite_utils.Database) -> None:
    """One row for each distinct message; a repetition counts in `times`."""
    db.execute(
        "CREATE TABLE quarantine (id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL,"
        " device TEXT NOT NULL, topic TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,"
        " body BLOB NOT NULL, size INTEGER NOT NULL, digest BLOB NOT NULL,"
        " times INTEGER NOT NULL DEFAULT 1, first_at TEXT NOT NULL, last_at TEXT NOT NULL,"
        " outcome TEXT, UNIQUE (source, device, digest))"
    )
    db.execute("CREATE INDEX quarantine_last_at ON quarantine (last_at)")
    db.execute("CREATE TABLE quarantine_overflow (device TEXT PRIMARY KEY, dropped INTEGER)")


class Row(msgspec.Struct, frozen=True):
    """One quarantined message. `outcome` is None while it waits; `body` has been scrubbed."""

    id: int
    source: str
    device: str
    topic: str
    reason: str
    detail: str
    body: bytes
    size: int
    times: int
    first_at: str
    last_at: str
    outcome: str | None

    @property
    def whole(self) -> bool:
        return self.size <= WHOLE


_COLUMNS: Final = ", ".join(Row.__struct_fields__)

# A source's way to try again: returns the outcome; quarantines again by itself when it must.
Replay = Callable[[Transaction, Row], str]


def put(
    tx: Transaction,
    *,
    source: str,
    device: str,
    topic: str,
    reason: str,
    detail: str,
    body: bytes,
    bound: int,
) -> None:
    """Quarantine a message of `source` (`mqtt`, `sync`); at most `bound` are kept for a device."""
    digest = blake2b(topic.encode("utf-8", "replace") + b"\n" + body, digest_size=16).digest()
    kept = scrub(body if len(body) <= WHOLE else body[:HEAD])
    at = stamp(tx.now)
    cursor = tx.conn.execute(
        "INSERT INTO quarantine (source, device, topic, reason, detail, body, size, digest,"
        " first_at, last_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (source, device, digest) DO UPDATE SET times = times + 1,"
        " last_at = excluded.last_at, reason = excluded.reason, detail = excluded.detail,"
        " outcome = NULL RETURNING times",
        (
            source,
            device,
            _printable(topic, 512),
            reason,
            _printable(scrub(detail.encode("utf-8", "replace")).decode("utf-8", "replace"), 500),
            kept,
            len(body),
            digest,
            at,
            at,
        ),
    )
    if cursor.fetchone()[0] == 1:
        _bound(tx.conn, device, bound)
    tx.touch("quarantine")


def _bound(connection: sqlite3.Connection, device: str, bound: int) -> None:
    cursor = connection.execute(
        "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE device = ?"
        " ORDER BY id DESC LIMIT -1 OFFSET ?)",
        (device, bound),
    )
    if cursor.rowcount:
        connection.execute(
            "INSERT INTO quarantine_overflow VALUES (?, ?)"
            " ON CONFLICT (device) DO UPDATE SET dropped = dropped + excluded.dropped",
            (device, cursor.rowcount),
        )


def replay(tx: Transaction, row_id: int, sources: Mapping[str, Replay]) -> str:
    """Send one message through its source's own way again and return the outcome.

    Raises NotFound, or Refusal when it was too large to be kept whole.
    """
    row = get(tx.conn, row_id)
    if not row.whole:
        raise Refusal(
            f"Message {row_id} had {row.size} bytes and was not kept whole: it cannot be replayed.",
            slug="not-kept-whole",
        )
    outcome = sources[row.source](tx, row)
    if outcome != "quarantined":
        tx.conn.execute("UPDATE quarantine SET outcome = ? WHERE id = ?", (outcome, row_id))
    tx.touch("quarantine")
    return outcome


def get(connection: sqlite3.Connection, row_id: int) -> Row:
    """Return one message. Raises NotFound."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM quarantine WHERE id = ?", (row_id,)
    ).fetchone()
    if found is None:
        raise NotFound(f"There is no message {row_id} in quarantine.")
    return Row(*found)


def waiting(
    connection: sqlite3.Connection, limit: int = 100, before: int | None = None
) -> list[Row]:
    """Return the newest messages that wait, before row `before` when paging."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM quarantine WHERE outcome IS NULL AND id < ?"
        " ORDER BY id DESC LIMIT ?",
        (2**62 if before is None else before, limit),
    )
    return [Row(*row) for row in found]


def count(connection: sqlite3.Connection) -> int:
    """Return how many messages wait."""
    (number,) = connection.execute(
        "SELECT count(*) FROM quarantine WHERE outcome IS NULL"
    ).fetchone()
    return int(number)


def dropped(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many messages of each device went beyond its bound and were let go."""
    return dict(connection.execute("SELECT device, dropped FROM quarantine_overflow").fetchall())


def forget(tx: Transaction, before: str) -> int:
    """Drop what was last seen before the stamp `before`; return how many."""
    cursor = tx.conn.execute("DELETE FROM quarantine WHERE last_at < ?", (before,))
    return cursor.rowcount


# --- scrubbing ----------------------------------------------------------------------------

_PERSONAL: Final = frozenset({"personal", "customer", "email", "phone"})
_ADDRESS: Final = re.compile(rb"[\w.+-]{1,64}@[\w.-]{1,255}")
_REMOVED: Final = "(removed)"


def scrub(body: bytes) -> bytes:
    """Mask badge codes and remove what is personal; other bytes stay as they came."""
    try:
        decoded = msgspec.json.decode(body)
        kept = _without_personal(decoded)
        # A badge code with escaped characters shows itself only when decoded and written again.
        plain = body if kept == decoded and b"\\u" not in body else msgspec.json.encode(kept)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _ADDRESS.sub(_REMOVED.encode(), mask_badges(body))
    return mask_badges(plain)


def _without_personal(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _REMOVED if key in _PERSONAL else _without_personal(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_personal(inner) for inner in value]
    return value


def _printable(text: str, most: int) -> str:
    return "".join(c if c.isprintable() else "�" for c in text[:most])
