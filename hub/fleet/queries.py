"""Typed reads of the fleet."""

import sqlite3
from typing import Literal

import msgspec

from hub.errors import NotFound

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


class Account(msgspec.Struct, frozen=True):
    """Who may log in at the broker: `secret` is the password's hash there.

    `speaks_for`: devices whose observations it sends; `writes`, `reads`: foreign topic filters.
    `certificates`: further names it has there, one for each client certificate.
    """

    name: str
    secret: str
    speaks_for: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()


class Registered(msgspec.Struct, frozen=True):
    """One row of the registry, as the facts have it."""

    id: str
    kind: str
    family: str
    place: str
    power: str
    via: str | None
    grants: tuple[str, ...]
    address: str | None
    enrolled_at: str | None
    revoked_at: str | None


class Sighting(msgspec.Struct, frozen=True):
    """A device that was noticed and that nobody adopted yet."""

    family: str
    address: str
    via: str | None
    topic: str | None
    name: str | None
    first_at: str
    last_at: str
    times: int


_ALL = (
    "SELECT id, kind, place, revoked_at, last_ms, boot, coalesce(received, 0) AS received,"
    " high_seq, first_seq, battery_pct, firmware, online FROM fleet_device"
    " LEFT JOIN device_seen ON device = id"
    " UNION ALL SELECT device, '', '', NULL, last_ms, boot, received, high_seq, first_seq,"
    " battery_pct, firmware, online FROM device_seen"
    " WHERE device NOT IN (SELECT id FROM fleet_device) ORDER BY 1"
)
_REGISTERED = (
    "SELECT id, kind, family, place, power, via, grants, address, enrolled_at, revoked_at"
    " FROM fleet_device"
)
_SIGHTED = "SELECT family, address, via, topic, name, first_at, last_at, times FROM device_sighting"


def devices(connection: sqlite3.Connection, now_ms: int, silent_s: int) -> list[Device]:
    """Return every device that is enrolled or was heard; silent for `silent_s` means away."""
    enrolled = {row[0] for row in connection.execute("SELECT id FROM fleet_device")}
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
        "SELECT 1 FROM fleet_device WHERE id = ? AND revoked_at IS NULL", (device,)
    ).fetchone()
    return row is not None


def accounts(connection: sqlite3.Connection) -> list[Account]:
    """Return who may log in at the broker, and what each may do there besides its own topics.

    A secret counts only for the fact that issued it: neither a backup from before a revocation
    or rotation nor a row without its device lets anybody in.
    """
    known = {one.id: one for one in registry(connection) if one.revoked_at is None}
    serves: dict[str, list[Registered]] = {}
    for one in known.values():
        if one.via is not None:
            serves.setdefault(one.via, []).append(one)
    rows = connection.execute(
        "SELECT device.id, device.secret FROM device JOIN fleet_device"
        " ON fleet_device.id = device.id AND fleet_device.secret_fact = device.fact"
        " WHERE fleet_device.revoked_at IS NULL AND device.revoked_at IS NULL"
        " AND device.secret <> '' ORDER BY 1"
    )
    return [
        Account(
            name,
            secret,
            speaks_for=tuple(one.id for one in serves.get(name, ())),
            writes=known[name].grants,
            reads=tuple(sorted({grant for one in serves.get(name, ()) for grant in one.grants})),
        )
        for name, secret in rows
    ]


def credentials(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return (device id, broker's password hash) of each account."""
    return [(one.name, one.secret) for one in accounts(connection)]


def served(connection: sqlite3.Connection, via: str) -> list[dict[str, str]]:
    """Return the devices that the gateway `via` speaks for, as `cmd/devices` tells it."""
    return [
        {
            "device": one.id,
            "family": one.family,
            "address": one.address or "",
            "kind": one.kind,
        }
        for one in registry(connection)
        if one.via == via and one.revoked_at is None
    ]


def gateways(connection: sqlite3.Connection) -> list[str]:
    """Return the devices that speak for others."""
    rows = connection.execute(
        "SELECT DISTINCT via FROM fleet_device WHERE via IS NOT NULL AND revoked_at IS NULL"
        " ORDER BY 1"
    )
    return [row[0] for row in rows]


def registry(connection: sqlite3.Connection) -> list[Registered]:
    """Return every device that was ever enrolled, revoked ones too."""
    return [_registered(row) for row in connection.execute(f"{_REGISTERED} ORDER BY id")]


def registered(connection: sqlite3.Connection, device: str) -> Registered | None:
    row = connection.execute(f"{_REGISTERED} WHERE id = ?", (device,)).fetchone()
    return None if row is None else _registered(row)


def _registered(row: sqlite3.Row) -> Registered:
    grants = msgspec.json.decode(row["grants"], type=tuple[str, ...])
    return Registered(**{**dict(row), "grants": grants})


def place_of(connection: sqlite3.Connection, device: str) -> str:
    """Return where `device` stands; "" when it is not known or was never placed."""
    row = connection.execute("SELECT place FROM fleet_device WHERE id = ?", (device,)).fetchone()
    return "" if row is None else str(row[0])


def device_at(connection: sqlite3.Connection, family: str, address: str) -> str | None:
    """Return which enrolled device `family` calls `address`."""
    row = connection.execute(
        "SELECT id FROM fleet_device WHERE family = ? AND address = ? AND revoked_at IS NULL",
        (family, address),
    ).fetchone()
    return None if row is None else str(row[0])


def sightings(connection: sqlite3.Connection) -> list[Sighting]:
    """Return what waits to be adopted, the latest first."""
    rows = connection.execute(f"{_SIGHTED} ORDER BY last_at DESC, address")
    return [Sighting(*row) for row in rows]


def sighting(connection: sqlite3.Connection, family: str, address: str) -> Sighting:
    """Return what was sighted there. Raises NotFound."""
    row = connection.execute(
        f"{_SIGHTED} WHERE family = ? AND address = ?", (family, address)
    ).fetchone()
    if row is None:
        raise NotFound(f"No {family} device {address!r} was seen in this store.")
    return Sighting(*row)


def without_fact(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """Return the rows that an older release enrolled, of which the journal knows nothing."""
    return connection.execute(
        "SELECT id, kind, place, revoked_at FROM device WHERE fact IS NULL ORDER BY id"
    ).fetchall()


def revoked_without_fact(connection: sqlite3.Connection) -> list[str]:
    """Return the devices that an older release revoked, of which the journal knows nothing."""
    rows = connection.execute(
        "SELECT id FROM fleet_device JOIN device USING (id) WHERE device.revoked_at IS NOT NULL"
        " AND fleet_device.revoked_at IS NULL AND fleet_device.secret_fact = device.fact"
        " ORDER BY 1"
    )
    return [row[0] for row in rows]


def boots(connection: sqlite3.Connection, device: str) -> dict[str, int]:
    """Return when each remembered boot of `device` began, in ms since 1970."""
    rows = connection.execute("SELECT boot, began_ms FROM device_boot WHERE device = ?", (device,))
    return {row[0]: row[1] for row in rows}
