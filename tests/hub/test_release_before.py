"""The release before this one: its files open here, and it goes on with what this one made of them.

An update that fails is taken back and never restores a database, so what
`release_before/` says of the older tables binds the newer ones. Its files are dumps of a hub and
a central of commit 02b0ce0 after a morning's work: goods received and held, two orders, one of
them handed over, staff, a token, a device, a message in quarantine.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub import quarantine
from hub.customers import actions as customers
from hub.customers import queries as people
from hub.pickup import actions, queries
from hub.settings import Settings
from hub.stock import queries as stock
from hub.store import TABLES, Store
from hub.verify import verify
from sync import tables as sync_tables

RECORDED = Path(__file__).parent / "release_before"
# Its statements name no columns here: one more, and it could write no row.
WRITTEN_WHOLE = {
    "hub": ("personal", "staff_try", "api_token", "device_boot", "quarantine_overflow"),
    "replica": ("product", "external_id", "barcode", "price", "pickup_key"),
}
Column = tuple[str, bool]


def recorded(name: str, path: Path) -> Path:
    """Make the file that the older release left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((RECORDED / f"{name}.sql").read_text(encoding="utf-8"))
    return path


def columns(path: Path) -> dict[str, list[Column]]:
    """Return each table's columns, in order, and whether a row can be written without it."""
    with closing(sqlite3.connect(path)) as connection:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
        return {
            name: [
                (row[1], not row[3] or row[4] is not None)
                for row in connection.execute(f'PRAGMA table_info("{name}")')
            ]
            for (name,) in connection.execute(tables).fetchall()
        }


def opened(directory: Path) -> Store:
    settings = Settings(store="store-1", ballast_mib=0)
    return Store(directory, settings, migrations=(sync_tables.MIGRATIONS,))


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    for name in ("hub", "replica"):
        recorded(name, tmp_path / f"{name}.db")
    return tmp_path


def test_its_file_opens_with_all_that_happened_and_work_goes_on(directory: Path) -> None:
    with opened(directory) as store:
        first, second = (store.read(queries.load, name) for name in ("R-1", "R-2"))
        assert (first.state.value, second.state.value) == ("PICKED_UP", "RESERVED")
        units = {row[1]: row[2] for row in store.read(stock.balances)}
        assert (units["available"], units["held"], units["committed"]) == (3, 1, 2)
        assert store.read(quarantine.count) == 1
        who = store.read(people.person, second.customer_ref)
        assert (who.name, who.delegate) == ("Ida Probe", None)
        ref = second.customer_ref
        assert ref is not None
        run = store.writer.run
        assert run(lambda tx: customers.add(tx, ref, {"delegate": "Lea", "plate": "AB 1"}))
        run(lambda tx: actions.claim(tx, "R-2", actor="staff:ada", cause="hub:claimed-later"))
        who = store.read(people.person, ref)
        assert (who.name, who.delegate, who.plate) == ("Ida Probe", "Lea", "AB 1")
    report = verify(directory / "hub.db", store.journal, {})
    assert report.ok, report


@pytest.mark.parametrize("name", ["hub", "replica"])
def test_it_can_write_into_every_table_as_it_did(
    directory: Path, tmp_path: Path, name: str
) -> None:
    before = columns(recorded(name, tmp_path / "untouched" / f"{name}.db"))
    opened(directory).close()
    after = columns(directory / f"{name}.db")
    for table, known in before.items():
        if TABLES.get(table) == "projection":  # made anew when the schema is another
            continue
        names = [column for column, _ in known]
        if table in WRITTEN_WHOLE[name]:
            assert [column for column, _ in after[table]] == names, table
            continue
        assert set(names) <= {column for column, _ in after[table]}, table
        added = [column for column in after[table] if column[0] not in names]
        assert all(optional for _, optional in added), (table, added)


def test_what_an_evening_s_build_kept_in_the_older_table_moves_to_its_own(directory: Path) -> None:
    path = directory / "hub.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as build:
        for column in ("delegate", "feedback"):
            build.execute(f"ALTER TABLE personal ADD COLUMN {column} TEXT")
        build.execute("UPDATE personal SET delegate = 'Lea Brandt'")
        build.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('customers', 'm003_said_later', '2026-11-28')"
        )
    with opened(directory) as store:
        ref = store.read(queries.load, "R-2").customer_ref
        assert store.read(people.person, ref).delegate == "Lea Brandt"
