"""Runs what stands beside the hardware, as `devices.toml` says: each part on a thread of its own.

    [gateway]                     # one table a part, [[camera]] for several of a kind
    device = "gateway-1"          # its account lies in DIR/devices/gateway-1.json
    mappings = ["acme.toml"]      # everything else is the part's own setting

    [[camera]]
    device = "camera-1"
    source = "/dev/video0"

It must never let one part's end take another down: a part that dies is started again, ever more
slowly, and says so. A wrong file stops the start with a sentence that names file, key and value.
"""

import difflib
import logging
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import inspect

from devices.account import Account
from devices.client import DeviceClient
from devices.pacing import Backoff
from hub.errors import HubError, Invalid

log = logging.getLogger(__name__)

FILE: Final = "devices.toml"
# How soon a part that died is started again, and how slowly at last (seconds).
AGAIN_S: Final = (1.0, 60.0)
GOOD_S: Final = 60.0
HEARTBEAT_S: Final = 60.0
LISTEN_S: Final = 0.3
_OURS: Final = frozenset({"device", "account"})


class Kind(NamedTuple):
    """A kind of part: where it lives and what its settings are. `starts`: it starts and stops its
    client itself, because commands come the moment it is connected."""

    module: str
    settings: str
    starts: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "gateway": Kind("devices.gateway", "GatewaySettings", starts=True),
    "camera": Kind("devices.scanners.camera", "CameraSettings"),
    "hid": Kind("devices.scanners.hid", "HidSettings"),
    "serial": Kind("devices.scanners.serial_port", "SerialSettings"),
    "printer": Kind("devices.printing.printer", "PrinterSettings"),
}


@dataclass(frozen=True)
class Part:
    """One part of the plan. `run(settings, client, stop)` returns when `stop` is set."""

    kind: str
    device: str
    account: Path
    settings: Any
    run: Callable[[Any, DeviceClient, threading.Event], None]
    starts: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.device}"


# --- reading the plan


def load(file: Path, directory: Path) -> list[Part]:
    """Read `file`; accounts lie in `directory`/devices. Raises Invalid with a sentence."""
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"{file.name}: {error}.") from error
    parts: list[Part] = []
    for kind, tables in told.items():
        if kind not in KINDS:
            raise _unknown(file, kind, told[kind], KINDS)
        for n, table in enumerate(tables if isinstance(tables, list) else [tables]):
            at = f"{kind}[{n}]" if isinstance(tables, list) else kind
            parts.append(_part(file, directory, kind, at, table))
    for n, part in enumerate(parts):
        if part.device in {other.device for other in parts[:n]}:
            raise Invalid(f"{file.name}: device = {part.device!r}: two parts cannot be one device.")
    if not parts:
        raise Invalid(f"{file.name} names no part; there are {', '.join(KINDS)}.")
    return parts


def _part(file: Path, directory: Path, kind: str, at: str, table: Any) -> Part:
    if not isinstance(table, dict):
        raise Invalid(f"{file.name}: {at} = {table!r}: must be a table.")
    device = table.get("device")
    if not isinstance(device, str) or not device:
        raise Invalid(
            f"{file.name}: {at}.device = {device!r}: must be the id it was enrolled with."
        )
    account = table.get("account", f"devices/{device}.json")
    if not isinstance(account, str):
        raise Invalid(f"{file.name}: {at}.account = {account!r}: must be the path of a file.")
    known = KINDS[kind]
    module = import_module(known.module)
    own = {key: value for key, value in table.items() if key not in _OURS}
    settings = _settings(file, at, own, getattr(module, known.settings))
    if kind == "gateway":
        settings = _beside(file, settings)
        # A wrong mapping file stops the start too.
        module.adapters(settings)
    return Part(kind, device, directory / account, settings, module.run, known.starts)


def _beside(file: Path, settings: Any) -> Any:
    """Mapping files are named as seen from the file that names them."""
    mappings = tuple(file.parent / one for one in settings.mappings)
    return msgspec.structs.replace(settings, mappings=mappings)


def _settings(file: Path, at: str, table: Mapping[str, Any], wanted: Any) -> Any:
    _check_keys(file, at, table, inspect.type_info(wanted))
    try:
        return msgspec.convert(table, wanted, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise Invalid(f"{file.name}: {at}: {_told(error, table)}") from error
    except Invalid as error:
        raise Invalid(f"{file.name}: {at}: {error.sentence}") from error


def _path(wanted: type, value: Any) -> Any:
    if wanted is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"{value!r} is no {wanted.__name__}")


def _told(error: msgspec.ValidationError, table: Mapping[str, Any]) -> str:
    """`Expected int, got str - at $.baud` with the key's name and its value in front."""
    why, _, path = str(error).partition(" - at `$")
    keys = path.rstrip("`").lstrip(".").split(".")
    value: Any = table
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    where = ".".join(key for key in keys if key)
    return f"{where} = {value!r}: {why}." if where else f"{why}."


def _check_keys(file: Path, at: str, table: Any, wanted: Any) -> None:
    fields = getattr(wanted, "fields", None)
    if fields is None or not isinstance(table, Mapping):
        return
    known = {field.encode_name: field.type for field in fields}
    for key, value in table.items():
        if key not in known:
            names = known if "." in at or "[" in at else {**known, **dict.fromkeys(_OURS)}
            raise _unknown(file, f"{at}.{key}", value, names)
        _check_keys(file, f"{at}.{key}", value, known[key])


def _unknown(file: Path, key: str, value: Any, known: Mapping[str, Any]) -> Invalid:
    near = difflib.get_close_matches(key.rpartition(".")[2], known, 1)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}."
    shown = repr(value)[:80]
    return Invalid(f"{file.name}: {key} = {shown}: there is no such key; {meant}", field=key)


# --- running it


def run(parts: list[Part], directory: Path, stop: threading.Event) -> None:
    """Run all parts until `stop` is set; outboxes lie in `directory`/devices."""
    threads = [
        threading.Thread(target=keep, args=(part, directory, stop), name=str(part))
        for part in parts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def keep(part: Part, directory: Path, stop: threading.Event) -> None:
    """Run one part again and again until `stop` is set."""
    backoff = Backoff(*AGAIN_S)
    while not stop.is_set():
        began = time.monotonic()
        why = "it ended"
        try:
            _once(part, directory, stop)
        except HubError as error:
            why = error.sentence
        except Exception as error:
            # A bug of the part: said whole, and the others go on.
            log.exception("The %s died", part)
            why = type(error).__name__
        if stop.is_set():
            return
        if time.monotonic() - began > GOOD_S:
            backoff.reset()
        pause_s = backoff.pause_s()
        log.warning("The %s is started again in %.0f s: %s", part, pause_s, why)
        stop.wait(pause_s)


def _once(part: Part, directory: Path, stop: threading.Event) -> None:
    account = Account.load(part.account)
    client = DeviceClient(account, directory / "devices", heartbeat_s=HEARTBEAT_S)
    log.info("The %s runs", part)
    if part.starts:
        part.run(part.settings, client, stop)
        return
    begun = threading.Event()

    def begin() -> None:
        client.start()
        begun.set()

    # What takes commands (a printer) has said so by then: none is answered in its place.
    timer = threading.Timer(LISTEN_S, begin)
    timer.start()
    try:
        part.run(part.settings, client, stop)
    finally:
        timer.cancel()
        timer.join()
        if begun.is_set():
            client.stop()
        else:
            client.outbox.close()
