"""What head office does with a central's files: tokens, stores, a backup.

It must never print a secret twice, nor write beside a central that runs: that one has an API.
"""

from pathlib import Path
from typing import Any, Final

import click

from hub.cli.edge import data_option, json_option, show
from sync.central import backup, create_enrolment, create_token, init, join


@click.command()
@click.option(
    "--role",
    type=click.Choice(("admin", "orders", "catalog", "read")),
    required=True,
    help="What its holder may do; `read` opens the fleet page.",
)
@click.option("--name", required=True, help="Who will use it.")
@data_option
@json_option
def token(role: str, name: str, directory: Path, as_json: bool) -> None:
    """Make a token of central's API; a running central has POST /api/v1/tokens."""
    init(directory)
    made = {"name": name, "role": role, "token": create_token(directory, name, role)}
    show(made, as_json, lambda m: [m["token"]])


@click.command()
@click.argument("store_id")
@click.option("--name", required=True, help="As customers see it.")
@data_option
@json_option
def store(store_id: str, name: str, directory: Path, as_json: bool) -> None:
    """Make a store known and print the one-time token with which its hub enrols."""
    join(directory, store_id, name)
    made = {"store": store_id, "token": create_enrolment(directory, store_id)}
    show(made, as_json, lambda m: [m["token"]])


@click.command("backup")
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@data_option
def backup_(target: Path, directory: Path) -> None:
    """Copy central's database and keys to TARGET; central may run meanwhile."""
    backup(directory, target)
    click.echo(f"Copied to {target}: central.db, pickup.key, page.key.")


COMMANDS: Final[tuple[Any, ...]] = (token, store, backup_)
