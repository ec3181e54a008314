"""A small room and a real writer on a temporary file, for the kernel's own tests."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hub import commands, database, journal, projections
from hub.chain import Entry
from hub.clock import FixedClock
from hub.database import Ballast, Database
from hub.events import Ring
from hub.journal import Journal
from hub.projections import Projection, Projections
from hub.writer import Writer

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Counted(msgspec.Struct, frozen=True):
    what: str
    by: int

    def topics(self) -> tuple[str, ...]:
        return (f"count:{self.what}",)


def count(connection: sqlite3.Connection, entry: Entry, fact: Counted) -> None:
    connection.execute(
        "INSERT INTO tally VALUES (?, ?) ON CONFLICT (what) DO UPDATE SET total = total + ?",
        (fact.what, fact.by, fact.by),
    )


TALLY = Projection(
    room="tally",
    schema="CREATE TABLE tally (what TEXT PRIMARY KEY, total INTEGER NOT NULL)",
    apply={Counted: count},
)
TYPES = {("Counted", 1): Counted}
MIGRATIONS = (journal.MIGRATIONS, projections.MIGRATIONS, commands.MIGRATIONS)


class Kernel:
    """The spine without its rooms."""

    def __init__(self, directory: Path, ballast: int = 0, low: int = 0) -> None:
        self.database = Database(directory / "hub.db", directory / "replica.db")
        database.create(self.database.replica, ()).close()
        self.connection = self.database.open_writer(MIGRATIONS)
        folds = Projections([TALLY])
        self.journal = Journal(TYPES, folds)
        if folds.stale(self.connection):
            folds.refold(self.connection, ["tally"], self.journal.facts(self.connection))
        self.journal.load(self.connection)
        self.clock = FixedClock(NOON)
        self.ring = Ring(self.journal.head.seq)
        guard = Ballast(directory / "ballast", ballast, low) if ballast else None
        self.writer = Writer(self.connection, self.journal, self.clock, self.ring, guard)

    def total(self, what: str) -> int:
        with self.database.reader() as reader:
            row = reader.execute("SELECT total FROM tally WHERE what = ?", (what,)).fetchone()
        return 0 if row is None else int(row[0])


@contextmanager
def running(directory: Path, ballast: int = 0, low: int = 0) -> Iterator[Kernel]:
    kernel = Kernel(directory, ballast, low)
    kernel.writer.start()
    try:
        yield kernel
    finally:
        kernel.writer.stop()
        kernel.database.close()
        kernel.connection.close()
