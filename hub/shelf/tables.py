"""The floor's rows: the plan, open gaps and where tags are (projections); sensors, tags and sweeps
as they are heard (records).

It must never refuse a fact. What is heard every second lies in records and never in the journal.
"""

from collections.abc import Iterable
from sqlite3 import Connection
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.chain import Entry
from hub.database import TableClass
from hub.projections import Projection
from hub.shelf.facts import (
    FacingDropped,
    FacingSet,
    PlaceDropped,
    PlacePut,
    ShelfGapClosed,
    ShelfGapOpened,
    TagArrived,
    TagDeparted,
    TaggingSet,
    TagMoved,
)

SCHEMA: Final = """
CREATE TABLE shelf_place (
  place TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, aisle TEXT NOT NULL,
  position INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX shelf_place_walk ON shelf_place (position, place);
CREATE TABLE shelf_facing (
  place TEXT NOT NULL, sku TEXT NOT NULL, facings INTEGER NOT NULL, capacity INTEGER NOT NULL,
  low INTEGER NOT NULL,
  PRIMARY KEY (place, sku)
) WITHOUT ROWID;
CREATE INDEX shelf_facing_sku ON shelf_facing (sku);
CREATE TABLE shelf_tagged (sku TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE shelf_gap (
  place TEXT NOT NULL, sku TEXT NOT NULL, device TEXT NOT NULL, since TEXT NOT NULL,
  PRIMARY KEY (place, sku, device)
) WITHOUT ROWID;
CREATE TABLE shelf_tag_at (
  epc TEXT PRIMARY KEY, sku TEXT NOT NULL, place TEXT NOT NULL, since TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX shelf_tag_at_place ON shelf_tag_at (place, sku);
CREATE INDEX shelf_tag_at_sku ON shelf_tag_at (sku, place);
"""

MIGRATIONS: Final = Migrations("shelf")
TABLES: Final[dict[str, TableClass]] = {
    "shelf_place": "projection",
    "shelf_facing": "projection",
    "shelf_tagged": "projection",
    "shelf_gap": "projection",
    "shelf_tag_at": "projection",
    "shelf_sensor": "record",
    "shelf_tag": "record",
    "shelf_mark": "record",
    "shelf_antenna": "record",
    "shelf_sweep": "record",
    "shelf_sweep_tag": "record",
}


@MIGRATIONS()
def m001_shelf(db: sqlite_utils.Database) -> None:
    """`shelf_mark` holds one token, drawn anew with each change of `shelf_tag`: a memory of tags
    that carries another one is out of date."""
    db.execute(
        "CREATE TABLE shelf_sensor (device TEXT PRIMARY KEY, place TEXT NOT NULL,"
        " sku TEXT NOT NULL, due_ms INTEGER, state BLOB NOT NULL)"
    )
    db.execute("CREATE INDEX shelf_sensor_due ON shelf_sensor (due_ms) WHERE due_ms IS NOT NULL")
    db.execute("CREATE INDEX shelf_sensor_sku ON shelf_sensor (sku)")
    db.execute(
        "CREATE TABLE shelf_tag (epc TEXT PRIMARY KEY, sku TEXT NOT NULL, place TEXT NOT NULL,"
        " device TEXT NOT NULL, rssi REAL NOT NULL, since_ms INTEGER NOT NULL,"
        " last_ms INTEGER NOT NULL, gone_ms INTEGER NOT NULL)"
    )
    db.execute("CREATE TABLE shelf_mark (id INTEGER PRIMARY KEY, token TEXT NOT NULL)")
    db.execute("INSERT INTO shelf_mark VALUES (1, '')")
    db.execute(
        "CREATE TABLE shelf_antenna (device TEXT NOT NULL, antenna INTEGER NOT NULL,"
        " place TEXT NOT NULL, PRIMARY KEY (device, antenna))"
    )
    db.execute(
        "CREATE TABLE shelf_sweep (id TEXT PRIMARY KEY, place TEXT NOT NULL, device TEXT NOT NULL,"
        " state TEXT NOT NULL, began_ms INTEGER NOT NULL, ended_ms INTEGER, since TEXT,"
        " actor TEXT NOT NULL, reads INTEGER NOT NULL DEFAULT 0, result BLOB)"
    )
    db.execute("CREATE INDEX shelf_sweep_open ON shelf_sweep (id) WHERE state = 'open'")
    db.execute(
        "CREATE TABLE shelf_sweep_tag (sweep TEXT NOT NULL, epc TEXT NOT NULL, sku TEXT NOT NULL,"
        " device TEXT NOT NULL, PRIMARY KEY (sweep, epc)) WITHOUT ROWID"
    )


# -- facts into rows ---------------------------------------------------------------------------


def _place_put(conn: Connection, entry: Entry, fact: PlacePut) -> None:
    conn.execute(
        "INSERT OR REPLACE INTO shelf_place VALUES (?, ?, ?, ?, ?)",
        (fact.place, fact.kind, fact.name, fact.aisle, fact.position),
    )


def _place_dropped(conn: Connection, entry: Entry, fact: PlaceDropped) -> None:
    conn.execute("DELETE FROM shelf_place WHERE place = ?", (fact.place,))
    conn.execute("DELETE FROM shelf_facing WHERE place = ?", (fact.place,))


def _facing_set(conn: Connection, entry: Entry, fact: FacingSet) -> None:
    conn.execute(
        "INSERT OR REPLACE INTO shelf_facing VALUES (?, ?, ?, ?, ?)",
        (fact.place, fact.sku, fact.facings, fact.capacity, fact.low),
    )


def _facing_dropped(conn: Connection, entry: Entry, fact: FacingDropped) -> None:
    conn.execute("DELETE FROM shelf_facing WHERE place = ? AND sku = ?", (fact.place, fact.sku))


def _tagging_set(conn: Connection, entry: Entry, fact: TaggingSet) -> None:
    if fact.tagged:
        conn.execute("INSERT OR IGNORE INTO shelf_tagged VALUES (?)", (fact.sku,))
    else:
        conn.execute("DELETE FROM shelf_tagged WHERE sku = ?", (fact.sku,))


def _gap_opened(conn: Connection, entry: Entry, fact: ShelfGapOpened) -> None:
    conn.execute(
        "INSERT OR IGNORE INTO shelf_gap VALUES (?, ?, ?, ?)",
        (fact.place, fact.sku, fact.device, entry.occurred_at),
    )


def _gap_closed(conn: Connection, entry: Entry, fact: ShelfGapClosed) -> None:
    conn.execute(
        "DELETE FROM shelf_gap WHERE place = ? AND sku = ? AND device = ?",
        (fact.place, fact.sku, fact.device),
    )


def _tag_here(conn: Connection, entry: Entry, fact: TagArrived | TagMoved) -> None:
    conn.execute(
        "INSERT OR REPLACE INTO shelf_tag_at VALUES (?, ?, ?, ?)",
        (fact.epc, fact.sku, fact.place, entry.occurred_at),
    )


def _tag_departed(conn: Connection, entry: Entry, fact: TagDeparted) -> None:
    conn.execute("DELETE FROM shelf_tag_at WHERE epc = ?", (fact.epc,))


PROJECTION: Final = Projection(
    room="shelf",
    schema=SCHEMA,
    apply={
        PlacePut: _place_put,
        PlaceDropped: _place_dropped,
        FacingSet: _facing_set,
        FacingDropped: _facing_dropped,
        TaggingSet: _tagging_set,
        ShelfGapOpened: _gap_opened,
        ShelfGapClosed: _gap_closed,
        TagArrived: _tag_here,
        TagMoved: _tag_here,
        TagDeparted: _tag_departed,
    },
)


# -- records -----------------------------------------------------------------------------------


def keep_sensors(conn: Connection, rows: Iterable[tuple[str, str, str, int | None, bytes]]) -> None:
    """Write (device, place, sku, due_ms, state) rows."""
    conn.executemany("INSERT OR REPLACE INTO shelf_sensor VALUES (?, ?, ?, ?, ?)", rows)


def forget_sensor(conn: Connection, device: str) -> None:
    conn.execute("DELETE FROM shelf_sensor WHERE device = ?", (device,))


TagRow = tuple[str, str, str, str, float, int, int, int]


def keep_tags(conn: Connection, rows: Iterable[TagRow], token: str) -> None:
    """Write (epc, sku, place, device, rssi, since_ms, last_ms, gone_ms) rows under a new token."""
    conn.executemany("INSERT OR REPLACE INTO shelf_tag VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    conn.execute("UPDATE shelf_mark SET token = ?", (token,))


def forget_tags(conn: Connection, before_ms: int, token: str) -> int:
    """Forget what departed, and what was never at a place, before that time."""
    cursor = conn.execute("DELETE FROM shelf_tag WHERE place = '' AND last_ms < ?", (before_ms,))
    if cursor.rowcount:
        conn.execute("UPDATE shelf_mark SET token = ?", (token,))
    return cursor.rowcount


def forget_swept(conn: Connection, before_ms: int, most: int) -> None:
    """Forget some tags of inventories that ended before that time; how many they were is kept.

    There are customers' own among them.
    """
    over = "SELECT id FROM shelf_sweep WHERE state IN ('counted', 'dropped') AND ended_ms < ?"
    met = "SELECT count(*) FROM shelf_sweep_tag WHERE sweep = id"
    conn.execute(
        f"UPDATE shelf_sweep SET reads = max(reads, ({met})) WHERE id IN ({over})", (before_ms,)
    )
    conn.execute(
        "DELETE FROM shelf_sweep_tag WHERE (sweep, epc) IN"
        f" (SELECT sweep, epc FROM shelf_sweep_tag WHERE sweep IN ({over}) LIMIT ?)",
        (before_ms, most),
    )


def keep_antenna(conn: Connection, device: str, antenna: int, place: str) -> None:
    """Say which place an antenna looks at; "" takes that back."""
    if place:
        conn.execute(
            "INSERT OR REPLACE INTO shelf_antenna VALUES (?, ?, ?)", (device, antenna, place)
        )
    else:
        conn.execute(
            "DELETE FROM shelf_antenna WHERE device = ? AND antenna = ?", (device, antenna)
        )


def begin_sweep(conn: Connection, row: tuple[str, str, str, str, int, str | None, str]) -> None:
    """Write (id, place, device, state, began_ms, since, actor)."""
    conn.execute(
        "INSERT INTO shelf_sweep (id, place, device, state, began_ms, since, actor)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        row,
    )


def change_sweep(
    conn: Connection, sweep: str, state: str, ended_ms: int | None, result: bytes
) -> None:
    conn.execute(
        "UPDATE shelf_sweep SET state = ?, ended_ms = coalesce(?, ended_ms), result = ?"
        " WHERE id = ?",
        (state, ended_ms, result, sweep),
    )


def keep_swept(conn: Connection, rows: Iterable[tuple[str, str, str, str]], token: str) -> None:
    """Write (sweep, epc, sku, device) of tags that a sweep met for the first time."""
    conn.executemany("INSERT OR IGNORE INTO shelf_sweep_tag VALUES (?, ?, ?, ?)", rows)
    conn.execute("UPDATE shelf_mark SET token = ?", (token,))
