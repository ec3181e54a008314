"""Opens one store's files with all its rooms; it must never start a thread but the writer.

Here, and nowhere else, stands which rooms there are: their facts, tables and migrations.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlite_utils.migrations import Migrations

from hub import commands, database, ingest, journal, outbox, projections, quarantine, scans
from hub.aisle import facts as aisle_facts
from hub.aisle import tables as aisle
from hub.catalog import tables as catalog
from hub.clock import Clock, SystemClock
from hub.customers import facts as customers_facts
from hub.customers import tables as customers
from hub.database import Ballast, Database, Lock, TableClass
from hub.events import Ring
from hub.experience import facts as experience_facts
from hub.experience import tables as experience
from hub.fleet import actions as fleet_actions
from hub.fleet import facts as fleet_facts
from hub.fleet import tables as fleet
from hub.house import facts as house_facts
from hub.house import tables as house
from hub.journal import Journal
from hub.pickup import facts as pickup_facts
from hub.pickup import tables as pickup
from hub.printing import tables as printing
from hub.projections import Projection, Projections
from hub.returns import facts as returns_facts
from hub.returns import tables as returns
from hub.settings import Settings
from hub.shelf import facts as shelf_facts
from hub.shelf import tables as shelf
from hub.staff import tables as staff
from hub.stock import facts as stock_facts
from hub.stock import tables as stock
from hub.tasks import facts as tasks_facts
from hub.tasks import tables as tasks
from hub.writer import Writer

LOCK: Final = "hub.lock"

TYPES: Final[Mapping[tuple[str, int], type]] = {
    **stock_facts.FACTS,
    **shelf_facts.FACTS,
    **tasks_facts.FACTS,
    **house_facts.FACTS,
    **returns_facts.FACTS,
    **pickup_facts.FACTS,
    **customers_facts.FACTS,
    **fleet_facts.FACTS,
    **experience_facts.FACTS,
    **aisle_facts.FACTS,
}
PROJECTIONS: Final[tuple[Projection, ...]] = (
    stock.PROJECTION,
    shelf.PROJECTION,
    tasks.PROJECTION,
    house.PROJECTION,
    returns.PROJECTION,
    pickup.PROJECTION,
    customers.PROJECTION,
    fleet.PROJECTION,
    experience.PROJECTION,
    aisle.PROJECTION,
)
MIGRATIONS: Final[tuple[Migrations, ...]] = (
    journal.MIGRATIONS,
    projections.MIGRATIONS,
    commands.MIGRATIONS,
    quarantine.MIGRATIONS,
    outbox.MIGRATIONS,
    ingest.MIGRATIONS,
    staff.MIGRATIONS,
    customers.MIGRATIONS,
    fleet.MIGRATIONS,
    house.MIGRATIONS,
    stock.MIGRATIONS,
    shelf.MIGRATIONS,
    printing.MIGRATIONS,
    scans.MIGRATIONS,
)
REPLICA: Final[tuple[Migrations, ...]] = (catalog.REPLICA,)
TABLES: Final[Mapping[str, TableClass]] = {
    **database.TABLES,
    **journal.TABLES,
    **projections.TABLES,
    **commands.TABLES,
    **quarantine.TABLES,
    **outbox.TABLES,
    **ingest.TABLES,
    **catalog.TABLES,
    **staff.TABLES,
    **customers.TABLES,
    **fleet.TABLES,
    **stock.TABLES,
    **shelf.TABLES,
    **printing.TABLES,
    **tasks.TABLES,
    **house.TABLES,
    **returns.TABLES,
    **pickup.TABLES,
    **experience.TABLES,
    **aisle.TABLES,
    **scans.TABLES,
}


def facts() -> Journal:
    """Return a journal that knows every room's facts and projections, not yet loaded."""
    return Journal(TYPES, Projections(PROJECTIONS))


def files(directory: Path) -> Database:
    """Return the store's two files, to be read; nothing is opened or made yet."""
    return Database(directory / "hub.db", directory / "replica.db")


class Store:
    """One store's files, open for writing and locked, with the writer running."""

    def __init__(
        self,
        directory: Path,
        settings: Settings,
        *,
        clock: Clock | None = None,
        migrations: tuple[Migrations, ...] = (),
    ) -> None:
        self.directory = directory
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.database = files(directory)
        self.journal = facts()
        # What was opened is closed again in reverse, also when the next thing cannot be opened.
        with ExitStack() as opened:
            opened.enter_context(Lock(directory / LOCK))
            database.create(self.database.replica, REPLICA).close()
            self._connection = self.database.open_writer((*MIGRATIONS, *migrations))
            opened.callback(self._connection.close)
            opened.callback(self.database.close)
            self._refold_stale()
            self.journal.load(self._connection)
            self.ring = Ring(self.journal.head.seq)
            ballast = Ballast(
                directory / "ballast", settings.ballast_mib << 20, settings.disk_low_mib << 20
            )
            self.writer = Writer(self._connection, self.journal, self.clock, self.ring, ballast)
            self.writer.make_room()
            self.writer.start()
            opened.callback(self.writer.stop)
            self.writer.run(fleet_actions.settle)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Commit what was submitted and leave the files to the next process."""
        self._opened.close()

    def read(self, query: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Return `query(connection, …)` on one consistent view."""
        with self.database.reader() as connection:
            return query(connection, *arguments, **named)

    def rebuild(self) -> None:
        """Fold the whole journal into fresh projections, in one transaction."""
        self.writer.run(lambda tx: self._refold(self.journal.projections.tables))

    def _refold_stale(self) -> None:
        stale = self.journal.projections.stale(self._connection)
        if stale:
            self._connection.execute("BEGIN IMMEDIATE")
            self._refold(stale)
            self._connection.execute("COMMIT")

    def _refold(self, rooms: Any) -> None:
        everything = self.journal.facts(self._connection)
        self.journal.projections.refold(self._connection, rooms, everything)
