"""Commands that bring data in, carry it away and put it right: import, backup, restore, rebuild.

It must never apply half of a file unless it was told to.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from hub import backup as backups
from hub import control, imports, settings
from hub.cli.edge import data_option, json_option, must_exist, perform, show
from hub.clock import SystemClock
from hub.errors import Invalid, Refusal
from hub.store import Store
from sync import orders as central

F = Callable[..., Any]


@click.group("import")
def import_() -> None:
    """Bring in a catalogue, stock or sales from CSV or JSON lines."""


def _file_options(function: F) -> F:
    for option in reversed(
        [
            click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
            click.option(
                "--map",
                "mapping",
                metavar="OURS=THEIRS,…",
                default="",
                help="Which of the file's columns is which of ours: gtin=EAN,name=Title.",
            ),
            click.option("--dry-run", is_flag=True, help="Check the file and apply nothing."),
            click.option("--partial", is_flag=True, help="Apply what is right, refuse the rest."),
            data_option,
            json_option,
        ]
    ):
        function = option(function)
    return function


@import_.command("catalog")
@_file_options
@click.option("--central", "url", metavar="URL", help="Central inventory; else the store's own.")
@click.option("--token", envvar="STOREHUB_CENTRAL_API_TOKEN", help="A token of central's API.")
def import_catalog(url: str | None, token: str | None, directory: Path, **chosen: Any) -> None:
    """Send products to central; they reach every hub by its feed."""

    def deliver(chunk: dict[str, Any]) -> dict[str, Any]:
        return central.import_catalog(url or known.central_url, token or "", chunk)

    known = settings.load(directory)
    if not (url or known.central_url):
        raise Refusal("This store has no central: name one with --central URL.")
    if not token and not chosen["dry_run"]:
        raise Invalid("Central wants a token: --token or STOREHUB_CENTRAL_API_TOKEN.")
    _import("catalog", deliver, **chosen)


@import_.command("stock")
@_file_options
def import_stock(directory: Path, **chosen: Any) -> None:
    """Enter counted stock into the store's ledger; each row is a count."""
    must_exist(directory)
    _import("stock", lambda chunk: perform(directory, "import.stock", chunk=chunk), **chosen)


@import_.command("sales")
@_file_options
def import_sales(directory: Path, **chosen: Any) -> None:
    """Enter sales that a till kept; a sale that is known already counts once."""
    must_exist(directory)
    _import("sales", lambda chunk: perform(directory, "import.sales", chunk=chunk), **chosen)


def _import(
    kind: str,
    deliver: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    file: Path,
    mapping: str,
    dry_run: bool,
    partial: bool,
    as_json: bool,
) -> None:
    report = imports.check(file, kind, imports.mapping(mapping))
    for refused in report.refused:
        click.echo(f"{file.name}:{refused.sentence}", err=True)
    blocked = bool(report.refused) and not partial
    applied = None
    if not dry_run and not blocked:
        applied = imports.apply(report, deliver, _progress(report.rows))
    answer = {
        "file": str(file),
        "rows": report.rows,
        "refused": len(report.refused),
        "applied": None if applied is None else msgspec.to_builtins(applied),
    }
    show(answer, as_json, _imported)
    if blocked:
        raise Refusal(
            f"{len(report.refused)} of {report.rows + len(report.refused)} rows are refused and"
            " nothing was applied: mend them, or say --partial."
        )


def _imported(answer: dict[str, Any]) -> list[str]:
    done = answer["applied"]
    if done is None:
        return [f"{answer['rows']} rows are right, {answer['refused']} refused; nothing applied."]
    return [", ".join(f"{name} {value}" for name, value in done.items())]


def _progress(total: int) -> Callable[[int], None]:
    last = -1

    def tell(done: int) -> None:
        nonlocal last
        percent = 100 * done // max(1, total)
        if percent != last and click.get_text_stream("stderr").isatty():
            last = percent
            click.echo(f"\r{percent:3} %", err=True, nl=done >= total)

    return tell


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@data_option
@json_option
def backup(target: Path, directory: Path, as_json: bool) -> None:
    """Write the store to file TARGET while its hub goes on."""
    must_exist(directory)
    store = settings.load(directory).store
    made = msgspec.to_builtins(backups.backup(directory, target, store, SystemClock()))
    show(made, as_json, lambda m: [f"{m['store']} up to seq {m['seq']} → {target}"])


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
@json_option
def restore(source: Path, directory: Path, as_json: bool) -> None:
    """Unpack backup SOURCE into an empty data directory."""
    made = msgspec.to_builtins(backups.restore(source, directory))
    show(made, as_json, lambda m: [f"{m['store']} as of seq {m['seq']}, made {m['made_at']}"])


@click.command()
@data_option
def rebuild(directory: Path) -> None:
    """Fold the journal into fresh projections; the hub must be stopped."""
    must_exist(directory)
    if control.running(directory):
        raise Refusal("The hub runs: stop it first, a rebuild needs the files alone.")
    with Store(directory, settings.load(directory)) as store:
        store.rebuild()
    click.echo("The projections are what the journal says.")


COMMANDS: Final = (import_, backup, restore, rebuild)
