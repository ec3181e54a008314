"""Central's one writer on SQLite: works that wait share one fsync; answers come after it.

It must never let a second thread write central.db, and never resolve a future before COMMIT.
"""

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from hub.clock import Clock
from hub.database import truncate_wal
from hub.errors import Unavailable

from . import store_feed
from .store_port import Tx

T = TypeVar("T")
GROUP: Final = 64
RETRY_CLEAN_S: Final = 0.5

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Job:
    work: Callable[[Tx], Any]
    future: Future[Any]
    result: Any = None
    error: Exception | None = None


class Writer:
    """Runs each work in a savepoint of the group's `BEGIN IMMEDIATE` (WAL, FULL)."""

    def __init__(
        self, connection: sqlite3.Connection, clock: Clock, committed: Callable[[set[str]], None]
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._committed = committed
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._wal_to_clean = False
        self._thread = threading.Thread(target=self._run, name="central-writer", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[Tx], T]) -> T:
        """Run `work` and return its result once it is on disk; what it raises is raised here."""
        job = _Job(work, Future())
        with self._wake:
            if self._stopping:
                raise Unavailable("Central is stopping.")
            self._jobs.append(job)
            self._wake.notify()
        result: T = job.future.result()
        return result

    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Commit what was handed in, then end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while (group := self._next_group()) is not None:
                if group:
                    self._commit(group)
                self._clean_wal()
        finally:
            # Nobody may wait for a writer that is gone; the server sees it and ends.
            with self._wake:
                self._stopping = True
                waiting = list(self._jobs)
            for job in waiting:
                job.future.set_exception(Unavailable("Central is stopping."))

    def _next_group(self) -> list[_Job] | None:
        with self._wake:
            if not self._jobs and not self._stopping:
                self._wake.wait(RETRY_CLEAN_S if self._wal_to_clean else None)
            if not self._jobs and self._stopping:
                return None
            return [self._jobs.popleft() for _ in range(min(GROUP, len(self._jobs)))]

    def _clean_wal(self) -> None:
        # What was erased must not stay in the log; a reader may be in the way for a moment.
        if self._wal_to_clean:
            self._wal_to_clean = not truncate_wal(self._connection)

    def _commit(self, group: list[_Job]) -> None:
        try:
            grown, clean = self._perform(group)
        except sqlite3.Error as error:
            # Disk full or an I/O error: nothing of this group is on disk, and each is told so.
            log.error("Central could not write: %s", error)
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for job in group:
                job.future.set_exception(
                    Unavailable("Central cannot write at the moment.", retry_after_s=5)
                )
            return
        self._wal_to_clean = self._wal_to_clean or clean
        self._clean_wal()
        self._committed(grown)
        for job in group:
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)

    def _perform(self, group: list[_Job]) -> tuple[set[str], bool]:
        grown: set[str] = set()
        clean = False
        self._connection.execute("BEGIN IMMEDIATE")
        for job in group:
            tx = Tx(self._connection, self._clock.now())
            self._connection.execute("SAVEPOINT work")
            try:
                job.result = job.work(tx)
                store_feed.give_out(tx)
            except sqlite3.OperationalError:
                raise
            except Exception as error:  # noqa: BLE001  carried to the caller by its future
                self._connection.execute("ROLLBACK TO work")
                job.error = error
            else:
                grown |= tx.grown
                clean = clean or tx.wants_clean_wal
            self._connection.execute("RELEASE work")
        self._connection.execute("COMMIT")
        return grown, clean
