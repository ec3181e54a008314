"""Let devices in, place them, give them new secrets, tell them what to do, shut them out.

It must never keep a secret that it hands out: only its hash, and only for the fact that issued it.
After each change of who may connect the broker's files have to be written again.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hub import outbox
from hub.clock import stamp
from hub.errors import NotFound, Refusal
from hub.fleet import queries, rules, tables
from hub.fleet.facts import (
    DeviceEnrolled,
    DevicePlaced,
    DeviceRevoked,
    DeviceSecretIssued,
    Power,
    Why,
)
from hub.fleet.watch import tables as watch_tables
from hub.journal import Transaction


def enroll(
    tx: Transaction,
    device: str,
    *,
    kind: str,
    place: str,
    family: str = rules.OWN,
    power: Power = "mains",
    via: str | None = None,
    grants: Sequence[str] = (),
    address: str | None = None,
    actor: str = "hub",
    cause: str | None = None,
) -> str:
    """Let `device` connect and return its secret, which is shown once and kept nowhere.

    The secret is "" for a device that a gateway (`via`) speaks for and that writes no topics of
    its own. Enrolling again gives a new secret. Raises Invalid, or NotFound for the gateway.
    """
    fact = DeviceEnrolled(
        device=device,
        kind=kind,
        place=place,
        family=family,
        power=power,
        via=via,
        grants=tuple(grants),
        address=address,
    )
    rules.check(fact)
    if via is not None and not queries.enrolled(tx.conn, via):
        raise NotFound(f"No gateway {via!r} is enrolled in this store.")
    if address is not None:
        taken = queries.device_at(tx.conn, family, address)
        if taken not in (None, device):
            raise Refusal(f"{address} of family {family} is {taken} already.", slug="adopted")
        tables.forget_sighting(tx.conn, family, address)
    (entry,) = tx.append([fact], cause=cause or _cause(), actor=actor)
    if not rules.has_account(fact.via, fact.grants):
        tables.forget_secret(tx.conn, device, stamp(tx.now))
        return ""
    return _issue(tx, device, kind, place, entry.id)


def revoke(tx: Transaction, device: str, *, actor: str = "hub", cause: str | None = None) -> None:
    """Never let `device` connect again. Raises NotFound when it is not enrolled."""
    _known(tx, device)
    tx.append([DeviceRevoked(device=device)], cause=cause or _cause(), actor=actor)
    tables.forget_secret(tx.conn, device, stamp(tx.now))


def rotate(tx: Transaction, device: str, *, actor: str = "hub", cause: str | None = None) -> str:
    """Give the same unit a new secret; the old one ends at once. Raises NotFound, Refusal."""
    return _renew(tx, device, "rotated", None, actor, cause)


def replace(
    tx: Transaction,
    device: str,
    *,
    address: str | None = None,
    actor: str = "hub",
    cause: str | None = None,
) -> str:
    """Put another unit in the place of a broken one: same id and place, new secret.

    The old unit is cut off, and the numbers of its observations end. Raises NotFound.
    """
    secret = _renew(tx, device, "replaced", address, actor, cause)
    watch_tables.forget_numbers(tx.conn, device)
    return secret


def move(
    tx: Transaction, device: str, place: str, *, actor: str = "hub", cause: str | None = None
) -> None:
    """Say where `device` stands now. Raises NotFound, Invalid."""
    rules.check_place(place)
    if _known(tx, device).place != place:
        fact = DevicePlaced(device=device, place=place)
        tx.append([fact], cause=cause or _cause(), actor=actor)
        tables.note_place(tx.conn, device, place)


def sighted(
    tx: Transaction,
    family: str,
    address: str,
    via: str | None,
    *,
    topic: str | None = None,
    name: str | None = None,
) -> None:
    """Note a device that no one enrolled; it waits to be adopted. Raises Invalid."""
    rules.check_address(family, address)
    if queries.device_at(tx.conn, family, address) is None:
        row = (family, address, via, topic, name, stamp(tx.now))
        tables.sight(tx.conn, row, rules.SIGHTINGS_MOST)
        tx.touch("devices")


def adopt(
    tx: Transaction,
    family: str,
    address: str,
    device: str,
    *,
    kind: str,
    place: str,
    power: Power = "mains",
    grants: Sequence[str] = (),
    actor: str = "hub",
    cause: str | None = None,
) -> str:
    """Enroll what was sighted, through the gateway that sighted it. Raises NotFound, Refusal."""
    seen = queries.sighting(tx.conn, family, address)
    if queries.enrolled(tx.conn, device):
        raise Refusal(f"There is a device {device} already: choose another id.", slug="id-taken")
    return enroll(
        tx,
        device,
        kind=kind,
        place=place,
        family=family,
        power=power,
        via=seen.via,
        grants=grants,
        address=address,
        actor=actor,
        cause=cause,
    )


def command(
    tx: Transaction,
    device: str,
    name: str,
    payload: Mapping[str, Any] | None = None,
    *,
    actor: str = "hub",
    key: str | None = None,
) -> str:
    """Have `cmd/{name}` sent to `device` until it answers; return the command's key.

    Raises NotFound, or Invalid for a name or payload that cannot travel.
    """
    rules.check_command(name, payload or {})
    _known(tx, device)
    key = key or f"c-{secrets.token_hex(8)}"
    outbox.enqueue(tx, device=device, name=name, payload=payload or {}, key=key)
    told = msgspec.json.encode(payload or {}).decode()
    tables.keep_command(tx.conn, (key, device, name, told, actor, stamp(tx.now)))
    tx.touch("devices", f"device:{device}")
    return key


def answered(tx: Transaction, device: str, key: str, state: str) -> None:
    """Note what `device` said about a command (`obs/done`); nothing for one of another room."""
    if tables.answer_command(tx.conn, device, key, (stamp(tx.now), state[:200])):
        tx.touch("devices", f"device:{device}")


def rogue(tx: Transaction, what: str, *, name: str, source: str, times: int = 1) -> None:
    """Count attempts of somebody who has no business here: `what` = `join`, `password`, …"""
    row = (what[:32], name[:64], source[:64], stamp(tx.now))
    tables.note_rogue(tx.conn, row, times, rules.ROGUES_MOST)
    tx.touch("devices")


def settle(tx: Transaction) -> None:
    """Bring into the registry what an older release enrolled or revoked without a fact."""
    for row in queries.without_fact(tx.conn):
        enrolled = DeviceEnrolled(device=row["id"], kind=row["kind"], place=row["place"])
        gone = [DeviceRevoked(device=row["id"])] if row["revoked_at"] else []
        entries = tx.append([enrolled, *gone], cause=_cause(), actor="hub")
        tables.claim_secret(tx.conn, row["id"], entries[0].id)
    for device in queries.revoked_without_fact(tx.conn):
        tx.append([DeviceRevoked(device=device)], cause=_cause(), actor="hub")


def _renew(
    tx: Transaction, device: str, why: Why, address: str | None, actor: str, cause: str | None
) -> str:
    known = _known(tx, device)
    if address is not None:
        rules.check_address(known.family, address)
        tables.forget_sighting(tx.conn, known.family, address)
    elif not rules.has_account(known.via, known.grants) and why == "rotated":
        raise Refusal(f"{device} has no password: {known.via} speaks for it.", slug="no-password")
    fact = DeviceSecretIssued(device=device, why=why, address=address)
    (entry,) = tx.append([fact], cause=cause or _cause(), actor=actor)
    if not rules.has_account(known.via, known.grants):
        return ""
    return _issue(tx, device, known.kind, known.place, entry.id)


def _issue(tx: Transaction, device: str, kind: str, place: str, fact: str) -> str:
    secret = secrets.token_urlsafe(20)
    hashed = rules.hashed(secret, secrets.token_bytes(rules.SALT_BYTES))
    tables.keep_secret(
        tx.conn, device, kind=kind, place=place, secret=hashed, fact=fact, at=stamp(tx.now)
    )
    return secret


def _known(tx: Transaction, device: str) -> queries.Registered:
    found = queries.registered(tx.conn, device)
    if found is None or found.revoked_at is not None:
        raise NotFound(f"No device {device!r} is enrolled in this store.")
    return found


def _cause() -> str:
    return f"hub:{secrets.token_hex(16)}"
