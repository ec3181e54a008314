"""The command that runs beside hardware: on the box, or on another machine of the store.

It must never need the hub's files: a device knows its account and its broker, nothing more.
"""

import threading
from pathlib import Path
from typing import Final

import click

from devices.client import Account, DeviceClient
from devices.scanners import camera
from devices.scanners.preview import Preview
from hub import logs
from hub.cli.edge import data_option
from hub.cli.signals import until_told
from hub.errors import Unavailable

# How long a film that was played once waits for the hub's word (seconds).
DRAIN_S: Final = 30


@click.group()
def devices() -> None:
    """What runs beside the hardware."""


@devices.command("run")
@click.option("--camera", "source", required=True, help="/dev/video0, a video or a folder.")
@click.option("--device", "name", required=True, help="The id it was enrolled with.")
@click.option("--store", required=True, help="The store's id.")
@click.option(
    "--mqtt",
    "broker",
    default="127.0.0.1:1883",
    show_default=True,
    metavar="HOST:PORT",
    help="Where the store's broker listens.",
)
@click.option(
    "--password",
    envvar="STOREHUB_DEVICE_PASSWORD",
    prompt=True,
    hide_input=True,
    help="What `storehub device enrol` printed; better by STOREHUB_DEVICE_PASSWORD.",
)
@click.option("--preview", type=click.IntRange(1, 65535), help="Show what the camera sees here.")
@click.option("--once", is_flag=True, help="End when the video or folder ends.")
@data_option
def run(
    source: str,
    name: str,
    store: str,
    broker: str,
    password: str,
    preview: int | None,
    once: bool,
    directory: Path,
) -> None:
    """Read barcodes with a camera and publish them as a scanner does."""
    host, _, port = broker.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter("is HOST:PORT", param_hint="--mqtt")
    logs.start("info")
    stop = threading.Event()
    until_told(stop.set)
    account = Account(store, name, host, int(port), name, password)
    client = DeviceClient(account, directory / "devices")
    shown = Preview(port=preview) if preview else None
    if shown is not None:
        click.echo(f"What the camera sees: {shown.url}")
    client.start()
    try:
        settings = camera.CameraSettings(source=source, again=not once)
        camera.run(settings, client, stop, preview=shown)
        if once and not client.drained(DRAIN_S):
            raise Unavailable("Scans wait in the outbox: the hub did not confirm them yet.")
    finally:
        client.stop()
        if shown is not None:
            shown.stop()


COMMANDS: Final = (devices,)
