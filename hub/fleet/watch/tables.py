"""The rows about what was heard of devices; records all, nothing here is a fact.

It must never cost a commit of observations more than one row a device.
"""

import sqlite3
from typing import Final

from hub.fleet.watch.rules import Kept

# So many boots of one device keep their beginning: late events of an earlier one find it.
BOOTS_KEPT: Final = 8


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
    quality: str | None = None,
    drift_ms: int | None = None,
) -> None:
    """Count `fresh` new observations of `device` whose numbers lie from `low_seq` to `high_seq`.

    `gap_ms` says since when numbers are missing; it ends when the last of them arrives.
    """
    connection.execute(
        "INSERT INTO device_seen (device, last_ms, boot, first_seq, high_seq, received, online,"
        " quality, drift_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET"
        " last_ms = max(last_ms, excluded.last_ms), boot = excluded.boot,"
        " online = excluded.online,"
        " first_seq = min(coalesce(first_seq, excluded.first_seq), excluded.first_seq),"
        " high_seq = max(coalesce(high_seq, 0), excluded.high_seq),"
        " received = received + excluded.received,"
        " gap_ms = CASE WHEN max(coalesce(high_seq, 0), excluded.high_seq) + 1"
        " - min(coalesce(first_seq, excluded.first_seq), excluded.first_seq)"
        " > received + excluded.received THEN coalesce(gap_ms, excluded.last_ms) END,"
        " quality = coalesce(excluded.quality, quality),"
        " drift_ms = coalesce(excluded.drift_ms, drift_ms)",
        (device, last_ms, boot, low_seq, high_seq, fresh, int(online), quality, drift_ms),
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
    connection: sqlite3.Connection,
    device: str,
    battery_pct: float | None,
    firmware: str | None,
    *,
    outbox: int | None = None,
    oldest_s: int | None = None,
    dropped: int | None = None,
    offline_hours_left: float | None = None,
) -> None:
    """Note what a heartbeat says."""
    connection.execute(
        "UPDATE device_seen SET battery_pct = coalesce(?, battery_pct),"
        " firmware = coalesce(?, firmware), outbox = coalesce(?, outbox), oldest_s = ?,"
        " dropped = coalesce(?, dropped), hours_left = ? WHERE device = ?",
        (battery_pct, firmware, outbox, oldest_s, dropped, offline_hours_left, device),
    )


def boot_began(connection: sqlite3.Connection, device: str, boot: str, began_ms: int) -> int:
    """Note an estimate of when `boot` began and return the best: the earliest one.

    A message is never received before it was sent, so each estimate is late by its delay.
    """
    new = connection.execute(
        "INSERT OR IGNORE INTO device_boot VALUES (?, ?, ?)", (device, boot, began_ms)
    ).rowcount
    if new:
        connection.execute("UPDATE device_seen SET boots = boots + 1 WHERE device = ?", (device,))
    (best,) = connection.execute(
        "UPDATE device_boot SET began_ms = min(began_ms, ?) WHERE device = ? AND boot = ?"
        " RETURNING began_ms",
        (began_ms, device, boot),
    ).fetchone()
    connection.execute(
        "DELETE FROM device_boot WHERE device = ? AND boot NOT IN (SELECT boot FROM device_boot"
        " WHERE device = ? ORDER BY began_ms DESC LIMIT ?)",
        (device, device, BOOTS_KEPT),
    )
    return int(best)


def forget_numbers(connection: sqlite3.Connection, device: str) -> None:
    """Another unit counts from one again: forget the numbers and boots of the one before it."""
    connection.execute(
        "UPDATE device_seen SET first_seq = NULL, high_seq = NULL, received = 0, gap_ms = NULL,"
        " drift_ms = NULL, quality = NULL, boots = 0, outbox = NULL, oldest_s = NULL, dropped = 0,"
        " hours_left = NULL WHERE device = ?",
        (device,),
    )
    connection.execute("DELETE FROM device_boot WHERE device = ?", (device,))


def keep(connection: sqlite3.Connection, device: str, kept: Kept) -> None:
    """Remember the state that a device is in."""
    connection.execute(
        "INSERT OR REPLACE INTO device_state (device, state, since_ms, changes, window_ms,"
        " flapping) VALUES (?, ?, ?, ?, ?, ?)",
        (device, *kept[:4], int(kept.flapping)),
    )


def listening(connection: sqlite3.Connection, since_ms: int) -> None:
    """Remember since when the hub hears devices."""
    connection.execute(
        "INSERT OR REPLACE INTO device_watch (n, since_ms) VALUES (1, ?)", (since_ms,)
    )
