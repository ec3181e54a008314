"""Devices over the API: seen, let in, placed, told what to do, shut out.

It must never keep a secret: the password stands in the first answer alone, a repetition says null.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hub.fleet import actions, queries
from hub.fleet.watch import queries as watch
from hub.ingest import queries as observed
from hub.journal import Transaction
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import Call, command, read
from kiosk_ui.ports import Hub
from kiosk_ui.session import hub

Text = Annotated[str, Meta(max_length=200)]
Kind = Annotated[str, Meta(min_length=1, max_length=32)]
Power = Literal["mains", "battery"]


class Enrol(bodies.Asked):
    kind: Kind
    place: Text = ""
    family: Kind = "storehub"
    power: Power = "mains"
    via: bodies.Id | None = None
    grants: Annotated[list[Text], Meta(max_length=20)] = msgspec.field(default_factory=list)
    address: Text | None = None


class Adopt(bodies.Asked):
    family: Kind
    address: Text
    kind: Kind
    place: Text = ""
    power: Power = "mains"
    grants: Annotated[list[Text], Meta(max_length=20)] = msgspec.field(default_factory=list)


class Move(bodies.Asked):
    place: Text


class Replace(bodies.Asked):
    address: Text | None = None


class Tell(bodies.Asked):
    name: Kind
    payload: dict[str, Any] = msgspec.field(default_factory=dict)


class Account(msgspec.Struct):
    """`password` is shown once; null in a repetition, and where a gateway speaks for the device."""

    id: str
    username: str | None
    password: str | None = None


class Placed(msgspec.Struct):
    id: str
    place: str


class Revoked(msgspec.Struct):
    id: str
    revoked: bool


class Whole(msgspec.Struct):
    """A device with its last observations, its commands and the numbers that are missing."""

    device: watch.Device
    observations: list[observed.Sent]
    commands: list[queries.Command]
    missing: list[tuple[int, int]]


class Waiting(msgspec.Struct):
    items: list[queries.Sighting]
    next: str | None = None


def seen_devices() -> list[watch.Device]:
    """Return every device that is enrolled or was heard."""
    with hub().reader() as connection:
        return watch.devices(connection, now_ms(), hub().options.device_limits)


def now_ms() -> int:
    return int(hub().clock.now().timestamp() * 1000)


def whole(device: str, limit: int = 20) -> Whole:
    """Return all that is known of one device. Raises NotFound."""
    with hub().reader() as connection:
        found = watch.device(connection, device, now_ms(), hub().options.device_limits)
        sent = observed.latest(connection, device, limit)
        gaps = observed.gaps(connection, device, found.high_seq or 0) if found.missing else []
        return Whole(found, sent, queries.commands(connection, device), gaps)


@read("/devices", "Devices that were heard or enrolled.", step="devices", answer=bodies.Listed)
def devices() -> Any:
    return {"items": [msgspec.to_builtins(device) for device in seen_devices()], "next": None}


@read("/devices/<device>", "One device, whole.", step="devices", answer=Whole)
def device(device: str) -> Any:
    return whole(device)


@read(
    "/sightings", "Devices that were noticed and wait to be adopted.", step="devices",
    answer=Waiting,
)  # fmt: skip
def sightings() -> Any:
    with hub().reader() as connection:
        return Waiting(queries.sightings(connection))


def accounts_changed(changed: Hub) -> None:
    changed.accounts_changed()


def _account(call: Call, device: str, secret: str) -> Account:
    call.revealed["password"] = secret or None
    return Account(device, device if secret else None)


def _known(tx: Transaction, cause: str, device: str) -> Account:
    return Account(device, device)


@command(
    "/devices/<device>/enrol",
    "Let a device in; enrolled again it gets a new password.",
    step="devices", body=Enrol, answer=Account, status=201, show=_known, after=accounts_changed,
)  # fmt: skip
def enrol(call: Call, asked: Enrol, device: str) -> Any:
    more = msgspec.structs.asdict(asked)
    secret = actions.enroll(call.tx, device, **more, actor=call.actor, cause=call.cause)
    return _account(call, device, secret)


@command(
    "/devices/<device>/adopt",
    "Let in, under this id, a device that was noticed.",
    step="devices", body=Adopt, answer=Account, status=201, show=_known, after=accounts_changed,
)  # fmt: skip
def adopt(call: Call, asked: Adopt, device: str) -> Any:
    more = msgspec.structs.asdict(asked)
    family, address = more.pop("family"), more.pop("address")
    secret = actions.adopt(
        call.tx, family, address, device, **more, actor=call.actor, cause=call.cause
    )
    return _account(call, device, secret)


@command(
    "/devices/<device>/rotate",
    "Give a device a new password; the old one ends at once.",
    step="devices", body=bodies.Nothing, answer=Account, show=_known, after=accounts_changed,
)  # fmt: skip
def rotate(call: Call, asked: bodies.Nothing, device: str) -> Any:
    secret = actions.rotate(call.tx, device, actor=call.actor, cause=call.cause)
    return _account(call, device, secret)


@command(
    "/devices/<device>/replace",
    "Put another unit in the place of a broken one.",
    step="devices", body=Replace, answer=Account, show=_known, after=accounts_changed,
)  # fmt: skip
def replace(call: Call, asked: Replace, device: str) -> Any:
    secret = actions.replace(
        call.tx, device, address=asked.address, actor=call.actor, cause=call.cause
    )
    return _account(call, device, secret)


@command(
    "/devices/<device>/move", "Say where a device stands now.",
    step="devices", body=Move, answer=Placed,
    show=lambda tx, cause, device: Placed(device, queries.place_of(tx.conn, device)),
)  # fmt: skip
def move(call: Call, asked: Move, device: str) -> Any:
    actions.move(call.tx, device, asked.place, actor=call.actor, cause=call.cause)
    return Placed(device, asked.place)


@command(
    "/devices/<device>/revoke", "Shut a device out; a live connection is cut.",
    step="devices", body=bodies.Nothing, answer=Revoked,
    show=lambda tx, cause, device: Revoked(device, True), after=accounts_changed,
)  # fmt: skip
def revoke(call: Call, asked: bodies.Nothing, device: str) -> Any:
    actions.revoke(call.tx, device, actor=call.actor, cause=call.cause)
    return Revoked(device, True)


@command(
    "/devices/<device>/commands",
    "Tell a device to do something: `identify`, `restart`, `config`, or what it understands.",
    step="devices", body=Tell, answer=queries.Command, status=201,
)  # fmt: skip
def tell(call: Call, asked: Tell, device: str) -> Any:
    key = actions.command(call.tx, device, asked.name, asked.payload, actor=call.actor)
    return queries.command_of(call.tx.conn, key)
