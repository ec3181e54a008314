"""The broker beside the hub: mosquitto where it is found, else amqtt as a process of its own.

It must never let anybody in without a password, let a device read or write what is not its own,
or be trusted with the guarantee: that is the device's outbox and the hub's ack after commit.

    plain   127.0.0.1 alone, for the hub and what runs beside it (LAN: only with `mqtt_plain`)
    TLS     the LAN, by the store's own CA; by password, or (a third door) by certificate
"""

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
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final, Literal

from hub import authority
from hub.authority import Tls
from hub.broker import files
from hub.errors import Refusal
from hub.fleet import rules
from hub.fleet.queries import Account
from hub.ingest import Address
from hub.settings import Settings

log = logging.getLogger(__name__)

Kind = Literal["mosquitto", "amqtt", "external"]

# Debian installs it where a user's PATH does not look.
PLACES: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
DIRECTORY: Final = "broker"
LOG: Final = Path("log", "broker.log")


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


def prepare(directory: Path, settings: Settings, accounts: Sequence[Account]) -> list[str]:
    """Write the broker's files under DIR; return its command line, empty when it is external.

    `accounts` is `fleet.queries.accounts`. Raises Refusal when a port is taken.
    """
    kind = kind_of(settings)
    if kind == "external":
        return []
    doors = files.listeners(settings)
    if kind == "amqtt":
        doors = [door for door in doors if door.proof == "password"]
    for door in doors:
        _must_be_free(door)
    tls = None
    if any(door.tls for door in doors):
        try:
            tls = store_tls(directory, settings)
        except Refusal as refusal:
            # What runs on this machine goes on; the hub shows the sentence in its console.
            log.error("No MQTT over TLS: %s", refusal.sentence)
            doors = [door for door in doors if not door.tls]
    place, log_file = _place(directory), directory.resolve() / LOG
    log_file.parent.mkdir(exist_ok=True)
    (place / "pid").unlink(missing_ok=True)
    write_accounts(place, directory, settings, accounts)
    if kind == "amqtt":
        arguments = [sys.executable, "-m", "hub.broker.embedded", str(place), str(log_file)]
        pair = [str(tls.certificate), str(tls.key)] if tls else []
        shown = [f"{'tls' if door.tls else 'tcp'}:{door.host}:{door.port}" for door in doors]
        return [*arguments, ",".join(shown), *pair]
    user = pwd.getpwuid(os.geteuid()).pw_name
    text = files.configuration(place, place, f"file {log_file}", user, doors, tls)
    _write(place / "mosquitto.conf", text)
    return [str(find_mosquitto()), "-c", str(place / "mosquitto.conf")]


def export(
    directory: Path,
    settings: Settings,
    accounts: Sequence[Account],
    out: Path,
    at: Path,
    state: Path,
    user: str,
) -> list[Path]:
    """Write into `out` what a mosquitto elsewhere needs, to lie there in `at`; return the files.

    `state` is where it keeps its own, there.

    Its plain door is for its own machine alone, as ours: the hub reaches it through a tunnel, or
    by `mqtt_plain`. The certificate carries the names of this hub and of `host_names`.
    """
    tls = store_tls(directory, settings)
    doors = files.listeners(settings)
    out.mkdir(parents=True, exist_ok=True)
    out.chmod(0o700)
    write_accounts(out, directory, settings, accounts)
    for file in (tls.ca, tls.certificate, tls.key):
        _write(out / file.name, file.read_text())
    text = files.configuration(at, state, "stderr", user, doors, Tls(at))
    _write(out / "mosquitto.conf", text)
    return sorted(out.iterdir())


def store_tls(directory: Path, settings: Settings) -> Tls:
    """Return the TLS files of this store, made or renewed where needed. Raises Refusal."""
    further = [name.strip() for name in settings.host_names.split(",")]
    names = authority.names_here(name for name in further if name)
    try:
        return authority.establish(directory, settings.store, names, datetime.now(UTC))
    except OSError as error:
        # Another user's, after a command that was run as root.
        place = directory / authority.DIRECTORY
        raise Refusal(f"{place} cannot be used ({error.strerror}).") from error


def answers(host: str, port: int) -> bool:
    """Does a broker answer there?"""
    host = "127.0.0.1" if host == "0.0.0.0" else host
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def accounts_changed(directory: Path, settings: Settings, accounts: Sequence[Account]) -> None:
    """Let the running broker know who may connect now; who may no longer is cut off."""
    if kind_of(settings) == "external":
        return
    write_accounts(_place(directory), directory, settings, accounts)
    reload(directory)


def reload(directory: Path) -> None:
    """Have the running broker read its accounts and its certificate again."""
    place = _place(directory)
    with suppress(OSError, ValueError):
        pid = int((place / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        # A pid of an earlier life may belong to somebody else now.
        if str(place).encode() in command:
            os.kill(pid, signal.SIGHUP)


def write_accounts(
    place: Path, directory: Path, settings: Settings, accounts: Sequence[Account]
) -> None:
    """Write passwd and acl. Rights go before a password goes, and come after it has come."""
    own = rules.hashed(hub_password(directory, settings), secrets.token_bytes(rules.SALT_BYTES))
    lines = [f"{settings.mqtt_username}:{own}"]
    lines += [f"{account.name}:{account.secret}" for account in accounts]
    _write(place / "passwd", "\n".join(lines) + "\n")
    _write(place / "acl", files.access(settings.store, settings.mqtt_username, accounts))


def address(directory: Path, settings: Settings) -> Address:
    """Return where the hub connects, and as whom."""
    password = hub_password(directory, settings)
    # Whoever knew the hub's client id could take its session over: nobody can guess this one.
    drawn = blake2b(password.encode(), digest_size=8, person=b"hub client id").hexdigest()
    name = f"storehub-{settings.store}-{drawn}"
    return Address(settings.mqtt_host, settings.mqtt_port, settings.mqtt_username, password, name)


def hub_password(directory: Path, settings: Settings) -> str:
    """Return the hub's own password at its broker, made at the first start."""
    if settings.mqtt_password:
        return settings.mqtt_password
    file = _place(directory) / "hub.password"
    if not file.exists() or not file.read_text().strip():
        _write(file, secrets.token_urlsafe(24))
    return file.read_text().strip()


def _must_be_free(door: files.Listener) -> None:
    family = socket.AF_INET6 if ":" in door.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((door.host, door.port))
        except OSError as error:
            setting = "mqtt_port"
            if door.tls:
                setting = "mqtts_port" if door.proof == "password" else "mqtt_certificate_port"
            raise Refusal(
                f"The broker cannot listen on {door.host} port {door.port} ({error.strerror}):"
                f" set {setting} to another" + (", or to 0 to do without it." if door.tls else "."),
                slug="port-taken",
            ) from None


def _place(directory: Path) -> Path:
    place = (directory / DIRECTORY).resolve()
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    return place


def _write(file: Path, text: str) -> None:
    """Replace `file` whole and for its owner alone: a reader never sees half of it."""
    with NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}.", delete=False) as draft:
        try:
            draft.write(text)
            draft.flush()
            os.fsync(draft.fileno())
        except OSError:
            # A full disk is tried again and again: each try would leave a file.
            Path(draft.name).unlink()
            raise
    Path(draft.name).replace(file)
