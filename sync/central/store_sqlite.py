"""Central on SQLite: opens its files, holds the writer and tells waiting readers what grew.

It must never answer before a commit is on disk, and never keep two truths: the catalogue's search
index beside it is a replica of its own feed.
"""

import contextlib
import logging
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import msgspec

from hub import database
from hub.clock import Clock, SystemClock
from sync.protocol import Cursor, Life, begin
from sync.replica import ReplicaStore

from . import store_feed
from .snapshots import Snapshot, Snapshots
from .store_schema import MIGRATIONS
from .store_writer import Tx, Writer

T = TypeVar("T")
log = logging.getLogger(__name__)


class Bell:
    """Tells parked readers that a stream grew. Nobody misses a ring that came after `at`."""

    def __init__(self) -> None:
        self._rung: dict[str, int] = {}
        self._ringing = threading.Condition()
        self._stopped = False

    def at(self, name: str) -> int:
        with self._ringing:
            return self._rung.get(name, 0)

    def ring(self, names: Iterable[str]) -> None:
        with self._ringing:
            for name in names:
                self._rung[name] = self._rung.get(name, 0) + 1
            self._ringing.notify_all()

    def stop(self) -> None:
        """Let everybody go home, now and from now on."""
        with self._ringing:
            self._stopped = True
            self._ringing.notify_all()

    def wait(self, name: str, at: int, seconds: float) -> None:
        """Return when `name` was rung since `at`, or after `seconds`."""
        with self._ringing:
            self._ringing.wait_for(
                lambda: self._stopped or self._rung.get(name, 0) != at, timeout=seconds
            )


class Store:
    """central.db (truth) and catalog.db (search) in one directory."""

    def __init__(self, directory: Path, clock: Clock | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._lock = database.Lock(directory / "central.lock")
        self._lock.__enter__()
        self.clock: Clock = clock or SystemClock()
        self.bell = Bell()
        connection = database.create(directory / "central.db", (MIGRATIONS,))
        self.generation = _begin(connection, directory / "nonce")
        self.catalog = ReplicaStore(directory / "catalog.db")
        self._database = database.Database(directory / "central.db", directory / "catalog.db")
        self._connection = connection
        self._following = threading.Lock()
        self._writer = Writer(connection, self.clock, self.bell.ring)
        self._snapshots = Snapshots(directory / "catalog.db", directory / "snapshots")
        self.follow()

    def snapshot(self, digest: str) -> Snapshot:
        """Return the snapshot `digest` of the catalogue, or the current one."""
        self.follow()
        return self._snapshots.get(digest, self.generation)

    def renew(self, generation: str) -> None:
        """Draw a new generation unless `generation` is no longer the current one."""

        def work(tx: Tx) -> None:
            if self.generation == generation:
                fresh = secrets.token_hex(8)
                tx.conn.execute("UPDATE central SET value = ? WHERE name = 'generation'", (fresh,))
                self.generation = fresh
                log.warning("Central has gone back: it lacks what it had answered.")

        self.run(work)
        self.follow()

    def reader(self) -> AbstractContextManager[sqlite3.Connection]:
        """One consistent view of central; the catalogue is schema `replica`."""
        return self._database.reader()

    def run(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on the writer; returns after COMMIT, raises what `work` raised."""
        return self._writer.run(work)

    def alive(self) -> bool:
        """Does the writer run?"""
        return self._writer.alive()

    def follow(self) -> None:
        """Bring the search index to the end of the feed."""
        with self._following:
            while True:
                at = self.catalog.cursor()
                if at.generation not in ("", self.generation):
                    # What a lost life of central published must not be found any more.
                    self.catalog.empty()
                    continue
                with self.reader() as conn:
                    page = store_feed.page(conn, "replica", "", self.generation, at.position)
                if not page.rows:
                    return
                rows = [msgspec.json.decode(row.row) for row in page.rows]
                then = Cursor(page.generation, page.next, page.mark)
                self.catalog.apply(at, then, rows, None)

    def close(self) -> None:
        """Let waiting readers go, commit what was handed in, close the files."""
        self.bell.stop()
        self._writer.stop()
        self._database.close()
        self.catalog.close()
        database.truncate_wal(self._connection)
        self._connection.close()
        self._lock.__exit__(None, None, None)


def _begin(connection: sqlite3.Connection, nonce_file: Path) -> str:
    """Return central's generation: a new one when this database is not the one that ran last.

    A random number is written at each start into the database and beside it. An older copy of the
    database that is put back carries another number (DESIGN, section 8, rule 14).
    """
    values = dict(connection.execute("SELECT name, value FROM central").fetchall())
    beside = nonce_file.read_text() if nonce_file.exists() else None
    stored = Life(values["generation"], values["nonce"]) if "nonce" in values else None
    fresh = Life(secrets.token_hex(8), secrets.token_hex(8))
    generation, nonce = begin(stored, beside, fresh)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT OR REPLACE INTO central (name, value) VALUES (?, ?)",
        [("generation", generation), ("nonce", nonce)],
    )
    connection.execute("COMMIT")
    write_secret(nonce_file, nonce)
    return generation


def copy(source: Path, target: Path) -> None:
    """Write a compact copy of central.db as of one commit; whoever starts on it is another life."""
    database.copy(source, target)
    target.chmod(0o600)
    with contextlib.closing(sqlite3.connect(target)) as connection, connection:
        connection.execute("UPDATE central SET value = 'backup' WHERE name = 'nonce'")


def write_secret(path: Path, text: str) -> None:
    """Write a file that nobody else can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
