"""Commands by which devices come in: join codes with their QR, certificates, settings sheets.

It must never show a code or a key a second time.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
import segno

from devices import enrol
from hub import authority, joining, settings
from hub.cli.edge import data_option, json_option, perform, read, show
from hub.errors import Refusal
from hub.fleet.joining import rules, sheets


def code_option(function: Any) -> Any:
    return click.option(
        "--code", "by_code", is_flag=True, help="Show a join code and its QR instead."
    )(function)


def show_code(directory: Path, as_json: bool, how: str, name: str, **more: Any) -> None:
    """Make a join code and show it: as JSON, or with its QR and the CA's fingerprint."""
    made = perform(directory, "device.code", device=name, how=how, **more)
    show(made, as_json, _code)


def _code(made: Mapping[str, str]) -> list[str]:
    # A QR of characters: two rows of it to a line, so that it fits a terminal.
    drawn = segno.make(made["qr"], error="m", micro=False)
    return [
        f"Join code of {made['device']}:  {made['code']}   (once, until {made['until']})",
        "",
        *_halves([list(row) for row in drawn.matrix_iter(border=2)]),
        "",
        f"On the device:  storehub devices join {made['url']} {made['code']}",
        f"CA, SHA-256:    {authority.shown(made['ca_sha256'])}",
    ]


def _halves(rows: Sequence[Sequence[int]]) -> list[str]:
    blank = [0] * len(rows[0])
    pairs = zip(rows[::2], [*rows[1::2], blank][: len(rows[::2])], strict=True)
    # Light on dark terminals and dark on light ones: the quiet zone is drawn as well.
    return [
        "    " + "".join(" ▄▀█"[3 - 2 * upper - lower] for upper, lower in zip(*pair, strict=True))
        for pair in pairs
    ]


@click.command("certificate")
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="Where NAME.pem, NAME.key and ca.pem are written.",
)
@data_option
def certificate(name: str, out: Path, directory: Path) -> None:
    """Give device NAME a client certificate, for a broker that asks for one instead of a password.

    It counts until NAME gets a new secret or is revoked.
    """
    made = perform(directory, "device.certificate", device=name)
    out.mkdir(parents=True, exist_ok=True)
    for file, text in (
        (f"{name}.pem", made["certificate"]),
        (f"{name}.key", made["key"]),
        ("ca.pem", made["ca"]),
    ):
        _write(out / file, text)
    click.echo(f"{out / name}.pem and .key let {name} in as {made['name']}; ca.pem lies beside.")


@click.command("sheet")
@click.argument("name")
@click.option("--new-password", is_flag=True, help="Draw a new password first; the old one ends.")
@data_option
@json_option
def sheet(name: str, new_password: bool, directory: Path, as_json: bool) -> None:
    """Print what to type where, for device NAME that is set up by hand."""
    password = ""
    if new_password:
        password = perform(directory, "device.rotate", device=name)["password"]
    chosen = settings.load(directory)
    made = read(directory, joining.sheet, directory, chosen, name, password)
    show(msgspec.to_builtins(made), as_json, lambda _: sheets.lines(made))


@click.command("join")
@click.argument("where", metavar="URL|QR")
@click.argument("code", required=False)
@click.option("--ca-sha256", default="", help="The CA's SHA-256, as the hub shows it.")
@data_option
@json_option
def join(where: str, code: str | None, ca_sha256: str, directory: Path, as_json: bool) -> None:
    """Join a store with the CODE that its hub shows, or with the text of its QR alone."""
    if code is None:
        where, code, ca_sha256 = rules.read_qr(where)

    def compare(found: str) -> bool:
        click.echo(f"The hub's CA has the SHA-256\n  {authority.shown(found)}", err=True)
        return click.confirm("Does the hub show the same?", err=True)

    file = enrol.join(where, rules.tidy(code), directory, ca_sha256=ca_sha256, compare=compare)
    device = file.stem
    show(
        {"device": device, "account": str(file)},
        as_json,
        lambda _: [f"This is {device} now; its account is in {file}."],
    )


def _write(file: Path, text: str) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise Refusal(f"{file} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
