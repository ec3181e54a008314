"""What the store decided, as rows; it must never read another room's rows."""

from sqlite3 import Connection
from typing import Final

import msgspec
import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.chain import Entry
from hub.database import TableClass
from hub.house.facts import PickupPaceSet, PolicySet, StagingShelfDropped, StagingShelfPlanned
from hub.projections import Projection

SCHEMA: Final = """
CREATE TABLE house_policy (
  name TEXT PRIMARY KEY, value TEXT NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE staging_shelf (
  shelf TEXT PRIMARY KEY, capacity INTEGER NOT NULL, kind TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE pickup_pace (
  id INTEGER PRIMARY KEY, pace TEXT NOT NULL, until TEXT, reason TEXT, at TEXT NOT NULL,
  actor TEXT NOT NULL
);
"""


def _policy(conn: Connection, entry: Entry, fact: PolicySet) -> None:
    if fact.value is None:
        conn.execute("DELETE FROM house_policy WHERE name = ?", (fact.name,))
        return
    value = msgspec.json.encode(fact.value).decode()
    conn.execute(
        "INSERT OR REPLACE INTO house_policy (name, value, at, actor) VALUES (?, ?, ?, ?)",
        (fact.name, value, entry.recorded_at, entry.actor),
    )


def _planned(conn: Connection, entry: Entry, fact: StagingShelfPlanned) -> None:
    conn.execute(
        "INSERT OR REPLACE INTO staging_shelf (shelf, capacity, kind) VALUES (?, ?, ?)",
        (fact.shelf, fact.capacity, fact.kind),
    )


def _dropped(conn: Connection, entry: Entry, fact: StagingShelfDropped) -> None:
    conn.execute("DELETE FROM staging_shelf WHERE shelf = ?", (fact.shelf,))


def _pace(conn: Connection, entry: Entry, fact: PickupPaceSet) -> None:
    conn.execute(
        "INSERT OR REPLACE INTO pickup_pace (id, pace, until, reason, at, actor)"
        " VALUES (1, ?, ?, ?, ?, ?)",
        (fact.pace, fact.until, fact.reason, entry.recorded_at, entry.actor),
    )


MIGRATIONS: Final = Migrations("house")


@MIGRATIONS()
def m001_house_zone(db: sqlite_utils.Database) -> None:
    """The store's time zone, as its settings say: opening hours are meant in it."""
    db.execute("CREATE TABLE house_zone (id INTEGER PRIMARY KEY, zone TEXT NOT NULL)")


def keep_zone(conn: Connection, zone: str) -> None:
    conn.execute("INSERT OR REPLACE INTO house_zone (id, zone) VALUES (1, ?)", (zone,))


PROJECTION: Final = Projection(
    room="house",
    schema=SCHEMA,
    apply={
        PolicySet: _policy,
        StagingShelfPlanned: _planned,
        StagingShelfDropped: _dropped,
        PickupPaceSet: _pace,
    },
)
TABLES: Final[dict[str, TableClass]] = {
    "house_policy": "projection",
    "staging_shelf": "projection",
    "pickup_pace": "projection",
    "house_zone": "record",
}
