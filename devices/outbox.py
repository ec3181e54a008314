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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from devices.outbox_file import open_file
from hub.errors import Unavailable

MIB: Final = 1024 * 1024
HOUR_MS: Final = 3_600_000
# What a row takes beside its body, about.
ROW_BYTES: Final = 100
# The longest that telemetry may lie in the system's memory before an fsync (seconds).
SYNC_S: Final = 1.0
# How often appending looks for telemetry that is too old.
_EVERY: Final = 256
_PIECE: Final = 256
_HOURS: Final = 24
_LONGEST_H: Final = 9_999.0


@dataclass(frozen=True)
class Limits:
    """How much may wait. Telemetry goes when it is older, more, or in the way; business never."""

    size: int = 256 * MIB
    telemetry_ms: int = 3 * 24 * HOUR_MS
    telemetry_most: int = 100_000


class Waiting(NamedTuple):
    """An observation to be sent; `body` is the JSON that is sent each time."""

    n: int
    id: str
    device: str
    kind: str
    body: bytes


Write = Callable[[str, int], bytes]


@dataclass(slots=True)
class Entry:
    """One observation on its way to the disk. `write(id, seq)` makes its body."""

    device: str
    kind: str
    business: bool
    at_ms: int | None
    write: Write
    boot: str | None = None  # of an observation whose time nobody knew
    id: str = ""
    error: Unavailable | None = None
    done: bool = False


@dataclass(slots=True)
class _Tally:
    """What the file holds, so that nobody has to count."""

    last_n: int = 0
    rows: int = 0
    telemetry: int = 0
    unstamped: int = 0
    size: int = 0
    business: int = 0
    dropped: int = 0


@dataclass(slots=True)
class _Changes:
    """What one commit changes beside the rows."""

    numbers: dict[str, int] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)


class Outbox:
    """One file for one process; any thread may call."""

    def __init__(self, path: Path, device: str = "", limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.fsyncs = 0
        self._lock = threading.Lock()
        self._entering = threading.Lock()
        self._entries: list[Entry] = []
        self._connection = open_file(path, device or path.stem)
        ask = self._connection.execute
        (self._origin, dropped) = ask("SELECT origin, dropped FROM about").fetchone()
        (last,) = ask("SELECT max(seq) FROM sqlite_sequence").fetchone()
        self._tally = _Tally(last_n=last or 0, dropped=dropped)
        self._count_all()
        self._numbers: dict[str, int] = dict(ask("SELECT device, seq FROM number"))
        self._hours: dict[int, int] = dict(ask("SELECT hour, bytes FROM hour"))
        # What an earlier life left may lie in the system's memory only.
        self._durable_n = 0
        self._synced_s = 0.0

    def _count_all(self) -> None:
        row = self._connection.execute(
            "SELECT count(*), count(boot), coalesce(sum(NOT business), 0),"
            f" coalesce(sum(length(body) + {ROW_BYTES}), 0),"
            f" coalesce(sum(business * (length(body) + {ROW_BYTES})), 0) FROM waiting"
        ).fetchone()
        tally = self._tally
        tally.rows, tally.unstamped, tally.telemetry, tally.size, tally.business = row

    # --- keeping

    def append(
        self, device: str, kind: str, business: bool, at_ms: int | None, write: Write
    ) -> str:
        """Keep one observation and return its id; "" when telemetry found no room.

        Raises Unavailable when a business observation does not fit, or the disk takes nothing.
        """
        return self.keep([Entry(device, kind, business, at_ms, write)])[0]

    def keep(self, entries: Sequence[Entry]) -> list[str]:
        """Keep several in one commit. `seq` goes up by one over a device's life; an id also names
        this very file, so that a device set up anew never uses one again.
        """
        with self._entering:
            self._entries += entries
        with self._lock:
            # Whoever came first has written for all who waited behind the lock.
            if not all(one.done for one in entries):
                self._write_entered()
        for one in entries:
            if one.error is not None:
                raise one.error
        return [one.id for one in entries]

    def _write_entered(self) -> None:
        with self._entering:
            entries, self._entries = self._entries, []
        now_s = time.monotonic()
        business = any(one.business for one in entries)
        durable = business or now_s - self._synced_s > SYNC_S
        try:
            with self._transaction(durable=durable):
                changes = _Changes()
                for one in entries:
                    self._write(one, changes)
                self._note(changes)
        except sqlite3.OperationalError as error:
            for one in entries:
                one.id, one.error = "", Unavailable(f"The outbox cannot be written: {error}.")
        finally:
            for one in entries:
                one.done = True

    def _write(self, one: Entry, changes: _Changes) -> None:
        tally = self._tally
        seq = changes.numbers.get(one.device, self._numbers.get(one.device, 0)) + 1
        n = tally.last_n + 1
        name = f"{self._origin}-{n}"
        body = one.write(name, seq)
        size = len(body) + ROW_BYTES
        if n % _EVERY == 0 and one.at_ms is not None:
            self._expire(one.at_ms)
        if not self._room(size, one):
            return
        self._connection.execute(
            "INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (n, name, one.device, one.kind, body, one.business, one.at_ms, one.boot),
        )
        one.id = name
        tally.last_n, tally.rows, tally.size = n, tally.rows + 1, tally.size + size
        tally.telemetry += not one.business
        tally.unstamped += one.boot is not None
        changes.numbers[one.device] = seq
        if one.business:
            tally.business += size
            if one.at_ms is not None:
                hour = one.at_ms // HOUR_MS
                changes.hours[hour] = changes.hours.get(hour, 0) + size

    def _note(self, changes: _Changes) -> None:
        connection = self._connection
        connection.executemany(
            "INSERT INTO number VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq",
            changes.numbers.items(),
        )
        for hour, size in changes.hours.items():
            if hour not in self._hours:
                connection.execute("DELETE FROM hour WHERE hour <= ?", (hour - _HOURS,))
            connection.execute(
                "INSERT INTO hour VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = bytes + ?",
                (hour, size, size),
            )
        self._numbers.update(changes.numbers)
        for hour, size in changes.hours.items():
            self._hours[hour] = self._hours.get(hour, 0) + size

    # --- making room

    def _room(self, size: int, one: Entry) -> bool:
        """Make room for `size` bytes; else tell the entry, whose kind decides what that means."""
        tally, limits = self._tally, self.limits
        over = tally.size + size - limits.size
        if over > 0 and not self._drop(over):
            if one.business:
                one.error = Unavailable(
                    f"The outbox is full: {tally.rows} observations wait for the hub.",
                    retry_after_s=30,
                )
            else:
                self._dropped(1)
            return False
        if not one.business and tally.telemetry >= limits.telemetry_most:
            self._drop(1)
        return True

    def _drop(self, size: int) -> bool:
        """Let the oldest telemetry go until `size` bytes are free; False: too little is left."""
        while size > 0:
            rows = self._connection.execute(
                "SELECT n, length(body) FROM waiting WHERE NOT business ORDER BY n LIMIT ?",
                (min(_PIECE, 1 + size // ROW_BYTES),),
            ).fetchall()
            if not rows:
                return False
            size -= sum(length + ROW_BYTES for _, length in rows)
            self._remove([n for n, _ in rows])
            self._dropped(len(rows))
        return True

    def _expire(self, now_ms: int) -> None:
        before = now_ms - self.limits.telemetry_ms
        while True:
            rows = self._connection.execute(
                "SELECT n, at_ms < ? FROM waiting WHERE NOT business ORDER BY n LIMIT ?",
                (before, _PIECE),
            ).fetchall()
            old = [n for n, is_old in rows if is_old]
            self._remove(old)
            self._dropped(len(old))
            if len(old) < _PIECE:
                return

    def _dropped(self, count: int) -> None:
        if count:
            self._tally.dropped += count
            self._connection.execute("UPDATE about SET dropped = ?", (self._tally.dropped,))

    def _remove(self, numbers: Sequence[int]) -> None:
        tally = self._tally
        for n in numbers:
            row = self._connection.execute(
                "DELETE FROM waiting WHERE n = ? RETURNING length(body), business, boot", (n,)
            ).fetchone()
            if row is None:
                continue
            size = row[0] + ROW_BYTES
            tally.rows, tally.size = tally.rows - 1, tally.size - size
            tally.business -= size if row[1] else 0
            tally.telemetry -= not row[1]
            tally.unstamped -= row[2] is not None

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
        if self._tally.last_n <= n:
            return False
        with self._lock:
            found = self._connection.execute("SELECT 1 FROM waiting WHERE n > ? LIMIT 1", (n,))
            return found.fetchone() is not None

    def confirmed(self, numbers: Sequence[int]) -> None:
        """The hub has these: let them go."""
        with self._lock, self._transaction(durable=False):
            self._remove(numbers)

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
            self._count_all()

    # --- telling

    def count(self) -> int:
        return self._tally.rows

    @property
    def unstamped(self) -> int:
        return self._tally.unstamped

    def dropped(self) -> int:
        """Return how much telemetry had to make room so far."""
        return self._tally.dropped

    def oldest(self) -> bytes | None:
        """Return the body of what waits longest."""
        with self._lock:
            row = self._connection.execute("SELECT body FROM waiting ORDER BY n LIMIT 1").fetchone()
        return None if row is None else bytes(row[0])

    def hours_left(self) -> float:
        """Return for how many hours without the hub no business observation would be refused,
        if each were as busy as the busiest of the last day.
        """
        if not self._hours:
            return _LONGEST_H
        newest = max(self._hours)
        busiest = max(size for hour, size in self._hours.items() if hour > newest - _HOURS)
        room = max(0, self.limits.size - self._tally.business)
        return min(_LONGEST_H, round(room / busiest, 1))

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    # --- commands

    def begin_command(self, key: str) -> str | None:
        """Note that a command begins; None when it is new, else how it ended (`in_doubt`: unknown).

        A print must not be made twice: what was begun and has no end is in doubt.
        """
        with self._lock, self._transaction(durable=True):
            row = self._connection.execute(
                "SELECT state FROM command WHERE key = ?", (key,)
            ).fetchone()
            if row is None:
                self._connection.execute("INSERT INTO command VALUES (?, NULL)", (key,))
                return None
            return str(row[0] or "in_doubt")

    def end_command(self, key: str, state: str) -> None:
        with self._lock, self._transaction(durable=True):
            self._connection.execute("UPDATE command SET state = ? WHERE key = ?", (state, key))

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
            self._recount()
            raise
        if durable:
            self.fsyncs += 1
            self._durable_n, self._synced_s = self._tally.last_n, time.monotonic()

    def _recount(self) -> None:
        """What an attempt counted that was undone is read from the file again."""
        ask = self._connection.execute
        (last,) = ask("SELECT max(seq) FROM sqlite_sequence").fetchone()
        (dropped,) = ask("SELECT dropped FROM about").fetchone()
        self._tally.last_n, self._tally.dropped = last or 0, dropped
        self._count_all()
        self._numbers = dict(ask("SELECT device, seq FROM number"))
        self._hours = dict(ask("SELECT hour, bytes FROM hour"))
