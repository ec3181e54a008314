"""Where the hub keeps how far each stream was taken in: a row beside the rows that it counts.

It must never be saved in another transaction than the rows themselves.
"""

import sqlite3
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.chain import ORIGIN, Pair
from hub.database import TableClass

from .protocol import Cursor

MIGRATIONS: Final = Migrations("sync")
"""For hub.db: the commands that were taken in, and how far central had the journal."""
REPLICA: Final = Migrations("sync")
"""For replica.db: the catalogue rows that were taken in."""
TABLES: Final[dict[str, TableClass]] = {"sync_cursor": "record", "sync_pushed": "record"}
REPLICA_TABLES: Final[dict[str, TableClass]] = {"sync_replica": "replica"}


@MIGRATIONS()
def m001_sync(db: sqlite_utils.Database) -> None:
    """`sync_pushed` has one row: it only tells screens, before central is heard again."""
    db.execute(
        "CREATE TABLE sync_cursor (stream TEXT PRIMARY KEY, generation TEXT NOT NULL,"
        " position INTEGER NOT NULL) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE sync_pushed (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL,"
        " hash TEXT NOT NULL, generation TEXT NOT NULL)"
    )


@REPLICA()
def m001_replica(db: sqlite_utils.Database) -> None:
    """`as_of`: when central last said that this is all there is."""
    db.execute(
        "CREATE TABLE sync_replica (id INTEGER PRIMARY KEY CHECK (id = 1),"
        " generation TEXT NOT NULL, position INTEGER NOT NULL, as_of TEXT)"
    )


def cursor(conn: sqlite3.Connection, stream: str) -> Cursor:
    """Return how far a stream was taken into hub.db."""
    row = conn.execute(
        "SELECT generation, position FROM sync_cursor WHERE stream = ?", (stream,)
    ).fetchone()
    return Cursor() if row is None else Cursor(row[0], row[1])


def save_cursor(conn: sqlite3.Connection, stream: str, at: Cursor) -> None:
    """Save it, in the transaction of the rows."""
    conn.execute(
        "INSERT INTO sync_cursor (stream, generation, position) VALUES (?, ?, ?)"
        " ON CONFLICT (stream) DO UPDATE SET generation = excluded.generation,"
        " position = excluded.position",
        (stream, at.generation, at.position),
    )


def pushed(conn: sqlite3.Connection) -> tuple[Pair, str]:
    """Return central's head and generation as they were last noted."""
    row = conn.execute("SELECT seq, hash, generation FROM sync_pushed").fetchone()
    return (ORIGIN, "") if row is None else (Pair(row[0], row[1]), row[2])


def save_pushed(conn: sqlite3.Connection, at: Pair, generation: str) -> None:
    """Note central's head."""
    conn.execute(
        "INSERT OR REPLACE INTO sync_pushed (id, seq, hash, generation) VALUES (1, ?, ?, ?)",
        (at.seq, at.hash, generation),
    )


def replica_cursor(conn: sqlite3.Connection) -> tuple[Cursor, str | None]:
    """Return how far the catalogue was taken in, and as of when it was complete."""
    row = conn.execute("SELECT generation, position, as_of FROM sync_replica").fetchone()
    return (Cursor(), None) if row is None else (Cursor(row[0], row[1]), row[2])


def save_replica_cursor(conn: sqlite3.Connection, at: Cursor, as_of: str | None) -> None:
    """Save it, in the transaction of the rows."""
    conn.execute(
        "INSERT OR REPLACE INTO sync_replica (id, generation, position, as_of) VALUES (1, ?, ?, ?)",
        (at.generation, at.position, as_of),
    )
