"""Commands that only look: status, doctor, verify, export.

They must never need a running hub, and never change anything.
"""

import json
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from hub import app, control, doctor, journal, settings
from hub.cli.edge import data_option, json_option, must_exist, quiet_pipe, read, show
from hub.cli.proof import verified
from hub.errors import Refusal
from hub.pickup import queries as pickup
from hub.shelf import queries as shelf
from hub.stock import queries as stock


@click.command()
@data_option
@json_option
def status(directory: Path, as_json: bool) -> None:
    """Say how the store's hub is: head of the journal, sync, quarantine, devices."""
    must_exist(directory)
    if control.running(directory):
        answer = control.ask(directory, "status", {})
    else:
        answer = read(directory, app.at_rest, settings.load(directory))
    show(answer, as_json, _status)


def _status(answer: dict[str, Any]) -> list[str]:
    sync = answer["sync"]
    running = "running" if answer["instance"] else "not running"
    return [
        f"store       {answer['store']} ({running})",
        f"journal     seq {answer['seq']}  {answer['hash'][:16]}…",
        f"sync        {sync['state']}, pushed to seq {sync['pushed_seq']}, as of {sync['as_of']}",
        f"quarantine  {answer['quarantine']} waiting",
        f"devices     {answer['devices']} known",
    ]


@click.command()
@data_option
@json_option
def verify(directory: Path, as_json: bool) -> None:
    """Prove the chain, that a rebuild equals what lives, the balances, and that central agrees."""
    must_exist(directory)
    report = verified(directory, settings.load(directory))
    show(
        msgspec.to_builtins(report),
        as_json,
        lambda r: [
            f"{'ok ' if c['ok'] else 'NOT'} {c['name']:10} {c['detail']}" for c in r["checks"]
        ],
    )
    if not report.ok:
        wrong = ", ".join(check.name for check in report.checks if not check.ok)
        raise Refusal(f"This store does not verify: {wrong}.")


@click.command("doctor")
@data_option
@json_option
def doctor_(directory: Path, as_json: bool) -> None:
    """Look at the machine: versions, disk, clock, broker, files, and say what to do."""
    found = msgspec.to_builtins(doctor.examine(directory))
    show(
        found,
        as_json,
        lambda rows: [f"{'ok ' if r['ok'] else 'NOT'} {r['name']:10} {r['detail']}" for r in rows],
    )
    if not all(row["ok"] for row in found):
        raise Refusal("Something needs attention: see the lines that begin with NOT.")


@click.group()
def export() -> None:
    """Print what the store knows as JSON lines."""


@export.command("journal")
@data_option
def export_journal(directory: Path) -> None:
    """Print the journal, all columns."""
    _lines(directory, journal.export)


@export.command("stock")
@data_option
def export_stock(directory: Path) -> None:
    """Print each SKU with its buckets."""
    _lines(directory, stock.export)


@export.command("planogram")
@data_option
def export_planogram(directory: Path) -> None:
    """Print each place with its products, as `import planogram` reads it."""
    _lines(directory, shelf.export)


@export.command("orders")
@data_option
def export_orders(directory: Path) -> None:
    """Print each pickup order."""
    _lines(directory, pickup.export)


def _lines(directory: Path, rows: Any) -> None:
    def print_all(connection: Any) -> None:
        for row in rows(connection):
            click.echo(json.dumps(row, ensure_ascii=False))

    quiet_pipe(lambda: read(directory, print_all))


COMMANDS: Final = (status, verify, doctor_, export)
