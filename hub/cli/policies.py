"""Commands about what a store decided for itself, as a file that fits thousands of stores.

It must never change a part of a store when another part of the file cannot be used.
"""

import sys
from pathlib import Path
from typing import Any, Final

import click

from hub import settings
from hub.cli.edge import data_option, json_option, must_exist, perform, read, show
from hub.errors import Invalid
from hub.house import queries as house
from hub.imports import policies as written
from hub.pickup import decreeing
from hub.pickup import queries as pickup


@click.group()
def policies() -> None:
    """What the store decided: policies, opening hours, staging shelves."""


@policies.command("export")
@data_option
def export(directory: Path) -> None:
    """Print them as a file (TOML) that `policies apply` reads."""
    must_exist(directory)
    values, shelves = read(directory, house.policies), read(directory, pickup.staging_shelves)
    click.echo(written.write(settings.load(directory).store, values, shelves), nl=False)


@policies.command("apply")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option(
    "--whole",
    is_flag=True,
    help="What FILE does not name gets its default back; other staging shelves are given up.",
)
@data_option
@json_option
def apply(file: Path, dry_run: bool, whole: bool, directory: Path, as_json: bool) -> None:
    """Bring the store to what FILE says (- is stdin): all of it, or nothing.

    Twice is as good as once. What FILE does not name stays as it is.
    """
    must_exist(directory)
    text = _text(file)
    if dry_run:
        changed = read(directory, decreeing.would_change, written.read(text), whole)
    else:
        changed = perform(directory, "policies.apply", text=text, whole=whole)
    answer = {"dry_run": dry_run, "changed": changed}
    show(answer, as_json, lambda a: [_line(one) for one in a["changed"]] or ["Nothing changes."])


def _text(file: Path) -> str:
    name = "stdin" if str(file) == "-" else file
    try:
        content = sys.stdin.buffer.read() if name == "stdin" else file.read_bytes()
        return content.decode()
    except OSError as error:
        raise Invalid(f"{name} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise Invalid(f"{name} is no text in UTF-8.") from None


def _line(change: dict[str, Any]) -> str:
    return f"{change['what']}: {_said(change['from'])} → {_said(change['to'])}"


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['kind']}, {value['capacity']} orders"
    return "none" if value is None else f"{value}" or "always"


COMMANDS: Final = (policies,)
