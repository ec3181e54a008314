"""A real writer on temporary files with the rooms that hold records of people."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from hub import database, journal, projections
from hub.catalog import tables as catalog
from hub.clock import FixedClock
from hub.customers import facts as customers_facts
from hub.customers import tables as customers
from hub.database import Database
from hub.events import Ring
from hub.journal import Journal
from hub.projections import Projections
from hub.staff import tables as staff
from hub.writer import Writer

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MIGRATIONS = (
    journal.MIGRATIONS,
    projections.MIGRATIONS,
    staff.MIGRATIONS,
    customers.MIGRATIONS,
)


class Office:
    """Staff, customers and the journal: nothing that sells."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.database = Database(directory / "hub.db", directory / "replica.db")
        database.create(self.database.replica, (catalog.REPLICA,)).close()
        self.connection = self.database.open_writer(MIGRATIONS)
        folds = Projections([customers.PROJECTION])
        self.journal = Journal(customers_facts.FACTS, folds)
        stale = folds.stale(self.connection)
        folds.refold(self.connection, stale, self.journal.facts(self.connection))
        self.journal.load(self.connection)
        self.clock = FixedClock(NOON)
        self.writer = Writer(
            self.connection, self.journal, self.clock, Ring(self.journal.head.seq), None
        )
        self.run = self.writer.run
        self.reader = self.database.reader

    def bytes_on_disk(self) -> bytes:
        """Everything that the data directory holds, logs and indexes too."""
        files = sorted(path for path in self.directory.rglob("*") if path.is_file())
        return b"\n".join(path.read_bytes() for path in files)


@contextmanager
def opened(directory: Path) -> Iterator[Office]:
    office = Office(directory)
    office.writer.start()
    try:
        yield office
    finally:
        office.writer.stop()
        office.database.close()
        office.connection.close()
