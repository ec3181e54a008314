"""Tables of the fleet and the rows written to them; records all, nothing here is a fact."""

import sqlite3
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.database import TableClass

MIGRATIONS: Final = Migrations("fleet")
TABLES: Final[dict[str, TableClass]] = {
    "device": "record",
    "device_seen": "record",
    "device_boot": "record",
}

# So many boots of one device keep their beginning: late events of an earlier one find it.
BOOTS_KEPT: Final = 8


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


def enroll(connection: sqlite3.Connection, row: tuple[str, str, str, str, str]) -> None:
    """Write (id, kind, place, secret hash, at); a device enrolled again has a new secret."""
    connection.execute(
        "INSERT INTO device (id, kind, place, secret, enrolled_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, place = excluded.place,"
        " secret = excluded.secret, enrolled_at = excluded.enrolled_at, revoked_at = NULL",
        row,
    )


def revoke(connection: sqlite3.Connection, device: str, at: str) -> None:
    connection.execute(
        "UPDATE device SET revoked_at = ?, secret = '' WHERE id = ? AND revoked_at IS NULL",
        (at, device),
    )


def heard(
    connection: sqlite3.Connection,
    device: str,
    *,
    last_ms: int,
    online: bool,
    boot: str,
    low_seq: int,
    high_seq: int,
    fresh: int,
) -> None:
    """Count `fresh` new observations of `device` whose numbers lie from `low_seq` to `high_seq`."""
    connection.execute(
        "INSERT INTO device_seen (device, last_ms, boot, first_seq, high_seq, received, online)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET"
        " last_ms = max(last_ms, excluded.last_ms), boot = excluded.boot,"
        " online = excluded.online,"
        " first_seq = min(coalesce(first_seq, excluded.first_seq), excluded.first_seq),"
        " high_seq = max(coalesce(high_seq, 0), excluded.high_seq),"
        " received = received + excluded.received",
        (device, last_ms, boot, low_seq, high_seq, fresh, int(online)),
    )


def status(
    connection: sqlite3.Connection,
    device: str,
    *,
    at_ms: int,
    online: bool,
    live: bool,
    firmware: str | None,
    battery_pct: float | None,
) -> None:
    """Note what the status topic says; only a live message counts as having heard the device."""
    connection.execute(
        "INSERT INTO device_seen (device, last_ms, online, online_ms, firmware, battery_pct)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET online = excluded.online,"
        " online_ms = excluded.online_ms, last_ms = max(last_ms, excluded.last_ms),"
        " firmware = coalesce(excluded.firmware, firmware),"
        " battery_pct = coalesce(excluded.battery_pct, battery_pct)",
        (device, at_ms if live else 0, int(online), at_ms, firmware, battery_pct),
    )


def health(
    connection: sqlite3.Connection, device: str, battery_pct: float | None, firmware: str | None
) -> None:
    """Note what a heartbeat says."""
    connection.execute(
        "UPDATE device_seen SET battery_pct = coalesce(?, battery_pct),"
        " firmware = coalesce(?, firmware) WHERE device = ?",
        (battery_pct, firmware, device),
    )


def boot_began(connection: sqlite3.Connection, device: str, boot: str, began_ms: int) -> int:
    """Note an estimate of when `boot` began and return the best: the earliest one.

    A message is never received before it was sent, so each estimate is late by its delay.
    """
    (best,) = connection.execute(
        "INSERT INTO device_boot VALUES (?, ?, ?) ON CONFLICT (device, boot) DO UPDATE"
        " SET began_ms = min(began_ms, excluded.began_ms) RETURNING began_ms",
        (device, boot, began_ms),
    ).fetchone()
    connection.execute(
        "DELETE FROM device_boot WHERE device = ? AND boot NOT IN (SELECT boot FROM device_boot"
        " WHERE device = ? ORDER BY began_ms DESC LIMIT ?)",
        (device, device, BOOTS_KEPT),
    )
    return int(best)
