"""Typed reads of the fleet."""

import sqlite3
from typing import Literal

import msgspec

State = Literal["online", "away", "never", "revoked", "unknown"]


class Device(msgspec.Struct, frozen=True):
    """A device as the console shows it; times are ms since 1970, None where nothing is known.

    `state`: `unknown` = heard, but not enrolled here. `missing`: numbers of its sequence that
    have not arrived (yet).
    """

    id: str
    kind: str
    place: str
    state: State
    last_ms: int | None
    boot: str | None
    received: int
    missing: int
    battery_pct: float | None
    firmware: str | None


_ALL = (
    "SELECT id, kind, place, revoked_at, last_ms, boot, coalesce(received, 0) AS received,"
    " high_seq, first_seq, battery_pct, firmware, online FROM device"
    " LEFT JOIN device_seen ON device = id"
    " UNION ALL SELECT device, '', '', NULL, last_ms, boot, received, high_seq, first_seq,"
    " battery_pct, firmware, online FROM device_seen"
    " WHERE device NOT IN (SELECT id FROM device) ORDER BY 1"
)


def devices(connection: sqlite3.Connection, now_ms: int, silent_s: int) -> list[Device]:
    """Return every device that is enrolled or was heard; silent for `silent_s` means away."""
    enrolled = {row[0] for row in connection.execute("SELECT id FROM device")}
    return [_device(row, now_ms - silent_s * 1000, enrolled) for row in connection.execute(_ALL)]


def _device(row: sqlite3.Row, since_ms: int, enrolled: set[str]) -> Device:
    first, high = row["first_seq"], row["high_seq"]
    span = 0 if high is None or first is None else high - first + 1
    return Device(
        row["id"],
        row["kind"],
        row["place"],
        _state(row, since_ms, enrolled),
        row["last_ms"] or None,
        row["boot"],
        row["received"],
        max(0, span - row["received"]),
        row["battery_pct"],
        row["firmware"],
    )


def _state(row: sqlite3.Row, since_ms: int, enrolled: set[str]) -> State:
    if row["revoked_at"] is not None:
        return "revoked"
    if row["id"] not in enrolled:
        return "unknown"
    if not row["last_ms"]:
        return "never"
    return "online" if row["online"] and row["last_ms"] >= since_ms else "away"


def heard(connection: sqlite3.Connection) -> int:
    """Return how many devices were ever heard."""
    (number,) = connection.execute("SELECT count(*) FROM device_seen").fetchone()
    return int(number)


def enrolled(connection: sqlite3.Connection, device: str) -> bool:
    """Is `device` enrolled and not revoked?"""
    row = connection.execute(
        "SELECT 1 FROM device WHERE id = ? AND revoked_at IS NULL", (device,)
    ).fetchone()
    return row is not None


def credentials(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return (device id, broker's password hash) of each device that may connect."""
    rows = connection.execute("SELECT id, secret FROM device WHERE revoked_at IS NULL ORDER BY id")
    return [(row[0], row[1]) for row in rows]


def boots(connection: sqlite3.Connection, device: str) -> dict[str, int]:
    """Return when each remembered boot of `device` began, in ms since 1970."""
    rows = connection.execute("SELECT boot, began_ms FROM device_boot WHERE device = ?", (device,))
    return {row[0]: row[1] for row in rows}
