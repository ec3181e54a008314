"""The `storehub` command: parses, calls and prints; it must never decide.

It exits with 0 when done, 1 when refused or failed, 2 when misused. An error is one sentence on
stderr.
"""

import sys

import click

from hub.cli import admin, asking, data, reading, running
from hub.errors import HubError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="storehub")
def storehub() -> None:
    """Runs a shop floor from one small box."""


for command in (
    *running.COMMANDS,
    *data.COMMANDS,
    *asking.COMMANDS,
    *admin.COMMANDS,
    *reading.COMMANDS,
):
    storehub.add_command(command)


def main() -> None:
    """Run the command line; a HubError ends it with its sentence."""
    try:
        storehub.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(1)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as misuse:
        misuse.show()
        sys.exit(misuse.exit_code)
    except HubError as error:
        click.echo(error.sentence, err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
