"""Central on SQLite: opens its files, holds the writer and tells waiting readers what grew.

It must never answer before a commit is on disk, and never keep two truths: the catalogue's search
index beside it is a replica of its own feed.
"""

import contextlib
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from hub import database
from hub.clock import Clock, SystemClock

from . import store_life
from .bell import Bell
from .keys import write_secret
from .snapshots import Part, Snapshots
from .store_catalog import Catalog
from .store_port import Connection, Tx
from .store_schema import MIGRATIONS
from .store_writer import Writer

T = TypeVar("T")


class Store:
    """central.db (truth) and catalog.db (search) in one directory."""

    def __init__(self, directory: Path, clock: Clock | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._lock = database.Lock(directory / "central.lock")
        self._lock.__enter__()
        self.clock: Clock = clock or SystemClock()
        self.bell = Bell()
        # One writer never meets another work.
        self.again: Callable[[str], None] = lambda why: None
        connection = database.create(directory / "central.db", (MIGRATIONS,))
        _begin(connection, directory / "nonce")
        self.catalog = Catalog(directory)
        self._database = database.Database(directory / "central.db", directory / "catalog.db")
        self._connection = connection
        self._writer = Writer(connection, self.clock, self.bell.ring)
        self._snapshots = Snapshots(directory / "catalog.db", directory / "snapshots")
        self.follow()

    @property
    def generation(self) -> str:
        """Central's generation at this moment."""
        with self.reader() as conn:
            return store_life.generation(conn)

    def part(self, digest: str, offset: int) -> Part:
        """Return a part of the snapshot `digest` of the catalogue, or of the current one."""
        self.follow()
        return self._snapshots.get(digest, self.generation).part(digest, offset)

    def renew(self, lost: str) -> None:
        """Draw a new generation unless `lost` is no longer the current one."""
        self.run(lambda tx: store_life.renew(tx, lost))
        self.follow()

    def reader(self) -> AbstractContextManager[Connection]:
        """One consistent view of central."""
        return self._database.reader()

    def run(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on the writer; returns after COMMIT, raises what `work` raised."""
        return self._writer.run(work)

    def alive(self) -> bool:
        """Does the writer run?"""
        return self._writer.alive()

    def why_not_ready(self) -> str:
        """Say what is missing, "" when nothing is."""
        return "" if self.alive() else "the writer ended"

    def follow(self) -> None:
        """Bring the search index to the end of the feed."""
        self.catalog.follow(self.reader)

    def close(self) -> None:
        """Let waiting readers go, commit what was handed in, close the files."""
        self.bell.stop()
        self._writer.stop()
        self._database.close()
        self.catalog.close()
        database.truncate_wal(self._connection)
        self._connection.close()
        self._lock.__exit__(None, None, None)


def _begin(connection: sqlite3.Connection, nonce_file: Path) -> None:
    beside = nonce_file.read_text() if nonce_file.exists() else None
    connection.execute("BEGIN IMMEDIATE")
    nonce = store_life.start(connection, beside)
    connection.execute("COMMIT")
    write_secret(nonce_file, nonce)


def copy(source: Path, target: Path) -> None:
    """Write a compact copy of central.db as of one commit; whoever starts on it is another life."""
    database.copy(source, target)
    target.chmod(0o600)
    with contextlib.closing(sqlite3.connect(target)) as connection, connection:
        connection.execute("UPDATE central SET value = 'backup' WHERE name = 'nonce'")
