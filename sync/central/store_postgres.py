"""Central on PostgreSQL: any number of processes on one database, none of which keeps a truth.

It must never answer before a commit is on disk there, and never guess how a commit ended whose
answer was lost: who asked is told to ask again, and asking twice is once everywhere.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg

from hub import database
from hub.clock import Clock, SystemClock, stamp
from hub.errors import Refusal, Unavailable

from . import store_feed, store_life
from .bell import Bell
from .keys import write_secret
from .snapshots import Part
from .store_catalog import Catalog
from .store_port import Connection, Tx
from .store_postgres_listen import CHANNEL, Listener
from .store_postgres_pool import Lost, Pool, connect
from .store_postgres_port import PostgresConnection, PostgresTx, Types
from .store_postgres_schema import columns, migrate
from .store_postgres_snapshots import FRESH, SharedSnapshots

T = TypeVar("T")
log = logging.getLogger(__name__)

TRIES: Final = 8
WORKERS_MOST: Final = 64
READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
# Two works met: one of them is done again from its beginning.
MET: Final = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
# The server goes, is full, or is a copy that does not write yet.
AWAY: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
)


class Store:
    """One worker of central: a pool, an ear for the others, a search index of its own."""

    def __init__(self, directory: Path, url: str, clock: Clock | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.clock: Clock = clock or SystemClock()
        self.bell = Bell()
        self.again: Callable[[str], None] = lambda why: None
        self._types: Types = {}
        self._slot, number = _take_slot(directory)
        own = directory / f"worker-{number}"
        with connect(url) as raw:
            migrate(raw)
            self._types = columns(raw)
        self._pool = Pool(url, self._look_where)
        self._life(directory / "nonce" if number == 0 else None)
        self.catalog = Catalog(own)
        self._snapshots = SharedSnapshots(
            self.catalog.path, own / "snapshots", self.reader, self.run
        )
        self.follow()
        self._listener = Listener(url, self.bell)
        self._following = threading.Thread(target=self._keep_up, name="catalogue", daemon=True)
        self._stopping = threading.Event()
        self._following.start()

    @property
    def generation(self) -> str:
        """Central's generation at this moment."""
        with self.reader() as conn:
            return store_life.generation(conn)

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """One consistent view of central. Raises Lost."""
        with self._pool.transaction(READ) as raw:
            try:
                yield PostgresConnection(raw, self._types)
            except AWAY as error:
                raise Lost from error

    def run(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in a transaction; returns after COMMIT, raises what `work` raised.

        It is run again when it met another one. Raises Lost, also when the answer to COMMIT was
        lost and nobody knows whether it was kept.
        """
        for attempt in range(TRIES):
            try:
                return self._run(work)
            except MET as error:
                if isinstance(error, psycopg.errors.UniqueViolation) and attempt == TRIES - 1:
                    raise
                log.info("A work is done again: %s", type(error).__name__)
                self.again(type(error).__name__)
            except AWAY as error:
                log.warning("A work was not done: %s", type(error).__name__)
                raise Lost from error
        raise Unavailable("Too many ask for the same thing at once.", retry_after_s=1)

    def _run(self, work: Callable[[Tx], T]) -> T:
        with self._pool.transaction(WRITE) as raw:
            conn = PostgresConnection(raw, self._types)
            tx = PostgresTx(conn, self.clock.now())
            result = work(tx)
            store_feed.give_out(tx)
            _tell_others(tx)
            ended = raw.execute("COMMIT", prepare=False).statusmessage
            if ended != "COMMIT":
                raise RuntimeError(f"a transaction ended with {ended}: a work hid an error")
            # Whoever asks this worker next must not be answered from before it.
            self.bell.ring(tx.grown)
            return result

    def renew(self, lost: str) -> None:
        """Draw a new generation unless `lost` is no longer the current one."""
        self.run(lambda tx: store_life.renew(tx, lost))
        self.follow()

    def part(self, digest: str, offset: int) -> Part:
        """Return a part of the snapshot `digest` of the catalogue, or of the current one."""
        self.follow()
        return self._snapshots.part(digest, offset, stamp(self.clock.now() - FRESH))

    def follow(self) -> None:
        """Bring the search index to the end of the feed."""
        self.catalog.follow(self.reader)

    def alive(self) -> bool:
        """Do the threads run? A database that is away is no reason to end."""
        return self._following.is_alive() and self._listener.is_alive()

    def why_not_ready(self) -> str:
        """Say what is missing, "" when nothing is."""
        try:
            with self.reader() as conn:
                store_life.generation(conn)
        except Unavailable as error:
            return error.sentence
        return ""

    def close(self) -> None:
        """Let waiting readers go, close what is open."""
        self._stopping.set()
        self.bell.stop()
        self._listener.stop()
        self._following.join()
        self._pool.close()
        self.catalog.close()
        self._slot.__exit__(None, None, None)

    def _keep_up(self) -> None:
        while not self._stopping.is_set():
            rung = self.bell.at("replica")
            try:
                self.follow()
            except Unavailable:
                self._stopping.wait(1)
                continue
            if not self.bell.wait("replica", rung, 60):
                return

    def _look_where(self, raw: "psycopg.Connection[Any]") -> None:
        """Each new connection may lead to another server: a copy that took over is another life."""
        conn = PostgresConnection(raw, self._types)
        place = store_life.place(conn)
        if store_life.read(conn, "place") not in (None, place):
            raw.execute("BEGIN")
            tx = PostgresTx(conn, self.clock.now())
            store_life.moved(tx, place)
            _tell_others(tx)
            raw.execute("COMMIT")

    def _life(self, nonce_file: Path | None) -> None:
        if nonce_file is None:
            self.run(lambda tx: store_life.join(tx, None))
            return
        text = nonce_file.read_text() if nonce_file.exists() else secrets.token_hex(8)
        beside = store_life.Beside.read(text).starting()
        write_secret(nonce_file, str(beside))
        self.run(lambda tx: store_life.join(tx, beside))
        write_secret(nonce_file, str(beside.started()))


def _tell_others(tx: PostgresTx) -> None:
    if tx.grown:
        tx.conn.execute(
            f"SELECT pg_notify('{CHANNEL}', name) FROM unnest(?::text[]) AS name",
            (sorted(tx.grown),),
        )


def _take_slot(directory: Path) -> tuple[database.Lock, int]:
    """Take the first free number on this machine: the search index in its folder is reused."""
    for number in range(WORKERS_MOST):
        lock = database.Lock(directory / f"worker-{number}" / "lock")
        try:
            return lock.__enter__(), number
        except Refusal:
            continue
    raise Refusal(f"{WORKERS_MOST} workers run on {directory} already.", slug="locked")
