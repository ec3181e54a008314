"""The commands that test what speaks to a hub: a vendor's device, and another central.

They must never touch a store of this machine: a device gets a throwaway broker in a directory of
its own that goes with the command, a central is spoken to over HTTP alone.
"""

import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import click

from devices.conformance import course, report, rules
from devices.conformance.examiner import Examiner, Where
from devices.conformance.line import CuttableLine
from hub import broker, settings
from hub.cli.edge import json_option, show
from hub.errors import Refusal, Unavailable
from hub.fleet.queries import Account
from hub.fleet.rules import hashed
from sync import conformance as central_exam

STORE: Final = "conformance"


@click.group()
def conformance() -> None:
    """Test what speaks to a hub."""


@conformance.command("device")
@click.option("--name", default="device-under-test", show_default=True, help="The device's id.")
@click.option("--listen", default="127.0.0.1", show_default=True, help="0.0.0.0 = from the LAN.")
@click.option("--port", default=0, help="Where the device connects. [default: a free one]")
@click.option("--password", default="", help="The device's password. [default: drawn]")
@click.option("--offline", "offline_s", default=30.0, show_default=True, help="Seconds cut off.")
@click.option("--steady", "steady_s", default=20.0, show_default=True, help="Seconds listened to.")
@click.option("--patience", "patience_s", default=75.0, show_default=True, help="Seconds waited.")
@click.option(
    "--broker", "given", metavar="HOST:PORT", help="Use this broker instead of a throwaway one."
)
@click.option("--hub-user", default="hub", show_default=True, help="With --broker: the hub's name.")
@click.option("--hub-password", envvar="STOREHUB_MQTT_PASSWORD", default="", help="And password.")
@click.option("--store", default=STORE, show_default=True, help="The store in the topics.")
@json_option
def device(
    name: str,
    listen: str,
    port: int,
    password: str,
    as_json: bool,
    given: str | None,
    hub_user: str,
    hub_password: str,
    store: str,
    offline_s: float,
    steady_s: float,
    patience_s: float,
) -> None:
    """Watch a device, provoke it and say what to mend. It exits with 1 when a rule failed.

    The device connects to the port that is printed, with the account that is printed, and
    observes something every second or so until the report comes.
    """
    times = course.Times(steady_s=steady_s, patience_s=patience_s, offline_s=offline_s)
    with ExitStack() as opened:
        if given is None:
            where, password = opened.enter_context(_throwaway(name, password, store))
        else:
            where = _given(given, hub_user, hub_password, store)
        line = CuttableLine((listen, port), (where.host, where.port))
        opened.callback(line.close)
        examiner = Examiner(where, name)
        examiner.start()
        opened.callback(examiner.stop)
        for row in _account(name, listen, line.port, password, store):
            click.echo(row, err=True)
        course.run(examiner, line, times, lambda sentence: click.echo(sentence, err=True))
        told = report.as_json(name, rules.judge(examiner.seen), times.offline_s)
    show(told, as_json, report.as_text)
    if not told["conforms"]:
        raise Refusal(f"{name} does not conform: see the lines that begin with NOT.")


@conformance.command("central")
@click.argument("url")
@click.option("--token", envvar="STOREHUB_CENTRAL_API_TOKEN", default="", help="Role admin.")
@click.option(
    "--enrol",
    "enrolments",
    metavar="STORE:TOKEN",
    multiple=True,
    help="Two stores' one-time tokens, for a central that makes stores in another way.",
)
@json_option
def central_(url: str, token: str, enrolments: tuple[str, ...], as_json: bool) -> None:
    """Play hubs and head office to the central at URL. It exits with 1 when a rule failed.

    Use a central for tests: two stores, a few orders and 1,200 articles stay behind, and it ends
    with what makes every store of that central begin its streams anew.
    """
    if len(enrolments) not in (0, 2) or not all(":" in one for one in enrolments):
        raise click.BadParameter("comes twice, each STORE:TOKEN", param_hint="--enrol")
    if not token and not enrolments:
        raise click.UsageError("Give --token of an admin, or --enrol STORE:TOKEN twice.")
    shops = [(store, word) for store, _, word in (one.partition(":") for one in enrolments)]
    exam = central_exam.Examiner(url, token, shops)
    try:
        lines = central_exam.examine(exam, lambda title: click.echo(f"{title} …", err=True))
    finally:
        exam.close()
    told = central_exam.as_json(url, lines)
    show(told, as_json, central_exam.as_text)
    if not told["conforms"]:
        raise Refusal(f"{url} does not conform: see the lines that begin with NOT.")


def _account(name: str, listen: str, port: int, password: str, store: str) -> list[str]:
    base = f"storehub/v1/{store}/{name}"
    return [
        f"host       {listen}",
        f"port       {port}   (no TLS here)",
        f"user name  {name}   (also the client id)",
        f"password   {password or '(as your broker knows it)'}",
        f"writes     {base}/obs/#, {base}/status",
        f"reads      {base}/ack, {base}/cmd/+",
        "",
    ]


def _given(address: str, username: str, password: str, store: str) -> Where:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter("is HOST:PORT", param_hint="--broker")
    return Where(host, int(port), username, password, store)


@contextmanager
def _throwaway(name: str, password: str, store: str) -> Iterator[tuple[Where, str]]:
    """Give a broker of our own with one account for the device."""
    password = password or secrets.token_urlsafe(20)
    with tempfile.TemporaryDirectory(prefix="storehub-conformance-") as place:
        directory = Path(place)
        flags: dict[str, Any] = {"store": store, "mqtt_port": _free_port(), "mqtts_port": 0}
        chosen = settings.load(directory, environment={}, flags=flags)
        account = Account(name, hashed(password, secrets.token_bytes(12)))
        process = subprocess.Popen(
            broker.prepare(directory, chosen, [account]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _answers(chosen.mqtt_port)
            word = broker.hub_password(directory, chosen)
            yield Where("127.0.0.1", chosen.mqtt_port, chosen.mqtt_username, word, store), password
        finally:
            process.terminate()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> None:
    end = time.monotonic() + 15
    while not broker.answers("127.0.0.1", port):
        if time.monotonic() > end:
            raise Unavailable("The throwaway broker does not start.")
        time.sleep(0.05)


COMMANDS: Final = (conformance,)
