"""Typed reads of the fleet."""

import sqlite3
from typing import Any

import msgspec

from hub.errors import NotFound
from hub.fleet import rules


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


_REGISTERED = (
    "SELECT id, kind, family, place, power, via, grants, address, enrolled_at, revoked_at"
    " FROM fleet_device"
)
_SIGHTED = "SELECT family, address, via, topic, name, first_at, last_at, times FROM device_sighting"


def enrolled(connection: sqlite3.Connection, device: str) -> bool:
    """Is `device` enrolled and not revoked?"""
    row = connection.execute(
        "SELECT 1 FROM fleet_device WHERE id = ? AND revoked_at IS NULL", (device,)
    ).fetchone()
    return row is not None


def has_account(connection: sqlite3.Connection, device: str) -> bool:
    """Does an enrolled `device` log in at the broker itself?"""
    found = registered(connection, device)
    return found is not None and rules.has_account(found.via, found.grants)


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
    named: dict[str, list[str]] = {}
    for name, device in connection.execute(
        "SELECT name, device_certificate.device FROM device_certificate"
        " JOIN fleet_device ON fleet_device.id = device_certificate.device"
        " AND fleet_device.secret_fact = device_certificate.fact ORDER BY 1"
    ):
        named.setdefault(device, []).append(name)
    return [
        Account(
            name,
            secret,
            speaks_for=tuple(one.id for one in serves.get(name, ())),
            writes=known[name].grants,
            reads=tuple(sorted({grant for one in serves.get(name, ()) for grant in one.grants})),
            certificates=tuple(named.get(name, ())),
        )
        for name, secret in rows
    ]


def credentials(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return (device id, broker's password hash) of each account."""
    return [(one.name, one.secret) for one in accounts(connection)]


def served(connection: sqlite3.Connection, via: str) -> list[dict[str, Any]]:
    """Return the devices that the gateway `via` speaks for, as `cmd/devices` tells it."""
    return [
        {
            "device": one.id,
            "family": one.family,
            "address": one.address or "",
            "kind": one.kind,
            "grants": list(one.grants),
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


class Command(msgspec.Struct, frozen=True):
    """What a device was told to do. `in_doubt`: sent, and no answer yet; it is sent again."""

    key: str
    device: str
    name: str
    payload: str
    actor: str
    at: str
    state: rules.CommandState
    tries: int
    answer: str | None
    answered_at: str | None


_COMMANDS = (
    "SELECT c.key, c.device, c.name, c.payload, c.actor, c.at, c.answer, c.answered_at,"
    " o.tries, o.outcome FROM device_command c LEFT JOIN outbox o ON o.key = c.key"
)


def commands(connection: sqlite3.Connection, device: str, limit: int = 20) -> list[Command]:
    """Return what `device` was told, the latest first."""
    rows = connection.execute(
        f"{_COMMANDS} WHERE c.device = ? ORDER BY c.at DESC, c.rowid DESC LIMIT ?", (device, limit)
    )
    return [_command(row) for row in rows]


def command_of(connection: sqlite3.Connection, key: str) -> Command:
    """Return one command. Raises NotFound."""
    row = connection.execute(f"{_COMMANDS} WHERE c.key = ?", (key,)).fetchone()
    if row is None:
        raise NotFound(f"No device was ever told a command {key}.")
    return _command(row)


def _command(row: sqlite3.Row) -> Command:
    tries = row["tries"] or 0
    return Command(
        row["key"],
        row["device"],
        row["name"],
        row["payload"],
        row["actor"],
        row["at"],
        rules.command_state(tries, row["answer"], row["outcome"]),
        tries,
        row["answer"],
        row["answered_at"],
    )


class Rogue(msgspec.Struct, frozen=True):
    """Somebody who tried and was turned away: with what, as whom, from where, how often."""

    what: str
    name: str
    source: str
    first_at: str
    last_at: str
    times: int


def rogues(connection: sqlite3.Connection, limit: int = 50) -> list[Rogue]:
    """Return the attempts of those who have no business here, the latest first."""
    rows = connection.execute(
        "SELECT what, name, source, first_at, last_at, times FROM device_rogue"
        " ORDER BY last_at DESC, name LIMIT ?",
        (limit,),
    )
    return [Rogue(*row) for row in rows]
