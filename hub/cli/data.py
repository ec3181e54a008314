"""Commands that bring data in, carry it away and put it right: import, backup, restore, rebuild.

It must never apply half of a file unless it was told to.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from hub import backup as backups
from hub import control, demo, imports, settings
from hub.catalog import queries as catalog
from hub.cli.edge import applying, data_option, json_option, must_exist, show
from hub.clock import SystemClock
from hub.errors import Refusal
from hub.store import Store, files
from sync import headoffice as central

F = Callable[..., Any]
Find = Callable[[str], str | None]


@click.group("import")
def import_() -> None:
    """Bring in a catalogue, stock, sales or a planogram from CSV or JSON lines."""


_MAP_HELP: Final = "Which of the file's columns is which of ours: EAN=gtin,Title=name."


def _file_options(function: F) -> F:
    """FILE, --map, --dry-run, --partial, --data and --json: what every import takes."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    options: tuple[Callable[[F], F], ...] = (
        json_option,
        data_option,
        click.option("--partial", is_flag=True, help="Apply what is right, refuse the rest."),
        click.option("--dry-run", is_flag=True, help="Check the file and apply nothing."),
        click.option("--map", "mapping", metavar="COLUMN=OURS", multiple=True, help=_MAP_HELP),
        click.argument("file", type=file),
    )
    for add in options:
        function = add(function)
    return function


@import_.command("catalog")
@_file_options
@click.option("--central", "url", metavar="URL", help="Central inventory; else the demo's.")
@click.option("--token", envvar="STOREHUB_CENTRAL_API_TOKEN", help="A token of central's API.")
def import_catalog(url: str | None, token: str | None, directory: Path, **chosen: Any) -> None:
    """Send products to central; they reach every hub by its feed."""

    at, key = url or demo.central_url(directory), token or demo.central_token(directory)
    if not chosen["dry_run"] and not (at and key):
        raise Refusal("Name central and a token of its API: --central URL --token TOKEN.")

    def deliver(chunk: Mapping[str, Any]) -> Mapping[str, Any]:
        return central.import_catalog(at, key, chunk)

    _import("catalog", deliver, None, **chosen)


@import_.command("stock")
@_file_options
def import_stock(directory: Path, **chosen: Any) -> None:
    """Enter counted stock into the store's ledger; each row is a count."""
    _into_store("stock", directory, **chosen)


@import_.command("sales")
@_file_options
def import_sales(directory: Path, **chosen: Any) -> None:
    """Enter sales that a till kept; a sale that is known already counts once."""
    _into_store("sales", directory, **chosen)


@import_.command("planogram")
@_file_options
def import_planogram(directory: Path, **chosen: Any) -> None:
    """Set places and what belongs there; a place that FILE names is set whole."""
    _into_store("planogram", directory, **chosen)


def _into_store(kind: str, directory: Path, **chosen: Any) -> None:
    must_exist(directory)
    with _articles(directory) as find, applying(directory) as perform:
        _import(kind, lambda chunk: perform(f"import.{kind}", chunk=chunk), find, **chosen)


def _import(
    kind: str,
    deliver: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    find: Find | None,
    *,
    file: Path,
    mapping: tuple[str, ...],
    dry_run: bool,
    partial: bool,
    as_json: bool,
) -> None:
    report = imports.check(
        file, kind, imports.parse_mapping(mapping), find=find, progress=_checking
    )
    for problem in report.refused:
        click.echo(f"{file.name}: {problem.sentence()}", err=True)
    answer = report.as_json() | {"applied": None}
    if dry_run:
        show(answer, as_json, _checked)
        return
    # Raises the refusal of the whole file where lines are refused and not `partial`.
    applied = imports.apply(report, deliver, _progress, partial=partial)
    show(answer | {"applied": applied.as_json()}, as_json, _checked)
    if not applied.ok:
        raise Refusal(f"{len(applied.refused)} rows of {file.name} were refused on the way.")


def _checked(answer: dict[str, Any]) -> list[str]:
    lines = [f"{answer['rows']} rows are right, {answer['refused_count']} refused."]
    lines += answer["notes"]
    if answer["applied"] is not None:
        done = answer["applied"]
        lines += [f"{done['applied']} applied, {done['known']} were known already."]
        lines += [f"line {one['line']}: {one['reason']}" for one in done["refused"]]
    return lines


def _checking(lines: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{lines} lines checked", err=True, nl=False)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{100 * done // max(1, total):3} % applied      ", err=True, nl=done >= total)


@contextmanager
def _articles(directory: Path) -> Iterator[Find]:
    """Look GTINs up in the store's catalogue, which may be years behind or empty."""
    database = files(directory)

    def find(gtin: str) -> str | None:
        # One short view for each: a view held through a long import would keep the WAL growing.
        with database.reader() as connection:
            return catalog.sku_for_gtin(connection, gtin)

    try:
        yield find
    finally:
        database.close()


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
