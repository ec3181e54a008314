"""Commands about the store's credential at central: another one, or a first one again.

They must never print a credential, and never make the old one worthless before the new one is on
disk.
"""

from pathlib import Path
from typing import Any, Final

import click

from hub import init, settings
from hub.cli.edge import data_option, must_exist
from hub.errors import Refusal, Unavailable
from hub.settings import Settings
from sync.client import Client, Denied, Trouble, enrol
from sync.trust import Trust, trust_of


@click.group()
def credential() -> None:
    """This store's credential at central; a running hub takes a new one up by itself."""


@credential.command()
@data_option
def rotate(directory: Path) -> None:
    """Fetch another credential with the present one, keep it, and make the old one worthless."""
    chosen, trust = _central(directory)
    try:
        fresh = _ask(chosen, chosen.central_token, trust, Client.renew)
        init.keep_credential(directory, fresh)
        gone = _ask(chosen, fresh, trust, Client.settle)
    except Denied as error:
        raise Refusal(
            "Central does not accept this store's credential: ask for a token."
        ) from error
    except Trouble as error:
        raise Unavailable(f"Central at {chosen.central_url} does not answer.") from error
    click.echo(f"The store has a new credential; {gone} made worthless.")


@credential.command("enrol")
@click.argument("token")
@data_option
def enrol_(token: str, directory: Path) -> None:
    """Exchange the one-time TOKEN of head office for a credential, after one was revoked."""
    chosen, trust = _central(directory)
    init.keep_credential(directory, enrol(chosen.central_url, chosen.store, token, trust))
    click.echo("The store has a credential; a running hub uses it within five minutes.")


def _central(directory: Path) -> tuple[Settings, Trust]:
    must_exist(directory)
    chosen = settings.load(directory)
    if not chosen.central_url:
        raise Refusal("This store has no central: set central_url.")
    if not chosen.sources.get("central_token", settings.SECRETS).endswith(settings.SECRETS):
        raise Refusal("The credential comes from the environment: change it there.")
    return chosen, trust_of(chosen, directory)


def _ask(chosen: Settings, shown: str, trust: Trust, question: Any) -> Any:
    client = Client(chosen.central_url, chosen.store, shown, "credential", trust=trust)
    try:
        return question(client)
    finally:
        client.close()


COMMANDS: Final[tuple[Any, ...]] = (credential,)
