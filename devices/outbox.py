"""What a device has observed and the hub has not yet confirmed, on the device's own disk.

It must never let a business observation go before the hub's ack: when nothing more fits it says
so to whoever observes. Telemetry makes room, oldest first, and is counted.

    business    in one commit with fsync, together with all that others observe at that moment
    telemetry   in a commit that survives the process; fsync before it is sent, or with the next
    confirmed   gone without fsync: at worst it is sent again, and the hub knows it
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from devices.outbox_file import open_file
from devices.outbox_rows import Entry, Limits, Rows, Write
from hub.errors import Unavailable

__all__ = ["Entry", "Limits", "Outbox", "Waiting"]

# The longest that telemetry may lie in the system's memory while more of it comes (seconds).
SYNC_S: Final = 1.0

Beside = Callable[[sqlite3.Connection], None]


class Waiting(NamedTuple):
    """An observation to be sent; `body` is the JSON that is sent each time."""

    n: int
    id: str
    device: str
    kind: str
    body: bytes


@dataclass(slots=True)
class _Group:
    """What is kept together or not at all."""

    entries: Sequence[Entry]
    beside: Beside | None
    error: Exception | None = None
    done: bool = False


class Outbox:
    """One file for one process; any thread may call."""

    def __init__(self, path: Path, device: str = "", limits: Limits | None = None) -> None:
        self.fsyncs = 0
        self._lock = threading.Lock()
        self._entering = threading.Lock()
        self._groups: list[_Group] = []
        self._connection = open_file(path, device or path.stem)
        self._rows = Rows(self._connection, limits or Limits())
        # What an earlier life left may lie in the system's memory only.
        self._durable_n = 0
        self._synced_s = 0.0

    # --- keeping

    def append(
        self, device: str, kind: str, business: bool, at_ms: int | None, write: Write
    ) -> str:
        """Keep one observation and return its id; "" when telemetry found no room.

        Raises Unavailable when a business observation does not fit, or the disk takes nothing.
        """
        return self.keep([Entry(device, kind, business, at_ms, write)])[0]

    def keep(self, entries: Sequence[Entry], beside: Beside | None = None) -> list[str]:
        """Keep several, all or none, with one fsync; `beside` writes tables of its own with them.

        `seq` goes up by one over a device's life; an id also names this very file, so that a
        device set up anew never uses one again.
        """
        group = _Group(entries, beside)
        with self._entering:
            self._groups.append(group)
        with self._lock:
            # Whoever came first has written for all who waited behind the lock.
            if not group.done:
                self._write_entered()
        if group.error is not None:
            raise group.error
        return [one.id for one in entries]

    def _write_entered(self) -> None:
        with self._entering:
            groups, self._groups = self._groups, []
        business = any(one.business for group in groups for one in group.entries)
        durable = business or time.monotonic() - self._synced_s > SYNC_S
        try:
            with self._transaction(durable=durable):
                for group in groups:
                    self._write(group)
        except sqlite3.OperationalError as error:
            for group in groups:
                group.error = Unavailable(f"The outbox cannot be written: {error}.")
        finally:
            for group in groups:
                group.done = True

    def _write(self, group: _Group) -> None:
        connection = self._connection
        if len(group.entries) == 1 and group.beside is None:
            # Nothing of it can be half written.
            try:
                self._rows.write(group.entries[0])
            except Unavailable as full:
                group.error = full
            return
        before = self._rows.tally.copy()
        connection.execute("SAVEPOINT kept_together")
        try:
            for one in group.entries:
                self._rows.write(one)
            if group.beside is not None:
                group.beside(connection)
        except sqlite3.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 – the caller gets it
            # Whoever asked hears it; the others' observations are kept.
            connection.execute("ROLLBACK TO kept_together")
            self._rows.tally = before
            group.error = error
        connection.execute("RELEASE kept_together")

    # --- sending

    def after(self, n: int, most: int) -> list[Waiting]:
        """Return the observations that follow number `n`, oldest first. They are on the disk:
        an id that the hub has heard must not be given to another after a power cut.
        """
        with self._lock:
            rows = self._connection.execute(
                "SELECT n, id, device, kind, body FROM waiting WHERE n > ? ORDER BY n LIMIT ?",
                (n, most),
            ).fetchall()
            if rows and rows[-1][0] > self._durable_n:
                with self._transaction(durable=True):
                    self._connection.execute("UPDATE about SET dropped = dropped")
        return [Waiting(*row) for row in rows]

    def has_after(self, n: int) -> bool:
        """Does anything follow number `n`?"""
        if self._rows.tally.last_n <= n:
            return False
        with self._lock:
            found = self._connection.execute("SELECT 1 FROM waiting WHERE n > ? LIMIT 1", (n,))
            return found.fetchone() is not None

    def confirmed(self, numbers: Sequence[int]) -> None:
        """The hub has these: let them go."""
        with self._lock, self._transaction(durable=False):
            self._rows.remove(numbers)

    def stamp(self, boot: str, restamp: Callable[[bytes], tuple[bytes, int]]) -> None:
        """The time is known now: give one to what was observed in this boot without."""
        with self._lock, self._transaction(durable=True):
            rows = self._connection.execute(
                "SELECT n, body FROM waiting WHERE boot = ?", (boot,)
            ).fetchall()
            for n, body in rows:
                better, at_ms = restamp(body)
                self._connection.execute(
                    "UPDATE waiting SET body = ?, at_ms = ?, boot = NULL WHERE n = ?",
                    (better, at_ms, n),
                )
            # Of an earlier boot nobody knows more than before.
            self._connection.execute("UPDATE waiting SET boot = NULL WHERE boot IS NOT NULL")
            self._rows.recount()

    # --- telling

    def count(self) -> int:
        return self._rows.tally.rows

    @property
    def unstamped(self) -> int:
        return self._rows.tally.unstamped

    def dropped(self) -> int:
        """Return how much telemetry had to make room so far."""
        return self._rows.tally.dropped

    def hours_left(self) -> float:
        with self._lock:
            return self._rows.hours_left()

    def oldest(self) -> bytes | None:
        """Return the body of what waits longest."""
        with self._lock:
            row = self._connection.execute("SELECT body FROM waiting ORDER BY n LIMIT 1").fetchone()
        return None if row is None else bytes(row[0])

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    # --- commands

    def begin_command(self, key: str) -> str | None:
        """Note that a command begins; None when it is new, else how it ended (`in_doubt`: unknown).

        A print must not be made twice: what was begun and has no end is in doubt.
        """
        known, state = self.command_state(key)
        if known:
            return state or "in_doubt"
        self._note("INSERT OR IGNORE INTO command VALUES (?, NULL)", key)
        return None

    def end_command(self, key: str, state: str) -> None:
        self._note("UPDATE command SET state = ? WHERE key = ?", state, key)

    def command_state(self, key: str) -> tuple[bool, str | None]:
        """Return whether a command was begun, and how it ended (None: it has no end yet)."""
        with self._lock:
            row = self._connection.execute(
                "SELECT state FROM command WHERE key = ?", (key,)
            ).fetchone()
        return (False, None) if row is None else (True, row[0])

    def forget_command(self, key: str) -> None:
        """Nothing of it was done after all: it may begin again."""
        self._note("DELETE FROM command WHERE key = ?", key)

    def unfinished_commands(self) -> list[str]:
        """Return the keys of commands that were begun and have no end."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT key FROM command WHERE state IS NULL"
            ).fetchall()
        return [key for (key,) in rows]

    def _note(self, statement: str, *values: str) -> None:
        with self._lock, self._transaction(durable=True):
            self._connection.execute(statement, values)

    # --- one commit

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[None]:
        connection = self._connection
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            # What the attempt counted is read from the file again.
            self._rows.recount()
            raise
        if durable:
            self.fsyncs += 1
            self._durable_n, self._synced_s = self._rows.tally.last_n, time.monotonic()
