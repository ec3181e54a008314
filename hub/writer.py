"""The one writer: runs each action whole in a savepoint, and answers only after the commit.

It must never let a second thread write hub.db, and never resolve a future before fsync returned.

Works that wait are committed together; while one group is being written the next one gathers,
so fsync itself sets the size of a group and nobody lingers for company.
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
from hub.database import Ballast, is_full, truncate_wal
from hub.errors import HubError, Unavailable
from hub.events import Ring
from hub.journal import Journal, Transaction

T = TypeVar("T")
Work = Callable[[Transaction], T]

log = logging.getLogger(__name__)

# Commands that share one fsync. More only adds to the wait of the first.
GROUP: Final = 500
# An idle writer looks this often whether it can shorten the WAL (seconds).
IDLE_S: Final = 1.0


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    future: Future[Any]
    result: Any = None
    error: Exception | None = None


class Writer:
    """Takes works from any thread. Commands go first; at most one bulk job joins a group."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        journal: Journal,
        clock: Clock,
        ring: Ring,
        ballast: Ballast | None = None,
    ) -> None:
        self._connection = connection
        self._journal = journal
        self._clock = clock
        self._ring = ring
        self._ballast = ballast
        self._has_room = True
        self._commands: deque[_Job] = deque()
        self._bulk: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._closed = ""
        self._wal_to_clean = False
        self._wal_grown = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.failure: BaseException | None = None

    @property
    def has_room(self) -> bool:
        return self._has_room

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Commit what was submitted, then end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def close_doors(self, sentence: str) -> None:
        """From now on take in nothing but sync's own works: the others hear `sentence`."""
        self._closed = sentence

    def submit_sync(self, work: Work[T]) -> Future[T]:
        """Submit a work of sync's, which goes on behind closed doors."""
        return self._submit(work, self._commands, "")

    def submit(self, work: Work[T], *, bulk: bool = False) -> Future[T]:
        """Run `work` on the writer. The future holds its result after COMMIT.

        A HubError that `work` raises undoes this work alone and is the future's exception; so is
        any other exception, which is a bug of `work`. Unavailable: nothing was written.
        """
        return self._submit(work, self._bulk if bulk else self._commands, self._closed)

    def _submit(self, work: Work[T], queue: deque[_Job], closed: str) -> Future[T]:
        job = _Job(work, Future())
        with self._wake:
            if self._stopping or closed:
                job.future.set_exception(Unavailable(closed or "The hub is stopping."))
                return job.future
            queue.append(job)
            self._wake.notify()
        return job.future

    def run(self, work: Work[T]) -> T:
        """Submit `work` and wait for its commit."""
        return self.submit(work).result()

    def make_room(self) -> bool:
        """Take the ballast again where the disk allows; return whether new promises may be made."""
        if self._ballast is not None:
            self._has_room = self._ballast.hold()
        return self._has_room

    def _run(self) -> None:
        group: list[_Job] | None = []
        try:
            while (group := self._next_group()) is not None:
                if group:
                    self._commit(group)
                else:
                    self._tidy()
        except BaseException as error:
            # The process must not live on without its writer; the app watches `failure`.
            self.failure = error
            log.critical("The writer stopped: %s", error, exc_info=True)
            self._abandon(group or [])

    def _next_group(self) -> list[_Job] | None:
        with self._wake:
            if not self._commands and not self._bulk and not self._stopping:
                idle = self._wal_grown or self._wal_to_clean
                self._wake.wait(IDLE_S if idle else None)
            group = [self._commands.popleft() for _ in range(min(GROUP, len(self._commands)))]
            if self._bulk:
                group.append(self._bulk.popleft())
            return None if not group and self._stopping else group

    def _commit(self, group: list[_Job]) -> None:
        try:
            topics, clean, rebased = self._perform(group)
        except sqlite3.OperationalError as error:
            if not is_full(error):
                raise
            if not self._give_up_ballast():
                self._refuse(group, error)
                return
            try:
                topics, clean, rebased = self._perform(group)
            except sqlite3.OperationalError as again:
                if not is_full(again):
                    raise
                self._refuse(group, again)
                return
        self._wal_grown = True
        self._wal_to_clean = self._wal_to_clean or clean
        if self._wal_to_clean:
            self._wal_to_clean = not truncate_wal(self._connection)
        before, after = self._ring.seq, self._journal.head.seq
        if rebased:
            self._ring.renew(after)
        elif topics or after != before:
            self._ring.publish(after, after != before, tuple(topics))
        for job in group:
            _resolve(job)

    def _perform(self, group: list[_Job]) -> tuple[dict[str, None], bool, bool]:
        connection, journal = self._connection, self._journal
        topics: dict[str, None] = {}
        clean = rebased = False
        start = journal.mark()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for job in group:
                if job.future.cancelled():
                    continue
                transaction = Transaction(connection, journal, self._clock, self._has_room)
                mark = journal.mark()
                connection.execute("SAVEPOINT work")
                try:
                    job.result, job.error = job.work(transaction), None
                except Exception as error:
                    if isinstance(error, sqlite3.OperationalError) and is_full(error):
                        raise
                    connection.execute("ROLLBACK TO work")
                    journal.reset(mark)
                    job.error = error
                else:
                    topics.update(dict.fromkeys(transaction.topics))
                    clean = clean or transaction.wants_clean_wal
                    rebased = rebased or transaction.rebased
                connection.execute("RELEASE work")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            journal.reset(start)
            raise
        return topics, clean, rebased

    def _give_up_ballast(self) -> bool:
        if self._ballast is None:
            return False
        # Room may have been short for a while: the ballast is there until it is given up.
        self._has_room = False
        given = self._ballast.release()
        if given:
            log.error("The disk is full. The ballast is given up; new promises are refused.")
        return given

    def _refuse(self, group: list[_Job], error: sqlite3.OperationalError) -> None:
        log.error("Nothing could be written: %s", error)
        for job in group:
            job.error = Unavailable("The disk of the hub is full.", retry_after_s=5)
            _resolve(job)

    def _tidy(self) -> None:
        """Nothing to write: shorten the WAL unless a reader is in the way."""
        if truncate_wal(self._connection):
            self._wal_grown = self._wal_to_clean = False

    def _abandon(self, group: list[_Job]) -> None:
        with self._wake:
            self._stopping = True
            waiting = [*group, *self._commands, *self._bulk]
        for job in waiting:
            job.error = Unavailable("The hub is stopping.")
            _resolve(job)


def _resolve(job: _Job) -> None:
    if job.future.done() or not job.future.set_running_or_notify_cancel():
        return
    if job.error is not None:
        if not isinstance(job.error, HubError):
            log.error("A work failed and was undone: %r", job.error, exc_info=job.error)
        job.future.set_exception(job.error)
    else:
        job.future.set_result(job.result)
