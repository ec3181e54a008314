"""The command that reads barcodes from pictures; it needs no store and no network."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import click

from devices.scanners import decode as decoding
from hub.cli.edge import json_option


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--symbology",
    "symbologies",
    multiple=True,
    type=click.Choice(sorted(decoding.SYMBOLOGIES)),
    help="Read these alone; may be given several times.",
)
@click.option(
    "--budget-ms",
    type=click.FloatRange(1),
    default=500.0,
    show_default=True,
    help="Time to spend on a picture that is hard to read.",
)
@json_option
def decode(
    images: tuple[Path, ...], symbologies: tuple[str, ...], budget_ms: float, as_json: bool
) -> None:
    """Read the barcodes in IMAGES, at any angle; one line an image."""
    wanted = frozenset(symbologies or decoding.SYMBOLOGIES)
    failed = False
    for line in decoding.main_lines(
        images, decoding.Options(symbologies=wanted, budget_ms=budget_ms)
    ):
        error = line.get("error")
        if error:
            failed = True
            click.echo(error, err=True)
        if as_json:
            click.echo(json.dumps(line, ensure_ascii=False))
        elif not error:
            click.echo(_readable(line))
            if "note" in line:
                click.echo(line["note"], err=True)
    if failed:
        sys.exit(1)


def _readable(line: dict[str, Any]) -> str:
    codes = [
        f"{code['symbology']} {code['text']}" + (f" (GTIN {code['gtin']})" if code["gtin"] else "")
        for code in line["codes"]
    ]
    return f"{line['file']}: {', '.join(codes) or 'no code'}"


COMMANDS: Final = (decode,)
