"""The broker beside the hub: mosquitto where it is found, else amqtt as a process of its own.

It must never let anybody in without a password, let a device read or write what is not its own,
or be trusted with the guarantee: that is the device's outbox and the hub's ack after commit.
"""

import asyncio
import logging
import os
import pwd
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from hub.errors import Refusal
from hub.fleet import rules
from hub.ingest import Address
from hub.settings import Settings
from hub.wire import ROOT

Kind = Literal["mosquitto", "amqtt", "external"]

# Debian installs it where a user's PATH does not look.
PLACES: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
DIRECTORY: Final = "broker"
HUB: Final = "hub"
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
        arguments = [sys.executable, "-m", "hub.broker", str(place), settings.mqtt_listen]
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


# --- the embedded broker ------------------------------------------------------------------


class Credentials(BaseAuthPlugin):  # type: ignore[misc]
    """Reads the password file at each sign-in: a revoked device cannot come back."""

    async def authenticate(self, *, session: Session) -> bool | None:
        known = _read_passwords(_embedded.place)
        stored = known.get(session.username or "")
        return stored is not None and rules.matches(session.password or "", stored)


class Access(BaseTopicPlugin):  # type: ignore[misc]
    """The access list, as mosquitto has it."""

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool | None:
        username = "" if session is None else session.username or ""
        return allowed(_embedded.store, username, topic or "", action == Action.PUBLISH)


def allowed(store: str, username: str, topic: str, publishing: bool) -> bool:
    """May `username` publish to, or read from, `topic`?"""
    parts = topic.split("/")
    if len(parts) < 5 or parts[:3] != [*ROOT.split("/"), store]:
        return False
    device, channel = parts[3], parts[4]
    if username == _embedded.hub:
        return channel in (("ack", "cmd") if publishing else ("obs", "status"))
    if device != username:
        return False
    return channel in (("obs", "status") if publishing else ("ack", "cmd"))


@dataclass
class _Embedded:
    """What the plugins, which amqtt makes itself, have to know."""

    place: Path = Path()
    store: str = ""
    hub: str = HUB


_embedded = _Embedded()


def _read_passwords(place: Path) -> dict[str, str]:
    lines = (place / "passwd").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


async def _serve(listen: str, port: int) -> None:
    plugins: dict[str, dict[str, Any]] = {"hub.broker.Credentials": {}, "hub.broker.Access": {}}
    listener = {"type": "tcp", "bind": f"{listen}:{port}", "max_connections": 500}
    configuration: dict[str, Any] = {"listeners": {"default": listener}, "plugins": plugins}
    broker = Broker(configuration)
    await broker.start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    await stop.wait()
    await broker.shutdown()


def main(arguments: Sequence[str]) -> None:
    """Run amqtt: DIRECTORY LISTEN PORT STORE HUB, as `prepare` says."""
    place, listen, port, store, hub = arguments
    logging.basicConfig(level=logging.WARNING)
    # The plugins live in the module that amqtt imports by name, not in __main__.
    from hub import broker

    broker._embedded = _Embedded(Path(place), store, hub)
    _write(Path(place) / "pid", str(os.getpid()))
    asyncio.run(_serve(listen, int(port)))


if __name__ == "__main__":
    main(sys.argv[1:])
