"""Where the hub keeps how far each stream was taken in: a row beside the rows that it counts.

It must never be saved in another transaction than the rows themselves.
"""

import sqlite3
from collections.abc import Sequence
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
TABLES: Final[dict[str, TableClass]] = {
    "sync_cursor": "record",
    "sync_pushed": "record",
    "sync_staged": "record",
}
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


@MIGRATIONS()
def m002_staged(db: sqlite_utils.Database) -> None:
    """Entries of central's that wait for a rebase; `seq` is central's."""
    db.execute("CREATE TABLE sync_staged (seq INTEGER PRIMARY KEY, entry BLOB NOT NULL)")


@MIGRATIONS()
def m003_mark(db: sqlite_utils.Database) -> None:
    """What central drew when it wrote the position (`sync.protocol.Cursor`)."""
    db.execute("ALTER TABLE sync_cursor ADD COLUMN mark TEXT NOT NULL DEFAULT ''")


@REPLICA()
def m001_replica(db: sqlite_utils.Database) -> None:
    """`as_of`: when central last said that this is all there is."""
    db.execute(
        "CREATE TABLE sync_replica (id INTEGER PRIMARY KEY CHECK (id = 1),"
        " generation TEXT NOT NULL, position INTEGER NOT NULL, as_of TEXT)"
    )


@REPLICA()
def m002_mark(db: sqlite_utils.Database) -> None:
    """As in hub.db."""
    db.execute("ALTER TABLE sync_replica ADD COLUMN mark TEXT NOT NULL DEFAULT ''")


def cursor(conn: sqlite3.Connection, stream: str) -> Cursor:
    """Return how far a stream was taken into hub.db."""
    row = conn.execute(
        "SELECT generation, position, mark FROM sync_cursor WHERE stream = ?", (stream,)
    ).fetchone()
    return Cursor() if row is None else Cursor(*row)


def save_cursor(conn: sqlite3.Connection, stream: str, at: Cursor) -> None:
    """Save it, in the transaction of the rows."""
    conn.execute(
        "INSERT INTO sync_cursor (stream, generation, position, mark) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (stream) DO UPDATE SET generation = excluded.generation,"
        " position = excluded.position, mark = excluded.mark",
        (stream, at.generation, at.position, at.mark),
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


def stage(conn: sqlite3.Connection, after: int, contents: Sequence[bytes], *, first: bool) -> None:
    """Put entries of central's aside that follow `after`; `first` forgets the earlier ones."""
    conn.execute("DELETE FROM sync_staged WHERE seq > ? OR ?", (after, first))
    conn.executemany(
        "INSERT INTO sync_staged (seq, entry) VALUES (?, ?)", enumerate(contents, after + 1)
    )


def staged(conn: sqlite3.Connection) -> list[bytes]:
    """Return what was put aside, in order."""
    return [bytes(row[0]) for row in conn.execute("SELECT entry FROM sync_staged ORDER BY seq")]


def replica_cursor(conn: sqlite3.Connection) -> tuple[Cursor, str | None]:
    """Return how far the catalogue was taken in, and as of when it was complete."""
    row = conn.execute("SELECT generation, position, mark, as_of FROM sync_replica").fetchone()
    return (Cursor(), None) if row is None else (Cursor(row[0], row[1], row[2]), row[3])


def save_replica_cursor(conn: sqlite3.Connection, at: Cursor, as_of: str | None) -> None:
    """Save it, in the transaction of the rows."""
    conn.execute(
        "INSERT OR REPLACE INTO sync_replica (id, generation, position, mark, as_of)"
        " VALUES (1, ?, ?, ?, ?)",
        (at.generation, at.position, at.mark, as_of),
    )
