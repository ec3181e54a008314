"""Commands about who may do what: people, tokens, quarantine, erasure.

It must never print a secret again that was shown once.
"""

import secrets
from pathlib import Path
from typing import Final

import click
import msgspec

from hub import quarantine as kept
from hub.cli.edge import data_option, json_option, perform, read, show
from hub.errors import Refusal
from hub.staff import queries as staff_queries
from hub.staff.rules import ROLES


def _some_name() -> str:
    return f"cli-{secrets.token_hex(3)}"


@click.group()
def token() -> None:
    """API tokens: made once, shown once."""


@token.command("create")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What its holder may do.")
@click.option(
    "--name", default=_some_name, help="Who will use it; a name can be revoked. [default: drawn]"
)
@data_option
@json_option
def token_create(role: str, name: str, directory: Path, as_json: bool) -> None:
    """Make a token for the API and print it."""
    made = perform(directory, "token.create", name=name, role=role)
    show(made, as_json, lambda m: [m["token"]])


@token.command("revoke")
@click.argument("name")
@data_option
def token_revoke(name: str, directory: Path) -> None:
    """Make token NAME worthless."""
    perform(directory, "token.revoke", name=name)
    click.echo(f"{name} opens nothing any more.")


@click.group()
def staff() -> None:
    """The people who work here."""


@staff.command("add")
@click.argument("staff_id")
@click.option("--name", required=True, help="As screens show it.")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default="associate",
    show_default=True,
    help="What the person may do.",
)
@click.option(
    "--pin",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    help="To sign in with; asked for when it is not given.",
)
@click.option("--badge", is_flag=True, help="Also make a badge and print its text.")
@data_option
@json_option
def staff_add(
    staff_id: str, name: str, role: str, pin: str, badge: bool, directory: Path, as_json: bool
) -> None:
    """Add a person who signs in with a PIN."""
    made = perform(
        directory, "staff.add", staff_id=staff_id, name=name, role=role, pin=pin, badge=badge
    )
    show(made, as_json, lambda m: [f"{m['staff_id']} ({m['role']})", *filter(None, [m["badge"]])])


@staff.command("list")
@data_option
@json_option
def staff_list(directory: Path, as_json: bool) -> None:
    """List the people and their roles."""
    found = read(directory, staff_queries.members)
    show(
        msgspec.to_builtins(found),
        as_json,
        lambda rows: [f"{row['staff_id']:16} {row['role']:10} {row['name']}" for row in rows],
    )


@staff.command("pin")
@click.argument("staff_id")
@click.option(
    "--pin",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    help="The new one; asked for when it is not given.",
)
@data_option
def staff_pin(staff_id: str, pin: str, directory: Path) -> None:
    """Give a person a new PIN and sign them out everywhere."""
    perform(directory, "staff.pin", staff_id=staff_id, pin=pin)
    click.echo(f"{staff_id} has a new PIN and is signed out everywhere.")


@staff.command("badge")
@click.argument("staff_id")
@click.option("--none", is_flag=True, help="Make none: the one that was lost opens nothing.")
@data_option
@json_option
def staff_badge(staff_id: str, none: bool, directory: Path, as_json: bool) -> None:
    """Make a person a new badge in place of the old one and sign them out everywhere."""
    made = perform(directory, "staff.badge", staff_id=staff_id, none=none)
    show(made, as_json, lambda m: [m["badge"] or f"{staff_id} has no badge any more."])


@staff.command("deactivate")
@click.argument("staff_id")
@data_option
def staff_deactivate(staff_id: str, directory: Path) -> None:
    """Let a person sign in no more and sign them out everywhere."""
    perform(directory, "staff.deactivate", staff_id=staff_id)
    click.echo(f"{staff_id} can't sign in any more.")


@click.group()
def quarantine() -> None:
    """Messages that could not be read or applied."""


@quarantine.command("list")
@click.option(
    "--limit",
    default=100,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="At most so many, newest first.",
)
@data_option
@json_option
def quarantine_list(limit: int, directory: Path, as_json: bool) -> None:
    """List what waits, the newest first."""
    rows = [
        {
            "id": row.id,
            "source": row.source,
            "device": row.device,
            "topic": row.topic,
            "reason": row.reason,
            "detail": row.detail,
            "times": row.times,
            "first_at": row.first_at,
            "last_at": row.last_at,
            "body": row.body[:400].decode("utf-8", "replace"),
        }
        for row in read(directory, kept.waiting, limit)
    ]
    show(
        rows,
        as_json,
        lambda rows: [
            f"{row['id']:6} {row['last_at']} {row['device']} {row['reason']}: {row['detail']}"
            for row in rows
        ],
    )


@quarantine.command("replay")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Replay all that waits.")
@data_option
@json_option
def quarantine_replay(
    ids: tuple[int, ...], everything: bool, directory: Path, as_json: bool
) -> None:
    """Send messages IDS the same way again."""
    if bool(ids) == everything:
        raise click.UsageError("Name messages, or say --all.")
    if everything:
        ids = tuple(row.id for row in read(directory, kept.waiting, 100_000))
    done = perform(directory, "quarantine.replay", ids=list(ids))
    show(done, as_json, lambda rows: [f"{row['id']:6} {row['outcome']}" for row in rows])
    left = sum(row["outcome"] not in ("committed", "duplicate", "sent back") for row in done)
    if left:
        raise Refusal(f"{left} of {len(done)} messages could not be applied.")


@click.command()
@click.argument("ref")
@data_option
def erase(ref: str, directory: Path) -> None:
    """Erase the personal data of the customer with reference REF; the facts stay."""
    perform(directory, "customer.erase", ref=ref)
    click.echo(f"The personal data of {ref} are erased.")


COMMANDS: Final = (token, staff, quarantine, erase)
