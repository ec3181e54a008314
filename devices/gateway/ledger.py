"""What a gateway has to remember across a kill: in the outbox's own file and its own commits.

It must never know less than the outbox holds: both are written in one transaction, so what the
broker delivers again is known to have been counted, or is counted now.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from devices.gateway.served import Served

# What a family taught stands among the states, under a name that no device can have.
LEARNED: Final = "~"
# More than a broker has in flight to one client (mosquitto here: 2,000).
HANDLED_MOST: Final = 8_192

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS foreign_handled (n INTEGER PRIMARY KEY, marks BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS foreign_state (device TEXT NOT NULL, name TEXT NOT NULL,"
    " value BLOB NOT NULL, PRIMARY KEY (device, name)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS foreign_served (only_one INTEGER PRIMARY KEY, served BLOB)",
)

# A delivery: the broker's message id and a digest of topic and payload.
Mark = tuple[int, bytes]
State = tuple[str, str]


class Changes(msgspec.Struct):
    """What one commit adds: deliveries that are counted now, and states that are new."""

    marks: list[Mark] = []
    states: dict[State, bytes] = {}


class Ledger:
    """In memory what the file holds; `open`, `write` and `forget` run inside its transaction."""

    def __init__(self) -> None:
        self.states: dict[State, bytes] = {}
        self.served: tuple[Served, ...] = ()
        self._handled: dict[int, bytes] = {}
        self._pages: list[tuple[int, int]] = []
        self._next = 1

    def handled(self, mark: Mark) -> bool:
        """Was this delivery, which the broker says it makes again, counted before?"""
        return self._handled.get(mark[0]) == mark[1]

    # --- inside a transaction of the outbox

    def open(self, connection: sqlite3.Connection) -> None:
        """Make the tables and read them."""
        for table in _TABLES:
            connection.execute(table)
        rows = connection.execute("SELECT device, name, value FROM foreign_state")
        self.states = {(device, name): bytes(value) for device, name, value in rows}
        for n, marks in connection.execute("SELECT n, marks FROM foreign_handled ORDER BY n"):
            several = msgspec.msgpack.decode(marks, type=list[Mark])
            self._handled.update(several)
            self._pages.append((n, len(several)))
            self._next = n + 1
        for (served,) in connection.execute("SELECT served FROM foreign_served"):
            self.served = msgspec.json.decode(served, type=tuple[Served, ...])

    def write(self, connection: sqlite3.Connection, changes: Changes) -> None:
        if changes.marks:
            connection.execute(
                "INSERT INTO foreign_handled VALUES (?, ?)",
                (self._next, msgspec.msgpack.encode(changes.marks)),
            )
            connection.execute("DELETE FROM foreign_handled WHERE n <= ?", (self._old(),))
        for (device, name), value in changes.states.items():
            connection.execute(
                "INSERT INTO foreign_state VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET value = excluded.value",
                (device, name, value),
            )

    def forget_handled(self, connection: sqlite3.Connection) -> None:
        """The broker has a new session: its message ids begin again."""
        connection.execute("DELETE FROM foreign_handled")

    def keep_served(self, connection: sqlite3.Connection, served: Sequence[Served]) -> None:
        """Keep whom the hub named, so that a start without the hub knows; forget gone states."""
        connection.execute(
            "INSERT INTO foreign_served VALUES (1, ?)"
            " ON CONFLICT DO UPDATE SET served = excluded.served",
            (msgspec.json.encode(served),),
        )
        kept = {one.device for one in served}
        for device in {device for device, _ in self.states if not _is_of(device, kept)}:
            connection.execute("DELETE FROM foreign_state WHERE device = ?", (device,))

    # --- after the commit

    def written(self, changes: Changes) -> None:
        self.states.update(changes.states)
        if changes.marks:
            self._handled.update(changes.marks)
            old = self._old()
            self._pages = [page for page in self._pages if page[0] > old]
            self._pages.append((self._next, len(changes.marks)))
            self._next += 1

    def forgotten(self) -> None:
        self._handled.clear()
        self._pages.clear()

    def served_kept(self, served: Sequence[Served]) -> None:
        self.served = tuple(served)
        kept = {one.device for one in served}
        self.states = {key: one for key, one in self.states.items() if _is_of(key[0], kept)}

    def _old(self) -> int:
        """Return the newest page that the broker cannot have in flight any more."""
        count = 0
        for n, size in reversed(self._pages):
            count += size
            if count > HANDLED_MOST:
                return n
        return 0


def _is_of(owner: str, kept: set[str]) -> bool:
    return owner in kept or owner.startswith(LEARNED)
