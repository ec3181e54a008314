"""Commands that run something: the demo, a hub, central, devices, the line between them.

It must never run a second hub on one data directory.
"""

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

import click

from devices import simulator
from devices.account import Account
from hub import authority, broker, logs, settings
from hub import init as store_init
from hub.app import Hub
from hub.cli import office
from hub.cli.edge import data_option, database_option, json_option, must_exist, perform, show
from hub.cli.signals import until_told
from hub.demo import Demo
from hub.errors import Refusal
from hub.supervisor import Child, Supervisor, storehub
from sync import line as lines
from sync.central import init as central_init
from sync.central import serve as central_serve
from sync.client import enrol
from sync.trust import FILE as CENTRAL_CA
from sync.trust import Trust

# What a whole store has more than the sample.
WHOLE: Final = {"shelf": 20, "till": 4, "scanner": 6, "kiosk": 3, "door": 2}


@click.command()
@data_option
@click.option("--port-base", type=click.IntRange(1024, 65000), help="Take ports N … N+5.")
@click.option("--no-devices", is_flag=True, help="No simulated scanners, shelves and till.")
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 100),
    default=1.0,
    show_default=True,
    help="How many times faster than a real day.",
)
@click.option("--reset", is_flag=True, help="Begin with a new sample store.")
def demo(
    directory: Path, port_base: int | None, no_devices: bool, speed: float, reset: bool
) -> None:
    """Run the sample store: broker, central, the line, the hub and simulated devices."""
    logs.start("warning")
    with Demo(directory, port_base=port_base, devices=not no_devices, speed=speed) as floor:
        until_told(floor.stop)
        floor.open(reset=reset)
        for text in floor.greeting():
            click.echo(text)
        floor.stay()


@click.command()
@click.option("--store", required=True, help="The store's id: A–Z a–z 0–9 _ -.")
@click.option("--central", "url", default="", help="Where central inventory answers.")
@click.option("--enrol", "token", help="The one-time enrolment token that central gave.")
@click.option(
    "--central-ca",
    "ca",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file of the CA that central's certificate must come from; it is copied into DIR.",
)
@data_option
def init(store: str, url: str, token: str | None, ca: Path | None, directory: Path) -> None:
    """Make a new store in DIR."""
    credential = enrol(url, store, token, Trust(ca)) if token else ""
    pinned = {"central_ca": CENTRAL_CA} if ca else {}
    store_init.init(directory, store, central_url=url, central_token=credential, **pinned)
    if ca is not None:
        store_init.write(directory / CENTRAL_CA, ca.read_text(), 0o600)
    tls = broker.store_tls(directory, settings.load(directory))
    click.echo(f"The store's own CA, SHA-256: {authority.shown(tls.fingerprint())}")
    click.echo(f"{store} is made in {directory}; start it with: storehub run --data {directory}")


@click.command()
@data_option
def run(directory: Path) -> None:
    """Run the store's hub until it is told to stop."""
    must_exist(directory)
    chosen = settings.load(directory)
    logs.start(chosen.log_level)
    # The writer and the broker's link wait less for a page that is being rendered (acks: 10–30 %).
    sys.setswitchinterval(0.001)
    with Hub(directory, chosen) as hub:
        until_told(hub.stop)
        hub.serve()


@click.group(invoke_without_command=True)
@click.pass_context
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option(
    "--port",
    default=8090,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Listen on this port; 0 takes a free one.",
)
@database_option
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="As many processes on this port; PostgreSQL only.",
)
@click.option("--shared-port", is_flag=True, hidden=True)
def central(
    context: click.Context,
    directory: Path,
    host: str,
    port: int,
    database: str,
    workers: int,
    shared_port: bool,
) -> None:
    """Run central inventory; or, with a command, tend its files."""
    if context.invoked_subcommand is not None:
        return
    logs.start("info")
    if workers == 1:
        central_serve(directory, host, port, database=database, shared=shared_port)
        return
    if database == "sqlite" or port == 0:
        raise Refusal("Several workers need --database postgresql://… and a port of their own.")
    _central_workers(directory, host, port, database, workers)


def _central_workers(directory: Path, host: str, port: int, database: str, workers: int) -> None:
    central_init(directory, database)
    arguments = storehub(
        "central", "--data", str(directory), "--host", host, "--port", str(port), "--shared-port"
    )
    # Not among the arguments, where everybody on this machine could read its password.
    environment = {"STOREHUB_CENTRAL_DATABASE": database}
    stop = threading.Event()
    until_told(stop.set)
    supervisor = Supervisor(lambda: None)
    try:
        for number in range(workers):
            supervisor.add(Child(f"Central's worker {number}", arguments, None, environment))
        supervisor.watch(stop)
    finally:
        supervisor.stop()


for _command in office.COMMANDS:
    central.add_command(_command)


@click.group()
def line() -> None:
    """The line between hub and central: a real proxy that can be cut."""


def _line(command: str, told: str) -> Callable[[Path, bool], None]:
    def act(directory: Path, as_json: bool) -> None:
        state = lines.control(directory, command)
        show({"line": state}, as_json, lambda _: [told or f"The line is {state}."])

    return act


for _name, _help in (
    ("up", "Join hub and central again."),
    ("down", "Cut the line: connections end, new ones are refused."),
    ("status", "Say whether the line is up."),
):
    line.command(_name, help=_help)(data_option(json_option(_line(_name, ""))))


@click.command()
@data_option
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 10_000),
    default=1.0,
    show_default=True,
    help="How many times faster than a real day.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed, the same day.")
@click.option("--whole", is_flag=True, help="A whole store: 40 devices, lost links, human staff.")
@click.option("--record", type=click.File("wb"), help="Write down what all devices say.")
@click.option(
    "--replay",
    "tape",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Say again what --record wrote down, and end.",
)
def simulate(
    directory: Path,
    speed: float,
    seed: int,
    whole: bool,
    record: IO[bytes] | None,
    tape: Path | None,
) -> None:
    """Let simulated shoppers, scanners, shelves and tills live on the sample store's floor."""
    if not (directory / "demo.json").exists():
        raise Refusal(f"No sample store lies in {directory}: start one with `storehub demo`.")
    logs.start("info")
    stop = threading.Event()
    until_told(stop.set)
    if whole:
        whole_store(directory)
    if tape is not None:
        said, left_out = simulator.replay(directory, tape, speed=speed, stop=stop)
        click.echo(f"{said} observations were said again, {left_out} left out.")
        return
    simulator.run(directory, speed=speed, stop=stop, seed=seed, whole=whole, record=record)


def whole_store(directory: Path) -> None:
    """Let in what a whole store has more than the sample; once let in, they stay."""
    place = directory / simulator.MORE
    facts = json.loads((directory / "demo.json").read_bytes())
    address = urlsplit(facts["urls"]["mqtt"])
    for kind, count in WHOLE.items():
        for name in (f"{kind}-{n}" for n in range(10, 10 + count)):
            if not (place / f"{name}.json").exists():
                made = perform(directory, "device.enrol", device=name, kind=kind, place="")
                host, port = address.hostname or "127.0.0.1", address.port or 1883
                password = made["password"]
                Account(facts["store"], name, host, port, name, password).save(
                    place / f"{name}.json"
                )


COMMANDS: Final[tuple[Any, ...]] = (demo, init, run, central, line, simulate)
