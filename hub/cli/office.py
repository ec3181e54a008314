"""What head office does with a central's files: tokens, stores, a backup.

It must never print a secret twice, nor write beside a central on SQLite that runs: that one has
an API.
"""

from pathlib import Path
from typing import Any, Final

import click

from hub.cli.edge import data_option, database_option, json_option, show
from sync.central import (
    backup,
    create_enrolment,
    create_token,
    init,
    join,
    list_keys,
    reclaim_rights,
    return_rights,
    revoke_key,
    revoke_store,
    rights,
    rotate_key,
)


@click.command()
@click.option(
    "--role",
    type=click.Choice(("admin", "orders", "catalog", "read")),
    required=True,
    help="What its holder may do; `read` opens the fleet page.",
)
@click.option("--name", required=True, help="Who will use it.")
@data_option
@database_option
@json_option
def token(role: str, name: str, directory: Path, database: str, as_json: bool) -> None:
    """Make a token of central's API; on SQLite a running central has POST /api/v1/tokens."""
    init(directory, database)
    made = {"name": name, "role": role, "token": create_token(directory, name, role, database)}
    show(made, as_json, lambda m: [m["token"]])


@click.command()
@click.argument("store_id")
@click.option("--name", required=True, help="As customers see it.")
@data_option
@database_option
@json_option
def store(store_id: str, name: str, directory: Path, database: str, as_json: bool) -> None:
    """Make a store known and print the one-time token with which its hub enrols."""
    join(directory, store_id, name, database)
    made = {"store": store_id, "token": create_enrolment(directory, store_id, database)}
    show(made, as_json, lambda m: [m["token"]])


@click.command("revoke-store")
@click.argument("store_id")
@data_option
@database_option
@json_option
def revoke_store_(store_id: str, directory: Path, database: str, as_json: bool) -> None:
    """Shut a store's hub out; a running central on SQLite has POST /api/v1/stores/…/revoke."""
    told = {"store": store_id, "revoked": revoke_store(directory, store_id, database)}
    show(told, as_json, lambda m: [f"{m['revoked']} credentials of {store_id} are worthless now."])


@click.command("backup")
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@data_option
@database_option
def backup_(target: Path, directory: Path, database: str) -> None:
    """Copy central's database (SQLite) and keys to TARGET; central may run meanwhile."""
    backup(directory, target, database)
    click.echo(f"Copied to {target}: central.db, the keys of pickup codes, page.key.")


@click.group()
def key() -> None:
    """The keys that sign pickup codes."""


@key.command()
@data_option
@database_option
@json_option
def rotate(directory: Path, database: str, as_json: bool) -> None:
    """Draw a new key; a running central has POST /api/v1/keys/rotate.

    It signs a store's codes once that store's hub has it. Codes of earlier keys stay good.
    """
    show(rotate_key(directory, database), as_json, lambda m: [m["key_id"]])


@key.command("list")
@data_option
@database_option
@json_option
def list_(directory: Path, database: str, as_json: bool) -> None:
    """The keys, newest first, and how many stores each signs for."""
    show(list_keys(directory, database), as_json, lambda found: [_told(one) for one in found])


@key.command()
@click.argument("key_id")
@data_option
@database_option
@json_option
def revoke(key_id: str, directory: Path, database: str, as_json: bool) -> None:
    """Make all codes of a stolen key worthless and sign those of open orders anew."""
    show(
        revoke_key(directory, key_id, database),
        as_json,
        lambda m: [
            f"{m['codes']} codes signed anew.",
            *[f"{one} has not heard of it yet." for one in m["unaware"]],
        ],
    )


def _told(one: dict[str, Any]) -> str:
    state = f"revoked {one['revoked_at']}" if one["revoked_at"] else f"{one['stores']} stores"
    return f"{one['key_id']}  {one['made_at']}  {state}"


@click.group("rights")
def rights_() -> None:
    """Who may promise whose units; a running central on SQLite has GET and POST …/rights."""


@rights_.command("show")
@click.argument("store_id")
@data_option
@database_option
@json_option
def show_rights(store_id: str, directory: Path, database: str, as_json: bool) -> None:
    """The rights between central and STORE_ID, in both directions."""
    show(rights(directory, store_id, database), as_json, _both)


def _both(found: dict[str, Any]) -> list[str]:
    parts = (
        ("of_the_store", "units of the store that central may promise"),
        ("of_the_distribution_centre", "units of the distribution centre that the store may"),
    )
    return [
        line for part, title in parts for line in (f"{title}:", *(_one(row) for row in found[part]))
    ]


def _one(row: dict[str, Any]) -> str:
    return (
        f"  {row['sku']:16} {row['held']} held: {row['granted']} lent, {row['spent']} spent,"
        f" {row['returned']} returned, {row['reclaimed']} taken back"
    )


@rights_.command("return")
@click.argument("store_id")
@data_option
@database_option
@json_option
def give_back(store_id: str, directory: Path, database: str, as_json: bool) -> None:
    """Sell nothing more of a store that may be dead; what was sold stays its to answer."""
    sides = return_rights(directory, store_id, database)
    show(sides, as_json, lambda found: [f"Rights to {len(found)} articles went back."])


@rights_.command("reclaim")
@click.argument("store_id")
@click.option("--yes", is_flag=True, help="The store is dead: do not ask.")
@data_option
@database_option
@json_option
def reclaim(store_id: str, yes: bool, directory: Path, database: str, as_json: bool) -> None:
    """Take back what a dead store was lent of the distribution centre."""
    if not yes:
        click.confirm("Whatever its hub confirmed meanwhile is promised twice. Go on?", abort=True)
    taken = reclaim_rights(directory, store_id, database)
    show(taken, as_json, lambda found: [f"{one['units']} of SKU {one['sku']}" for one in found])


COMMANDS: Final[tuple[Any, ...]] = (token, store, revoke_store_, backup_, key, rights_)
