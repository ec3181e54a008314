"""Commands about devices: let in, adopt, place, renew, tell, shut out.

It must never print a secret again that was shown once.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from hub import settings
from hub.cli import joining
from hub.cli.edge import data_option, json_option, perform, read, show
from hub.clock import SystemClock, stamp
from hub.fleet import queries
from hub.fleet.watch import queries as watch
from hub.ingest import queries as observed
from hub.jobs import limits_of

POWER: Final = click.Choice(("mains", "battery"))


@click.group()
def device() -> None:
    """Let devices in, see them, place them, shut them out."""


@device.command("enrol")
@click.argument("name")
@click.option("--kind", default="scanner", show_default=True, help="scanner, shelf, till, kiosk …")
@click.option("--place", default="", help="Where it stands: counter, door 2, shelf A3.")
@click.option("--family", default="storehub", show_default=True, help="shelly, zigbee2mqtt …")
@click.option("--power", type=POWER, default="mains", show_default=True, help="What feeds it.")
@click.option("--via", help="The gateway that speaks for it.")
@click.option("--grant", "grants", multiple=True, help="A foreign topic filter that it writes.")
@click.option("--address", help="What its family calls it.")
@joining.code_option
@data_option
@json_option
def enrol(
    name: str, directory: Path, as_json: bool, by_code: bool, grants: Sequence[str], **how: Any
) -> None:
    """Give device NAME its credentials, which are shown this once; or a code to fetch them."""
    if by_code:
        joining.show_code(directory, as_json, "enrol", name, grants=list(grants), **how)
        return
    made = perform(directory, "device.enrol", device=name, grants=list(grants), **how)
    show(made, as_json, _credentials)


@device.command("adopt")
@click.argument("family")
@click.argument("address")
@click.argument("name")
@click.option("--kind", required=True, help="button, contact, climate, rfid …")
@click.option("--place", default="", help="Where it stands.")
@click.option("--power", type=POWER, default="mains", show_default=True, help="What feeds it.")
@click.option("--grant", "grants", multiple=True, help="A foreign topic filter that it writes.")
@data_option
@json_option
def adopt(
    family: str,
    address: str,
    name: str,
    directory: Path,
    as_json: bool,
    grants: Sequence[str],
    **how: Any,
) -> None:
    """Let in as NAME the device that a gateway noticed at ADDRESS of FAMILY."""
    made = perform(
        directory, "device.adopt", device=name, family=family, address=address,
        grants=list(grants), **how,
    )  # fmt: skip
    show(made, as_json, _credentials)


def _credentials(made: Mapping[str, str]) -> list[str]:
    if not made["password"]:
        return [f"{made['id']} is let in; its gateway speaks for it, so it has no password."]
    return [f"username  {made['username']}", f"password  {made['password']}"]


@device.command("list")
@click.option("--waiting", is_flag=True, help="What was noticed and waits to be adopted.")
@data_option
@json_option
def list_(waiting: bool, directory: Path, as_json: bool) -> None:
    """List the devices; what needs a hand comes first."""
    if waiting:
        sighted = msgspec.to_builtins(read(directory, queries.sightings))
        show(sighted, as_json, lambda rows: [_sighted(row) for row in rows])
        return
    found = watch.by_urgency(read(directory, watch.devices, *_now(directory)))
    show(msgspec.to_builtins(found), as_json, lambda rows: [_line(row) for row in rows])


def _now(directory: Path) -> tuple[int, Any]:
    now_ms = int(SystemClock().now().timestamp() * 1000)
    return now_ms, limits_of(settings.load(directory))


def _line(row: Mapping[str, Any]) -> str:
    needs = " ".join(one for one in row["needs"] if one != row["state"])
    return (
        f"{row['id']:24} {row['kind']:10} {row['place']:16} {row['state']:8} {row['guarantee']} "
        f"{_time(row['last_ms']):24} {needs}".rstrip()
    )


def _sighted(row: Mapping[str, Any]) -> str:
    name = row["name"] or row["topic"] or ""
    return f"{row['family']:16} {row['address']:32} {row['last_at']} {row['times']:5} {name}"


def _time(ms: int | None) -> str:
    return "never" if ms is None else stamp(datetime.fromtimestamp(ms / 1000, UTC))


@device.command("show")
@click.argument("name")
@data_option
@json_option
def show_(name: str, directory: Path, as_json: bool) -> None:
    """Show device NAME whole: its state, its last observations and its commands."""

    def whole(connection: Any) -> dict[str, Any]:
        found = watch.device(connection, name, *_now(directory))
        gaps = observed.gaps(connection, name, found.high_seq or 0) if found.missing else []
        return {
            "device": found,
            "observations": observed.latest(connection, name),
            "commands": queries.commands(connection, name),
            "missing": gaps,
        }

    show(msgspec.to_builtins(read(directory, whole)), as_json, _whole)


def _whole(told: Mapping[str, Any]) -> list[str]:
    lines = [f"{name:20} {value}" for name, value in told["device"].items()]
    lines += [f"{'numbers missing':20} {first}-{last}" for first, last in told["missing"]]
    for one in told["observations"]:
        outcome = f" refused: {one['outcome']}" if one["outcome"] else ""
        lines.append(f"{_time(one['occurred_ms'])} {one['kind']:10} {one['body'][:60]}{outcome}")
    for one in told["commands"]:
        lines.append(f"{one['at']} {one['name']:10} {one['state']} {one['answer'] or ''}".rstrip())
    return lines


@device.command("move")
@click.argument("name")
@click.argument("place")
@data_option
def move(name: str, place: str, directory: Path) -> None:
    """Say that device NAME stands at PLACE now."""
    perform(directory, "device.move", device=name, place=place)
    click.echo(f"{name} stands at {place} now.")


@device.command("rotate")
@click.argument("name")
@joining.code_option
@data_option
@json_option
def rotate(name: str, by_code: bool, directory: Path, as_json: bool) -> None:
    """Give device NAME a new password; the old one ends at once (with --code: when redeemed)."""
    if by_code:
        joining.show_code(directory, as_json, "rotate", name)
        return
    show(perform(directory, "device.rotate", device=name), as_json, _credentials)


@device.command("replace")
@click.argument("name")
@click.option("--address", help="What its family calls the new unit.")
@joining.code_option
@data_option
@json_option
def replace(name: str, address: str | None, by_code: bool, directory: Path, as_json: bool) -> None:
    """Put another unit in the place of NAME, which broke: same id and place, new password."""
    if by_code:
        more = {"address": address} if address else {}
        joining.show_code(directory, as_json, "replace", name, **more)
        return
    made = perform(directory, "device.replace", device=name, address=address)
    show(made, as_json, _credentials)


@device.command("revoke")
@click.argument("name")
@data_option
def revoke(name: str, directory: Path) -> None:
    """Shut device NAME out; a live connection is cut."""
    perform(directory, "device.revoke", device=name)
    click.echo(f"{name} may not connect any more.")


@device.command("command")
@click.argument("name")
@click.argument("what")
@click.argument("values", nargs=-1, metavar="[KEY=VALUE]…")
@data_option
@json_option
def command(name: str, what: str, values: Sequence[str], directory: Path, as_json: bool) -> None:
    """Tell device NAME to do WHAT: identify, restart, config … A VALUE is JSON, else text."""
    payload = dict(_pair(one) for one in values)
    made = perform(directory, "device.command", device=name, name=what, payload=payload)
    show(made, as_json, lambda m: [f"{what} waits for {name} as {m['key']}."])


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


device.add_command(joining.certificate)
device.add_command(joining.sheet)

COMMANDS: Final = (device,)
