"""Tables of what was observed, and their retention.

`seen` outlives the observation, so that a late repetition is known as one. Telemetry and business
observations lie apart, each in order of arrival: the oldest are the lowest rows.
"""

import sqlite3
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.database import TableClass

MIGRATIONS: Final = Migrations("ingest")
TABLES: Final[dict[str, TableClass]] = {
    "seen": "record",
    "observation": "record",
    "telemetry": "record",
}

_ROW: Final = (
    "(n INTEGER PRIMARY KEY, device TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,"
    " boot TEXT NOT NULL, seq INTEGER NOT NULL, occurred_ms INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL, quality TEXT NOT NULL, body BLOB NOT NULL"
)


@MIGRATIONS()
def m001_ingest(db: sqlite_utils.Database) -> None:
    """`outcome` null means committed; else the sentence of the refusal."""
    db.execute(
        "CREATE TABLE seen (device TEXT NOT NULL, id TEXT NOT NULL, digest BLOB,"
        " received_ms INTEGER NOT NULL, business INTEGER NOT NULL, outcome TEXT,"
        " PRIMARY KEY (device, id)) WITHOUT ROWID"
    )
    db.execute(f"CREATE TABLE telemetry {_ROW})")
    db.execute(f"CREATE TABLE observation {_ROW}, outcome TEXT)")


# A row's own bytes beside its body, about: columns, b-tree, and its line in `seen`.
ROW_BYTES: Final = 160


def prune(
    connection: sqlite3.Connection, table: str, before_ms: int, most_bytes: int, rows: int
) -> int:
    """Delete at most `rows` of the oldest of `table` that are too old or over the size.

    Returns how many went; fewer than `rows` means that nothing more is to be done.
    """
    low, high = connection.execute(f"SELECT min(n), max(n) FROM {table}").fetchone()
    if low is None:
        return 0
    (old,) = connection.execute(
        f"SELECT coalesce(max(n), 0) FROM (SELECT n FROM {table} WHERE received_ms < ?"
        f" AND n < {int(low) + rows})",
        (before_ms,),
    ).fetchone()
    keep = most_bytes // mean_bytes(connection, table)
    last = min(max(old, high - keep), low + rows - 1)
    cursor = connection.execute(f"DELETE FROM {table} WHERE n <= ?", (last,))
    return cursor.rowcount


def mean_bytes(connection: sqlite3.Connection, table: str) -> int:
    """Estimate what a row takes, from the newest ones."""
    (mean,) = connection.execute(
        f"SELECT avg(length(body)) FROM (SELECT body FROM {table} ORDER BY n DESC LIMIT 100)"
    ).fetchone()
    return ROW_BYTES + int(mean or 0)


def size_bytes(connection: sqlite3.Connection, table: str) -> int:
    """Estimate what a table takes."""
    low, high = connection.execute(f"SELECT min(n), max(n) FROM {table}").fetchone()
    return 0 if low is None else (high - low + 1) * mean_bytes(connection, table)


def forget_seen(
    connection: sqlite3.Connection,
    after: tuple[str, str],
    *,
    telemetry_ms: int,
    business_ms: int,
    rows: int,
) -> tuple[str, str] | None:
    """Look at the `rows` ids that follow `after` and forget those received before their time.

    Returns where to go on, or None at the end. (An index by time would cost each insert.)
    """
    found = connection.execute(
        "SELECT device, id, received_ms, business FROM seen WHERE (device, id) > (?, ?)"
        " ORDER BY device, id LIMIT ?",
        (*after, rows),
    ).fetchall()
    old = [(row[0], row[1]) for row in found if row[2] < (business_ms if row[3] else telemetry_ms)]
    connection.executemany("DELETE FROM seen WHERE device = ? AND id = ?", old)
    return (found[-1][0], found[-1][1]) if len(found) == rows else None


OTHERS: Final = frozenset({"key", "cmd", "hub", "central", "import", "conflict"})
"""What a cause begins with that is no observation's: `{device}:{observation id}`."""


def complete_seen(connection: sqlite3.Connection, after: int, received_ms: int) -> int:
    """Enter into `seen` each observation that the journal knows after seq `after`; how many.

    After a rebase or a restore the journal may know what this hub never received, or forgot. Such
    a row has no digest: any body of that id is a repetition.
    """
    causes = connection.execute(
        "SELECT DISTINCT cause FROM journal WHERE seq > ? AND cause IS NOT NULL", (after,)
    ).fetchall()
    rows = [cause.partition(":") for (cause,) in causes]
    known = connection.executemany(
        "INSERT OR IGNORE INTO seen (device, id, digest, received_ms, business)"
        " VALUES (?, ?, NULL, ?, 1)",
        [(device, name, received_ms) for device, _, name in rows if name and device not in OTHERS],
    )
    return known.rowcount
