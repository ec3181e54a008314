"""The broker beside the hub: mosquitto where it is found, else amqtt as a process of its own.

It must never let anybody in without a password, let a device read or write what is not its own,
or be trusted with the guarantee: that is the device's outbox and the hub's ack after commit.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from hub.errors import Refusal
from hub.fleet import rules
from hub.ingest import Address
from hub.settings import Settings
from hub.wire import ROOT

Kind = Literal["mosquitto", "amqtt", "external"]

# Debian installs it where a user's PATH does not look.
PLACES: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
DIRECTORY: Final = "broker"
# The largest packet taken in: larger than any that is valid, so that it can be quarantined.
PACKET_MOST: Final = 8 * 1024 * 1024

CONFIGURATION: Final = """\
# Written by Store Hub at each start; changes here are lost.
per_listener_settings false
listener {port} {listen}
allow_anonymous false
password_file {directory}/passwd
acl_file {directory}/acl
pid_file {directory}/pid
user {user}
persistence true
persistence_location {directory}/
autosave_interval 30
persistent_client_expiration 14d
max_queued_messages 100000
max_queued_bytes 268435456
max_inflight_messages 2000
max_packet_size {packet_most}
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
"""

ACCESS: Final = """\
user {hub}
topic read {root}/{store}/+/obs/#
topic read {root}/{store}/+/status
topic write {root}/{store}/+/ack
topic write {root}/{store}/+/cmd/+

pattern write {root}/{store}/%u/obs/#
pattern write {root}/{store}/%u/status
pattern read {root}/{store}/%u/ack
pattern read {root}/{store}/%u/cmd/+
"""


def find_mosquitto() -> Path | None:
    path = os.pathsep.join((os.environ.get("PATH", ""), *PLACES))
    found = shutil.which("mosquitto", path=path)
    return Path(found) if found else None


def kind_of(settings: Settings) -> Kind:
    """Return which broker this store runs. Raises Refusal when the one asked for is absent."""
    if settings.broker == "external":
        return "external"
    found = find_mosquitto()
    if settings.broker == "mosquitto" and found is None:
        raise Refusal("mosquitto is not installed here: install it, or set broker to 'amqtt'.")
    return "mosquitto" if found is not None and settings.broker != "amqtt" else "amqtt"


def prepare(directory: Path, settings: Settings, known: Sequence[tuple[str, str]]) -> list[str]:
    """Write the broker's files under DIR; return its command line, empty when it is external.

    `known` is `fleet.queries.credentials`. Raises Refusal.
    """
    kind = kind_of(settings)
    if kind == "external":
        return []
    place = _place(directory)
    _write(place / "passwd", _passwords(directory, settings, known))
    _write(
        place / "acl", ACCESS.format(hub=settings.mqtt_username, root=ROOT, store=settings.store)
    )
    if kind == "amqtt":
        arguments = [sys.executable, "-m", "hub.broker.embedded", str(place), settings.mqtt_listen]
        return [*arguments, str(settings.mqtt_port), settings.store, settings.mqtt_username]
    text = CONFIGURATION.format(
        port=settings.mqtt_port,
        listen=settings.mqtt_listen,
        directory=place,
        user=pwd.getpwuid(os.geteuid()).pw_name,
        packet_most=PACKET_MOST,
    )
    _write(place / "mosquitto.conf", text)
    return [str(find_mosquitto()), "-c", str(place / "mosquitto.conf")]


def answers(host: str, port: int) -> bool:
    """Does a broker answer there?"""
    host = "127.0.0.1" if host == "0.0.0.0" else host
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def credentials_changed(
    directory: Path, settings: Settings, known: Sequence[tuple[str, str]]
) -> None:
    """Let the running broker know who may connect now; who may no longer is cut off."""
    if kind_of(settings) == "external":
        return
    place = _place(directory)
    _write(place / "passwd", _passwords(directory, settings, known))
    with suppress(OSError, ValueError):
        pid = int((place / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        # A pid of an earlier life may belong to somebody else now.
        if str(place).encode() in command:
            os.kill(pid, signal.SIGHUP)


def address(directory: Path, settings: Settings) -> Address:
    """Return where the hub connects, and as whom."""
    return Address(
        settings.mqtt_host,
        settings.mqtt_port,
        settings.mqtt_username,
        hub_password(directory, settings),
        f"storehub-{settings.store}",
    )


def hub_password(directory: Path, settings: Settings) -> str:
    """Return the hub's own password at its broker, made at the first start."""
    if settings.mqtt_password:
        return settings.mqtt_password
    file = _place(directory) / "hub.password"
    if not file.exists():
        _write(file, secrets.token_urlsafe(24))
    return file.read_text().strip()


def _passwords(directory: Path, settings: Settings, known: Sequence[tuple[str, str]]) -> str:
    own = rules.hashed(hub_password(directory, settings), secrets.token_bytes(rules.SALT_BYTES))
    lines = [f"{settings.mqtt_username}:{own}", *(f"{name}:{secret}" for name, secret in known)]
    return "\n".join(lines) + "\n"


def _place(directory: Path) -> Path:
    place = (directory / DIRECTORY).resolve()
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    return place


def _write(file: Path, text: str) -> None:
    """Replace `file` whole and for its owner alone: a reader never sees half of it."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(file)
