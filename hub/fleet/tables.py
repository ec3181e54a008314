"""Tables of the fleet: the registry is folded from facts; secrets and what was heard are records.

It must never let a secret outlive its fact: a row of `device` counts only for the fact it names.
"""

import sqlite3
from typing import Final

import msgspec
import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.chain import Entry
from hub.database import TableClass
from hub.fleet.facts import DeviceEnrolled, DevicePlaced, DeviceRevoked, DeviceSecretIssued
from hub.projections import Projection

MIGRATIONS: Final = Migrations("fleet")
TABLES: Final[dict[str, TableClass]] = {
    "fleet_device": "projection",
    "device": "record",
    "device_seen": "record",
    "device_boot": "record",
    "device_sighting": "record",
    "device_command": "record",
    "device_rogue": "record",
    "device_code": "record",
    "device_code_wrong": "record",
    "device_certificate": "record",
    "device_state": "record",
    "device_watch": "record",
}

SCHEMA: Final = """
CREATE TABLE fleet_device (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL DEFAULT '',
  family TEXT NOT NULL DEFAULT 'storehub',
  place TEXT NOT NULL DEFAULT '',
  power TEXT NOT NULL DEFAULT 'mains',
  via TEXT,
  grants TEXT NOT NULL DEFAULT '[]',
  address TEXT,
  secret_fact TEXT,
  enrolled_at TEXT,
  revoked_at TEXT
) WITHOUT ROWID;
CREATE INDEX fleet_device_via ON fleet_device (via) WHERE via IS NOT NULL;
CREATE INDEX fleet_device_address ON fleet_device (family, address);
"""


def _enrolled(conn: sqlite3.Connection, entry: Entry, fact: DeviceEnrolled) -> None:
    conn.execute(
        "INSERT OR REPLACE INTO fleet_device (id, kind, family, place, power, via, grants,"
        " address, secret_fact, enrolled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(fact.device, fact.kind, fact.family, fact.place, fact.power, fact.via),
            *(msgspec.json.encode(fact.grants).decode(), fact.address),
            *(entry.id, entry.recorded_at),
        ),
    )


def _placed(conn: sqlite3.Connection, entry: Entry, fact: DevicePlaced) -> None:
    conn.execute(
        "INSERT INTO fleet_device (id, place) VALUES (?, ?)"
        " ON CONFLICT (id) DO UPDATE SET place = excluded.place",
        (fact.device, fact.place),
    )


def _issued(conn: sqlite3.Connection, entry: Entry, fact: DeviceSecretIssued) -> None:
    conn.execute(
        "INSERT INTO fleet_device (id, secret_fact, address) VALUES (?, ?, ?) ON CONFLICT (id)"
        " DO UPDATE SET secret_fact = excluded.secret_fact,"
        " address = coalesce(excluded.address, address)",
        (fact.device, entry.id, fact.address),
    )


def _revoked(conn: sqlite3.Connection, entry: Entry, fact: DeviceRevoked) -> None:
    conn.execute(
        "INSERT INTO fleet_device (id, revoked_at) VALUES (?, ?) ON CONFLICT (id)"
        " DO UPDATE SET revoked_at = excluded.revoked_at, secret_fact = NULL",
        (fact.device, entry.recorded_at),
    )


PROJECTION: Final = Projection(
    room="fleet",
    schema=SCHEMA,
    apply={
        DeviceEnrolled: _enrolled,
        DevicePlaced: _placed,
        DeviceSecretIssued: _issued,
        DeviceRevoked: _revoked,
    },
)


@MIGRATIONS()
def m001_fleet(db: sqlite_utils.Database) -> None:
    """`secret` is the broker's password hash; `missing` follows from first, high and received."""
    db.execute(
        "CREATE TABLE device (id TEXT PRIMARY KEY, kind TEXT NOT NULL, place TEXT NOT NULL,"
        " secret TEXT NOT NULL, enrolled_at TEXT NOT NULL, revoked_at TEXT)"
    )
    db.execute(
        "CREATE TABLE device_seen (device TEXT PRIMARY KEY, last_ms INTEGER NOT NULL,"
        " boot TEXT, first_seq INTEGER, high_seq INTEGER, received INTEGER NOT NULL DEFAULT 0,"
        " online INTEGER, online_ms INTEGER, battery_pct REAL, firmware TEXT)"
    )
    db.execute(
        "CREATE TABLE device_boot (device TEXT NOT NULL, boot TEXT NOT NULL,"
        " began_ms INTEGER NOT NULL, PRIMARY KEY (device, boot))"
    )


@MIGRATIONS()
def m002_registry(db: sqlite_utils.Database) -> None:
    """`device` keeps the secrets, each for the one fact that issued it; the registry is folded.

    Its kind and place stay written, so that the release before this one runs on the file.
    """
    db.execute("ALTER TABLE device ADD COLUMN fact TEXT")
    db.execute(
        "CREATE TABLE device_sighting (family TEXT NOT NULL, address TEXT NOT NULL, via TEXT,"
        " topic TEXT, name TEXT, first_at TEXT NOT NULL, last_at TEXT NOT NULL,"
        " times INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (family, address))"
    )
    db.execute(
        "CREATE TABLE device_command (key TEXT PRIMARY KEY, device TEXT NOT NULL,"
        " name TEXT NOT NULL, payload TEXT NOT NULL, actor TEXT NOT NULL, at TEXT NOT NULL,"
        " answered_at TEXT, answer TEXT)"
    )
    db.execute("CREATE INDEX device_command_of ON device_command (device, at)")
    db.execute(
        "CREATE TABLE device_rogue (what TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL,"
        " first_at TEXT NOT NULL, last_at TEXT NOT NULL, times INTEGER NOT NULL DEFAULT 1,"
        " PRIMARY KEY (what, name, source))"
    )


@MIGRATIONS()
def m003_watch(db: sqlite_utils.Database) -> None:
    """What a device tells of its clock and outbox; which state it is in and since when.

    `device_watch` has one row: since when the hub hears devices at all.
    """
    for column in (
        "quality TEXT",
        "drift_ms INTEGER",
        "gap_ms INTEGER",
        "boots INTEGER NOT NULL DEFAULT 0",
        "outbox INTEGER",
        "oldest_s INTEGER",
        "dropped INTEGER NOT NULL DEFAULT 0",
        "hours_left REAL",
    ):
        db.execute(f"ALTER TABLE device_seen ADD COLUMN {column}")
    db.execute(
        "CREATE TABLE device_state (device TEXT PRIMARY KEY, state TEXT NOT NULL,"
        " since_ms INTEGER NOT NULL, changes INTEGER NOT NULL, window_ms INTEGER NOT NULL,"
        " flapping INTEGER NOT NULL)"
    )
    db.execute("CREATE TABLE device_watch (n INTEGER PRIMARY KEY, since_ms INTEGER NOT NULL)")


@MIGRATIONS()
def m004_joining(db: sqlite_utils.Database) -> None:
    """`device_code`: one-time join codes, hashed; `device_certificate` counts for its fact alone.

    `how` is enrol, rotate or replace; `body` is what else was said when the code was made.
    """
    db.execute(
        "CREATE TABLE device_code (digest TEXT PRIMARY KEY, device TEXT NOT NULL,"
        " how TEXT NOT NULL, body TEXT NOT NULL, actor TEXT NOT NULL, made_ms INTEGER NOT NULL,"
        " until_ms INTEGER NOT NULL, used_ms INTEGER, used_by TEXT)"
    )
    db.execute("CREATE TABLE device_code_wrong (source TEXT NOT NULL, at_ms INTEGER NOT NULL)")
    db.execute(
        "CREATE TABLE device_certificate (name TEXT PRIMARY KEY, device TEXT NOT NULL,"
        " fact TEXT NOT NULL, made_at TEXT NOT NULL)"
    )


def keep_secret(
    connection: sqlite3.Connection,
    device: str,
    *,
    kind: str,
    place: str,
    secret: str,
    fact: str,
    at: str,
) -> None:
    """Keep the hash of the secret that `fact` (an entry's id) issued to `device`."""
    connection.execute(
        "INSERT INTO device (id, kind, place, secret, enrolled_at, fact)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind,"
        " place = excluded.place, secret = excluded.secret, enrolled_at = excluded.enrolled_at,"
        " fact = excluded.fact, revoked_at = NULL",
        (device, kind, place, secret, at, fact),
    )


def forget_secret(connection: sqlite3.Connection, device: str, at: str) -> None:
    connection.execute(
        "UPDATE device SET revoked_at = ?, secret = '' WHERE id = ? AND revoked_at IS NULL",
        (at, device),
    )


def note_place(connection: sqlite3.Connection, device: str, place: str) -> None:
    """Keep the place where the release before this one looks for it."""
    connection.execute("UPDATE device SET place = ? WHERE id = ?", (place, device))


def claim_secret(connection: sqlite3.Connection, device: str, fact: str) -> None:
    """Say that the secret an older release gave `device` was issued by `fact`."""
    connection.execute("UPDATE device SET fact = ? WHERE id = ?", (fact, device))


def sight(connection: sqlite3.Connection, row: tuple[str | None, ...], most: int) -> None:
    """Note (family, address, via, topic, name, at) of what nobody adopted; at most `most` wait."""
    connection.execute(
        "INSERT INTO device_sighting (family, address, via, topic, name, first_at, last_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (family, address) DO UPDATE SET"
        " via = excluded.via, topic = coalesce(excluded.topic, topic),"
        " name = coalesce(excluded.name, name), last_at = excluded.last_at, times = times + 1",
        row,
    )
    connection.execute(
        "DELETE FROM device_sighting WHERE rowid IN (SELECT rowid FROM device_sighting"
        " ORDER BY last_at DESC LIMIT -1 OFFSET ?)",
        (most,),
    )


def forget_sighting(connection: sqlite3.Connection, family: str, address: str) -> None:
    connection.execute(
        "DELETE FROM device_sighting WHERE family = ? AND address = ?", (family, address)
    )


def keep_command(connection: sqlite3.Connection, row: tuple[str, ...]) -> None:
    """Write (key, device, name, payload, actor, at)."""
    connection.execute(
        "INSERT INTO device_command (key, device, name, payload, actor, at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        row,
    )


def answer_command(
    connection: sqlite3.Connection, device: str, key: str, row: tuple[str, str]
) -> bool:
    """Write (at, answer) of the device's first answer; False when it was asked no such thing."""
    cursor = connection.execute(
        "UPDATE device_command SET answered_at = ?, answer = ?"
        " WHERE key = ? AND device = ? AND answered_at IS NULL",
        (*row, key, device),
    )
    return cursor.rowcount == 1


def note_rogue(
    connection: sqlite3.Connection, row: tuple[str, str, str, str], times: int, most: int
) -> None:
    """Count (what, name, source, at), attempts of somebody who has no business here."""
    connection.execute(
        "INSERT INTO device_rogue (what, name, source, first_at, last_at, times)"
        " VALUES (?1, ?2, ?3, ?4, ?4, ?5) ON CONFLICT (what, name, source)"
        " DO UPDATE SET last_at = excluded.last_at, times = times + excluded.times",
        (*row, times),
    )
    connection.execute(
        "DELETE FROM device_rogue WHERE rowid IN (SELECT rowid FROM device_rogue"
        " ORDER BY last_at DESC LIMIT -1 OFFSET ?)",
        (most,),
    )
