"""What stands in the broker's files: its configuration, who may come in, and who may say what.

It must never grant by pattern: whoever is not an account of this moment has no right at all, even
with a certificate that is still valid.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple

from hub.authority import Tls
from hub.fleet.queries import Account
from hub.settings import Settings
from hub.wire import ROOT

# The largest packet taken in: larger than any that is valid, so that it can be quarantined.
PACKET_MOST: Final = 8 * 1024 * 1024
# Strangers must not take the places of the store's devices for longer than a handshake.
CONNECTIONS_MOST: Final = 2000
LOOPBACK: Final = "127.0.0.1"

CONFIGURATION: Final = """\
# Written by Store Hub at each start; changes here are lost.
per_listener_settings false
allow_anonymous false
password_file {directory}/passwd
acl_file {directory}/acl
pid_file {state}/pid
user {user}
persistence true
persistence_location {state}/
autosave_interval 30
persistent_client_expiration 14d
max_queued_messages 100000
max_queued_bytes 268435456
max_inflight_messages 2000
max_packet_size {packet_most}
set_tcp_nodelay true
log_dest {log}
log_type error
log_type warning
log_type notice
connection_messages true
"""


class Listener(NamedTuple):
    """One door of the broker. `proof`: what lets somebody in, a password or a certificate."""

    host: str
    port: int
    tls: bool
    proof: str = "password"


class Right(NamedTuple):
    """`access` is mosquitto's word: read or write."""

    access: str
    filter: str


def listeners(settings: Settings) -> list[Listener]:
    """Return the broker's doors; plain ones are for this machine unless `mqtt_plain` says more."""
    found = [Listener(LOOPBACK, settings.mqtt_port, False)]
    if settings.mqtt_plain and not _is_loopback(settings.mqtt_listen):
        everywhere = settings.mqtt_listen == "0.0.0.0"
        wider = Listener(settings.mqtt_listen, settings.mqtt_port, False)
        found = [wider] if everywhere else [*found, wider]
    if settings.mqtts_port:
        found.append(Listener(settings.mqtt_listen, settings.mqtts_port, True))
    if settings.mqtt_certificate_port:
        door = Listener(settings.mqtt_listen, settings.mqtt_certificate_port, True, "certificate")
        found.append(door)
    return found


def configuration(
    directory: Path, state: Path, log: str, user: str, doors: Iterable[Listener], tls: Tls | None
) -> str:
    """Return mosquitto.conf: accounts lie in `directory`, what it writes itself in `state`."""
    head = CONFIGURATION.format(
        directory=directory, state=state, log=log, user=user, packet_most=PACKET_MOST
    )
    lines = [head]
    for door in doors:
        lines.append(f"listener {door.port} {door.host}\n")
        if door.tls:
            assert tls is not None
            lines.append(f"certfile {tls.certificate}\nkeyfile {tls.key}\n")
            lines.append(f"max_connections {CONNECTIONS_MOST}\n")
        if door.proof == "certificate":
            assert tls is not None
            lines.append(f"cafile {tls.ca}\nrequire_certificate true\n")
            lines.append("use_identity_as_username true\n")
    return "".join(lines)


def rights(store: str, account: Account) -> list[Right]:
    """Return what an account may say and hear."""
    found = []
    for device in (account.name, *account.speaks_for):
        base = f"{ROOT}/{store}/{device}"
        found += [
            Right("write", f"{base}/obs/#"),
            Right("write", f"{base}/status"),
            Right("read", f"{base}/ack"),
            Right("read", f"{base}/cmd/+"),
        ]
    found += [Right("write", one) for one in account.writes]
    found += [Right("read", one) for one in account.reads]
    return found


def hub_rights(store: str) -> list[Right]:
    """Return what the hub itself may say and hear."""
    base = f"{ROOT}/{store}/+"
    return [
        Right("read", f"{base}/obs/#"),
        Right("read", f"{base}/status"),
        Right("write", f"{base}/ack"),
        Right("write", f"{base}/cmd/+"),
    ]


def access(store: str, hub: str, accounts: Iterable[Account]) -> str:
    """Return the access list: every user by name, nobody by pattern."""
    parts = list(_user(hub, hub_rights(store)))
    for account in accounts:
        granted = rights(store, account)
        for name in (account.name, *account.certificates):
            parts += _user(name, granted)
    return "".join(parts)


def _user(name: str, granted: Sequence[Right]) -> Iterator[str]:
    yield f"user {name}\n"
    for right in granted:
        yield f"topic {right.access} {right.filter}\n"
    yield "\n"


def granted(text: str) -> dict[str, list[Right]]:
    """Read an access list back: the embedded broker obeys the same file."""
    found: dict[str, list[Right]] = {}
    user: list[Right] = []
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "user":
            user = found.setdefault(rest, [])
        elif word == "topic":
            kind, _, topic = rest.partition(" ")
            user.append(Right(kind, topic))
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
