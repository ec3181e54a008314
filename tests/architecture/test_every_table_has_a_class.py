"""Each table says what it is: journal, projection (rebuilt), replica (central's) or record."""

import sqlite3
from pathlib import Path

from hub import store
from hub.settings import Settings
from sync import tables as sync_tables

CLASSES = {"journal", "projection", "replica", "record"}
DECLARED = {**store.TABLES, **sync_tables.TABLES}


def tables(path: Path) -> set[str]:
    """Return a file's tables; a search index's own shadow tables belong to it."""
    connection = sqlite3.connect(path)
    found = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    connection.close()
    virtual = [name for name, sql in found if sql.upper().startswith("CREATE VIRTUAL")]
    return {name for name, _ in found if not any(name.startswith(f"{v}_") for v in virtual)}


def made(directory: Path) -> dict[str, set[str]]:
    with store.Store(directory, Settings(ballast_mib=0), migrations=(sync_tables.MIGRATIONS,)):
        return {name: tables(directory / f"{name}.db") for name in ("hub", "replica")}


def test_every_table_that_is_made_has_a_class(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert (found["hub"] | found["replica"]) - set(DECLARED) == set()
    assert set(DECLARED.values()) <= CLASSES


def test_what_central_owns_lies_in_its_own_file(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert {name for name in found["hub"] if DECLARED[name] == "replica"} == set()
    own = {name for name in found["replica"] if DECLARED[name] in ("journal", "projection")}
    assert own == set()


def test_a_rebuild_makes_all_projections_and_nothing_else(tmp_path: Path) -> None:
    rebuilt = {table for room in store.facts().projections.tables.values() for table in room}
    assert rebuilt == {name for name, kind in DECLARED.items() if kind == "projection"}
