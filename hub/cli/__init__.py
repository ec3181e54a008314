"""The `storehub` command: parses, calls and prints; it must never decide.

It exits with 0 when done, 1 when refused or failed, 2 when misused. An error is one sentence on
stderr. Each command is imported when it is asked for: `storehub status` needs no web server.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

from hub.errors import HubError

HOMES: Final = {
    "hub.cli.running": ("central", "demo", "init", "line", "run", "simulate"),
    "hub.cli.data": ("backup", "import", "rebuild", "restore"),
    "hub.cli.asking": ("doctor", "export", "status", "verify"),
    "hub.cli.promises": ("explain", "rights"),
    "hub.cli.fleet": ("device",),
    "hub.cli.credential": ("credential",),
    "hub.cli.conformance": ("conformance",),
    "hub.cli.admin": ("erase", "quarantine", "staff", "token"),
    "hub.cli.paper": ("print",),
    "hub.cli.policies": ("policies",),
    "hub.cli.reading": ("decode",),
    "hub.cli.shelf": ("shelf",),
    "hub.cli.beside": ("devices",),
    "hub.cli.broker": ("broker",),
}


class _Lazy(click.Group):
    """Knows its commands by name and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(name for names in HOMES.values() for name in names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for home, names in HOMES.items():
            if cmd_name in names:
                commands: Sequence[click.Command] = import_module(home).COMMANDS
                return next(command for command in commands if command.name == cmd_name)
        return None


@click.group(
    cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="storehub")
def storehub() -> None:
    """Runs a shop floor from one small box."""


def main() -> None:
    """Run the command line; a HubError ends it with its sentence."""
    _spare_numpy()
    try:
        storehub.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(1)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.exceptions.NoArgsIsHelpError as asked:
        asked.show()
        sys.exit(asked.exit_code)
    except click.ClickException as misuse:
        click.echo(" ".join(misuse.format_message().split()), err=True)
        sys.exit(misuse.exit_code)
    except HubError as error:
        click.echo(error.sentence, err=True)
        sys.exit(1)


def _spare_numpy() -> None:
    """Load sqlite-utils without numpy: it would take 15 MiB for column types that no table has."""
    if "numpy" not in sys.modules:
        sys.modules["numpy"] = None  # type: ignore[assignment]
        import_module("sqlite_utils")
        del sys.modules["numpy"]


if __name__ == "__main__":
    main()
