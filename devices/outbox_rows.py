"""The rows of the outbox's file and what they add up to: written, dropped, counted.

It must never drop a business row, and never commit: that is for `devices.outbox` to do.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hub.errors import Unavailable

MIB: Final = 1024 * 1024
HOUR_MS: Final = 3_600_000
# What a row takes beside its body, about.
ROW_BYTES: Final = 100
HOURS: Final = 24
# Ids that somebody else gave are remembered so long, and so many.
GIVEN_S: Final = 7 * 86_400
GIVEN_MOST: Final = 200_000
# How often writing looks for what is too old.
_EVERY: Final = 256
_PIECE: Final = 256
_LONGEST_H: Final = 9_999.0

Write = Callable[[str, int], bytes]


@dataclass(frozen=True)
class Limits:
    """How much may wait. Telemetry goes when it is older, more, or in the way; business never."""

    size: int = 256 * MIB
    telemetry_ms: int = 3 * 24 * HOUR_MS
    telemetry_most: int = 100_000


@dataclass(slots=True)
class Entry:
    """One observation on its way to the disk. `write(id, seq)` makes its body."""

    device: str
    kind: str
    business: bool
    at_ms: int | None
    write: Write
    boot: str | None = None  # of an observation whose time nobody knew
    given: str | None = None  # an id by which whoever sent it may send it again
    id: str = ""


@dataclass
class Tally:
    """What the file holds, so that nobody has to count; as true as its last commit."""

    last_n: int = 0
    rows: int = 0
    telemetry: int = 0
    unstamped: int = 0
    size: int = 0
    business: int = 0
    dropped: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)

    def copy(self) -> "Tally":
        return replace(self, numbers=dict(self.numbers), hours=dict(self.hours))


class Rows:
    """Every call runs inside a transaction of the caller's."""

    def __init__(self, connection: sqlite3.Connection, limits: Limits) -> None:
        self.limits = limits
        self._connection = connection
        (self._origin,) = connection.execute("SELECT origin FROM about").fetchone()
        self.tally = Tally()
        self.recount()

    def recount(self) -> None:
        """Read everything from the file."""
        ask = self._connection.execute
        (last,) = ask("SELECT max(seq) FROM sqlite_sequence").fetchone()
        (dropped,) = ask("SELECT dropped FROM about").fetchone()
        rows, unstamped, telemetry, size, business = ask(
            "SELECT count(*), count(boot), coalesce(sum(NOT business), 0),"
            f" coalesce(sum(length(body) + {ROW_BYTES}), 0),"
            f" coalesce(sum(business * (length(body) + {ROW_BYTES})), 0) FROM waiting"
        ).fetchone()
        self.tally = Tally(
            last or 0,
            rows,
            telemetry,
            unstamped,
            size,
            business,
            dropped,
            dict(ask("SELECT device, seq FROM number")),
            dict(ask("SELECT hour, bytes FROM hour")),
        )

    def write(self, one: Entry) -> None:
        """Write one entry and name it. Raises Unavailable when it is business and does not fit."""
        if one.given is not None and not self._new(one.device, one.given):
            one.id = one.given
            return
        tally = self.tally
        seq = tally.numbers.get(one.device, 0) + 1
        n = tally.last_n + 1
        name = one.given or f"{self._origin}-{n}"
        body = one.write(name, seq)
        if n % _EVERY == 0:
            self._forget_given()
            if one.at_ms is not None:
                self._expire(one.at_ms)
        size = len(body) + ROW_BYTES
        if not self._room(size, one.business):
            return
        self._connection.execute(
            "INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (n, name, one.device, one.kind, body, one.business, one.at_ms, one.boot),
        )
        self._number(one.device, seq)
        one.id = name
        tally.last_n, tally.rows, tally.size = n, tally.rows + 1, tally.size + size
        tally.telemetry += not one.business
        tally.unstamped += one.boot is not None
        if one.business:
            tally.business += size
            if one.at_ms is not None:
                self._fill(one.at_ms // HOUR_MS, size)

    def _number(self, device: str, seq: int) -> None:
        self.tally.numbers[device] = seq
        self._connection.execute(
            "INSERT INTO number VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq",
            (device, seq),
        )

    def _fill(self, hour: int, size: int) -> None:
        hours = self.tally.hours
        if hour not in hours:
            self._connection.execute("DELETE FROM hour WHERE hour <= ?", (hour - HOURS,))
            for old in [one for one in hours if one <= hour - HOURS]:
                del hours[old]
        hours[hour] = hours.get(hour, 0) + size
        self._connection.execute("INSERT OR REPLACE INTO hour VALUES (?, ?)", (hour, hours[hour]))

    def _new(self, device: str, given: str) -> bool:
        """Remember an id that was given; False when it was given before."""
        cursor = self._connection.execute(
            "INSERT OR IGNORE INTO given (device, id, at_s) VALUES (?, ?, ?)",
            (device, given, int(time.time())),
        )
        return cursor.rowcount == 1

    def _forget_given(self) -> None:
        self._connection.execute(
            "DELETE FROM given WHERE at_s < ? OR n <= (SELECT max(n) FROM given) - ?",
            (int(time.time()) - GIVEN_S, GIVEN_MOST),
        )

    # --- making room

    def _room(self, size: int, business: bool) -> bool:
        """Make room for `size` bytes of business; telemetry without room is counted."""
        tally, limits = self.tally, self.limits
        over = tally.size + size - limits.size
        if over > 0 and not self._drop(over):
            if business:
                raise Unavailable(
                    f"The outbox is full: {tally.rows} observations wait for the hub.",
                    retry_after_s=30,
                )
            self._dropped(1)
            return False
        if not business and tally.telemetry >= limits.telemetry_most:
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
            going = []
            for n, length in rows:
                if size <= 0:
                    break
                going.append(n)
                size -= length + ROW_BYTES
            self.remove(going)
            self._dropped(len(going))
        return True

    def _expire(self, now_ms: int) -> None:
        before = now_ms - self.limits.telemetry_ms
        while True:
            rows = self._connection.execute(
                "SELECT n, at_ms < ? FROM waiting WHERE NOT business ORDER BY n LIMIT ?",
                (before, _PIECE),
            ).fetchall()
            old = [n for n, is_old in rows if is_old]
            self.remove(old)
            self._dropped(len(old))
            if len(old) < _PIECE:
                return

    def _dropped(self, count: int) -> None:
        if count:
            self.tally.dropped += count
            self._connection.execute("UPDATE about SET dropped = ?", (self.tally.dropped,))

    def remove(self, numbers: Sequence[int]) -> None:
        tally = self.tally
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

    def hours_left(self) -> float:
        """Return for how many hours without the hub no business observation would be refused,
        if each were as busy as the busiest of the last day.
        """
        tally = self.tally
        if not tally.hours:
            return _LONGEST_H
        busiest = max(tally.hours.values())
        room = max(0, self.limits.size - tally.business)
        return min(_LONGEST_H, round(room / busiest, 1))
