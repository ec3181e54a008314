"""The one writer of replica.db: takes in what central owns, and keeps how far it came.

It must never change a row by itself, and never save a cursor apart from its rows.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hub import database
from hub.catalog import tables as catalog
from hub.database import truncate_wal
from hub.errors import Unavailable

from . import tables
from .protocol import Cursor


class ReplicaStore:
    """replica.db, open for writing. One thread at a time uses it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._conn = database.create(path, (catalog.REPLICA, tables.REPLICA))

    def cursor(self) -> Cursor:
        """Return how far the replica came."""
        with self._lock:
            return tables.replica_cursor(self._conn)[0]

    def as_of(self) -> str | None:
        """Return when the replica was last known to be all that central has."""
        with self._lock:
            return tables.replica_cursor(self._conn)[1]

    def apply(
        self,
        asked: Cursor,
        then: Cursor,
        rows: Sequence[Mapping[str, Any]],
        as_of: str | None,
    ) -> list[tuple[int, str]] | None:
        """Take in a page and its cursor in one transaction.

        Returns (index, reason) of rows that can't be read; None, and nothing done, when the
        cursor is no longer where the page was `asked` from.
        """
        with self._lock, self._transaction() as conn:
            current, complete = tables.replica_cursor(conn)
            if current != asked:
                return None
            refused = catalog.upsert_many(conn, rows)
            tables.save_replica_cursor(conn, then, as_of or complete)
            return refused

    def note(self, as_of: str) -> None:
        """Note that the replica is complete as of now; nothing new came."""
        with self._lock, self._transaction() as conn:
            at, _ = tables.replica_cursor(conn)
            tables.save_replica_cursor(conn, at, as_of)

    def swap(self, fresh: Path) -> Cursor:
        """Let the database `fresh` replace every row, and the cursor, in one commit.

        Readers see the old rows until then. Raises Refusal when a later release made it.
        """
        source = database.open_reader(fresh)
        try:
            database.refuse_newer(source, fresh)
            with self._lock:
                source.backup(self._conn)
                truncate_wal(self._conn)
                # An older central made older tables.
                database.migrate(self._conn, (catalog.REPLICA, tables.REPLICA))
                return tables.replica_cursor(self._conn)[0]
        except sqlite3.OperationalError as error:
            if is_full(error):
                raise Unavailable("The disk of the hub is full.", retry_after_s=5) from error
            raise
        finally:
            source.close()

    def empty(self) -> None:
        """Forget every row and the cursor, in one commit."""
        with TemporaryDirectory() as scratch:
            fresh = Path(scratch) / "empty.db"
            database.create(fresh, (catalog.REPLICA, tables.REPLICA)).close()
            self.swap(fresh)

    def start_over(self, generation: str) -> None:
        """Begin the stream again: central cannot continue from where this replica stands."""
        with self._lock, self._transaction() as conn:
            _, as_of = tables.replica_cursor(conn)
            tables.save_replica_cursor(conn, Cursor(generation, 0), as_of)

    def close(self) -> None:
        """Shorten the WAL and close."""
        with self._lock:
            truncate_wal(self._conn)
            self._conn.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._conn.execute("BEGIN IMMEDIATE")
        try:
            yield self._conn
            self._conn.execute("COMMIT")
        except BaseException as error:
            if self._conn.in_transaction:
                self._conn.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError) and is_full(error):
                raise Unavailable("The disk of the hub is full.", retry_after_s=5) from error
            raise


def is_full(error: sqlite3.OperationalError) -> bool:
    """Did SQLite run out of disk? It says so in two ways."""
    return error.sqlite_errorname.startswith(("SQLITE_FULL", "SQLITE_IOERR"))
