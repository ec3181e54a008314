"""The command that runs beside hardware: on the box, or on another machine of the store.

It must never need the hub's files: a device knows its account and its broker, nothing more.
"""

import json
import sys
import threading
from pathlib import Path
from typing import Any, Final

import click

from devices import adapters
from devices import run as parts
from devices.client import Account, DeviceClient
from devices.scanners import camera, plugs
from devices.scanners.preview import Preview
from hub import logs
from hub.cli import joining
from hub.cli.edge import data_option, json_option, show
from hub.cli.signals import until_told
from hub.clock import SystemClock, stamp
from hub.errors import Unavailable

# How long a film that was played once waits for the hub's word (seconds).
DRAIN_S: Final = 30


@click.group()
def devices() -> None:
    """What runs beside the hardware."""


@devices.command("run")
@click.option(
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What runs here; see docs/adapters.md.  [default: DIR/devices.toml]",
)
@click.option("--camera", "source", help="Only this: /dev/video0, a video or a folder.")
@click.option("--device", "name", help="With --camera: the id it was enrolled with.")
@click.option("--store", help="With --camera: the store's id.")
@click.option(
    "--mqtt",
    "broker",
    default="127.0.0.1:1883",
    show_default=True,
    metavar="HOST:PORT",
    help="With --camera: where the store's broker listens.",
)
@click.option(
    "--password",
    envvar="STOREHUB_DEVICE_PASSWORD",
    help="With --camera: what `storehub device enrol` printed; better by STOREHUB_DEVICE_PASSWORD.",
)
@click.option(
    "--preview",
    type=click.IntRange(1, 65535),
    help="With --camera: show what it sees at this port.",
)
@click.option("--hub", help="With --camera: https://HUB:PORT; looks twice at what is not sold.")
@click.option("--once", is_flag=True, help="With --camera: end when the video or folder ends.")
@data_option
def run(
    file: Path | None,
    source: str | None,
    name: str | None,
    store: str | None,
    broker: str,
    password: str | None,
    preview: int | None,
    hub: str | None,
    once: bool,
    directory: Path,
) -> None:
    """Run what stands beside the hardware: gateway, cameras, scanners, scales, printers.

    Without --camera it is what devices.toml says, each part with its own account in DIR/devices.
    """
    if source is None:
        _run_parts(file or directory / parts.FILE, directory)
        return
    if file is not None:
        raise click.UsageError("Either --config or --camera.")
    if name is None or store is None:
        raise click.UsageError("--camera needs --device and --store.")
    host, _, port = broker.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter("is HOST:PORT", param_hint="--mqtt")
    if password is None:
        password = click.prompt("Password", hide_input=True)
    account = Account(store, name, host, int(port), name, password)
    settings = camera.CameraSettings(source=source, again=not once, hub=hub)
    _run_camera(account, settings, preview, directory)


def _run_parts(file: Path, directory: Path) -> None:
    planned = parts.load(file, directory)
    logs.start("info")
    stop = threading.Event()
    until_told(stop.set)
    parts.run(planned, directory, stop)


def _run_camera(
    account: Account, settings: camera.CameraSettings, preview: int | None, directory: Path
) -> None:
    logs.start("info")
    stop = threading.Event()
    until_told(stop.set)
    client = DeviceClient(account, directory / "devices")
    shown = Preview(port=preview) if preview else None
    if shown is not None:
        click.echo(f"What the camera sees: {shown.url}")
    client.start()
    try:
        camera.run(settings, client, stop, preview=shown)
        if not settings.again and not client.drained(DRAIN_S):
            raise Unavailable("Scans wait in the outbox: the hub did not confirm them yet.")
    finally:
        client.stop()
        if shown is not None:
            shown.stop()


@devices.command("adapters")
@json_option
def list_adapters(as_json: bool) -> None:
    """List the families that a gateway here can read."""
    found = [
        {"family": one.family, "bridge": one.bridge, "module": one.read.__module__}
        for one in sorted(adapters.known().values())
    ]
    show(found, as_json, lambda rows: [f"{row['family']:16} {row['module']}" for row in rows])


@devices.command("keyboards")
@json_option
def list_keyboards(as_json: bool) -> None:
    """List where keyboards and keyboard-wedge scanners are plugged in, for devices.toml."""
    found = [one._asdict() for one in plugs.LinuxPlugs().plugged()]
    show(
        found,
        as_json,
        lambda rows: [f"{row['port']:28} {row['name']}" for row in rows] or ["No keyboard."],
    )


@devices.command("map")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--try",
    "tried",
    nargs=2,
    metavar="TOPIC PAYLOAD",
    help="Show what a gateway would make of this message; PAYLOAD - reads standard input.",
)
@json_option
def map_file(file: Path, tried: tuple[str, str] | None, as_json: bool) -> None:
    """Check a mapping FILE, and try it on a message. See docs/adapters.md."""
    adapter = adapters.mapped.load(file)
    if tried is None:
        click.echo(f"{file.name} describes the family {adapter.family}.")
        return
    topic, payload = tried
    raw = sys.stdin.buffer.read() if payload == "-" else payload.encode()
    heard = adapter.read(topic, raw, adapters.Received(SystemClock().now()))
    show(
        [_row(one) for one in heard],
        as_json,
        lambda rows: [_heard(row) for row in rows] or ["Nothing: no rule is for this message."],
    )


def _row(heard: adapters.Heard) -> dict[str, Any]:
    row: dict[str, Any] = {"is": type(heard).__name__.lower(), **heard._asdict()}
    if row.get("at") is not None:
        row["at"] = stamp(row["at"])
    return row


def _heard(row: dict[str, Any]) -> str:
    """One line of what a message says."""
    match row["is"]:
        case "reading":
            when = f"{row['at']} ({row['quality']})" if row["at"] else "at no known time"
            state = ", on change only" if row["state"] else ""
            known = f", id {row['id']}" if row["id"] else ", no identity"
            data = json.dumps(row["data"], ensure_ascii=False)
            return f"{row['kind']} of {row['address']}: {data} {when}{state}{known}"
        case "status":
            return f"status of {row['address']}: {'there' if row['online'] else 'away'}"
        case "sighted":
            return f"sighted {row['address']}"
        case _:
            return f"unreadable: {row['reason']} {row['detail']}".rstrip()


devices.add_command(joining.join)

COMMANDS: Final = (devices,)
