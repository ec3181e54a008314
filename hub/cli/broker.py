"""Commands about the store's broker: run it, or write the files for one that somebody else runs.

It must never print a password.
"""

import os
from pathlib import Path
from typing import Any, Final

import click

from hub import broker as brokers
from hub import settings
from hub.cli.edge import data_option, json_option, read, show
from hub.errors import Refusal
from hub.fleet import queries as fleet


@click.group()
def broker() -> None:
    """The MQTT broker beside the hub."""


@broker.command("run")
@data_option
def run(directory: Path) -> None:
    """Run the store's broker until it is told to stop: mosquitto where it is found, else amqtt."""
    chosen = settings.load(directory)
    accounts = read(directory, fleet.accounts)
    command = brokers.prepare(directory, chosen, accounts)
    if not command:
        raise Refusal("The setting broker says 'external': somebody else runs it.")
    os.execv(command[0], command)


@broker.command("config")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="broker-files",
    show_default=True,
    help="Where the files are written; its name on the broker's machine is --at.",
)
@click.option("--at", default="/etc/mosquitto/storehub", show_default=True, help="Where they go.")
@click.option(
    "--state", default="/var/lib/mosquitto", show_default=True, help="Where mosquitto writes."
)
@click.option("--user", default="mosquitto", show_default=True, help="As whom mosquitto runs.")
@data_option
@json_option
def config(out: Path, at: str, state: str, user: str, directory: Path, as_json: bool) -> None:
    """Write the files for a mosquitto that somebody else runs; again when devices change.

    There: copy them, start mosquitto with this mosquitto.conf, and send it SIGHUP after a change.
    """
    chosen = settings.load(directory)
    accounts = read(directory, fleet.accounts)
    made = brokers.export(directory, chosen, accounts, out, Path(at), Path(state), user)
    told: dict[str, Any] = {"files": [str(file) for file in made]}
    show(told, as_json, lambda told: told["files"])


COMMANDS: Final = (broker,)
