"""The catalogue's snapshots in the database, so that each worker can answer each part.

It must never be a truth: the tables are unlogged, and whoever finds them empty makes another one.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from hub.clock import stamp

from . import snapshots, store_life
from .snapshots import Part
from .store_port import Connection, Tx

FRESH: Final = timedelta(seconds=snapshots.FRESH_S)
KEPT: Final = 2
TABLES: Final = (
    "CREATE UNLOGGED TABLE IF NOT EXISTS snapshot (digest TEXT PRIMARY KEY, life TEXT NOT NULL,"
    " made_at TEXT NOT NULL, total INTEGER NOT NULL, part_bytes INTEGER NOT NULL)",
    "CREATE UNLOGGED TABLE IF NOT EXISTS snapshot_part (digest TEXT NOT NULL, n INTEGER NOT NULL,"
    " part BLOB NOT NULL, PRIMARY KEY (digest, n))",
    # They are compressed already.
    "ALTER TABLE snapshot_part ALTER COLUMN part SET STORAGE EXTERNAL",
)


def part(conn: Connection, wanted: str, offset: int, fresh_from: str) -> Part | None:
    """Return a part of the snapshot `wanted`, or the beginning of one made since `fresh_from`."""
    row = conn.execute(
        "SELECT digest, total, part_bytes FROM snapshot WHERE life = ?"
        " AND (digest = ? OR made_at > ?) ORDER BY digest = ? DESC, made_at DESC LIMIT 1",
        (store_life.generation(conn), wanted, fresh_from, wanted),
    ).fetchone()
    if row is None:
        return None
    start = offset if row["digest"] == wanted else 0
    n, skipped = divmod(start, row["part_bytes"])
    found = conn.execute(
        "SELECT part FROM snapshot_part WHERE digest = ? AND n = ?", (row["digest"], n)
    ).fetchone()
    content = b"" if found is None else bytes(found[0])[skipped:]
    return Part(row["digest"], start, row["total"], content)


def publish(tx: Tx, catalog: Path, folder: Path) -> None:
    """Make a snapshot, unless another worker just did, and drop those that are old."""
    tx.conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    tx.hold("snapshot")
    if part(tx.conn, "", 0, stamp(tx.now - FRESH)) is not None:
        return
    made, part_bytes = snapshots.make(catalog, folder), snapshots.PART_BYTES
    life = store_life.generation(tx.conn)
    tx.conn.execute("DELETE FROM snapshot WHERE digest = ?", (made.digest,))
    tx.conn.execute("DELETE FROM snapshot_part WHERE digest = ?", (made.digest,))
    tx.conn.execute(
        "INSERT INTO snapshot (digest, life, made_at, total, part_bytes) VALUES (?, ?, ?, ?, ?)",
        (made.digest, life, stamp(tx.now), made.total, part_bytes),
    )
    tx.insert(
        "snapshot_part",
        ("digest", "n", "part"),
        ((made.digest, n, content) for n, content in enumerate(_parts(made.path, part_bytes))),
    )
    made.path.unlink()
    tx.conn.execute(
        "DELETE FROM snapshot WHERE digest NOT IN"
        " (SELECT digest FROM snapshot ORDER BY made_at DESC LIMIT ?)",
        (KEPT,),
    )
    tx.conn.execute("DELETE FROM snapshot_part WHERE digest NOT IN (SELECT digest FROM snapshot)")


def _parts(path: Path, part_bytes: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while content := file.read(part_bytes):
            yield content


class SharedSnapshots:
    """Answers parts to hubs, whichever worker made the snapshot."""

    def __init__(
        self,
        catalog: Path,
        folder: Path,
        reader: Callable[[], AbstractContextManager[Connection]],
        run: Callable[[Callable[[Tx], None]], Any],
    ) -> None:
        self._catalog, self._folder = catalog, folder
        self._reader, self._run = reader, run

    def part(self, wanted: str, offset: int, fresh_from: str) -> Part:
        while True:
            with self._reader() as conn:
                found = part(conn, wanted, offset, fresh_from)
            if found is not None:
                return found
            self._run(lambda tx: publish(tx, self._catalog, self._folder))
