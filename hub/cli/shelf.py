"""The command of the floor: places, shelf sensors and their calibration, inventories by RFID.

It must never state stock: an inventory ends as counts, large differences wait for a person.
"""

from pathlib import Path
from typing import Any, Final

import click
import msgspec

from hub.cli.edge import data_option, json_option, perform, read, show
from hub.shelf import queries, showing
from hub.shelf.sweeping import WHOLE


@click.group()
def shelf() -> None:
    """See the floor, teach shelf sensors, count by RFID."""


@shelf.command("places")
@data_option
@json_option
def places(directory: Path, as_json: bool) -> None:
    """Print the places in walking order, with the products and gaps of each."""

    def found(connection: Any) -> list[dict[str, Any]]:
        return showing.places(connection, queries.places(connection))

    show(read(directory, found), as_json, _places)


def _places(found: list[dict[str, Any]]) -> list[str]:
    lines = []
    for one in found:
        lines.append(f"{one['position']:6} {one['place']:12} {one['kind']:9} {one['name']}")
        for row in one["products"]:
            seen = "" if row["units"] is None else f"{row['units']} of {row['capacity']}"
            lines.append(f"{'':20} {row['sku']:16} {row['state']:4} {seen}")
    return lines


@shelf.command("sensors")
@data_option
@json_option
def sensors(directory: Path, as_json: bool) -> None:
    """Print the shelf sensors that were heard."""
    found = msgspec.to_builtins(read(directory, queries.sensors))
    show(found, as_json, lambda rows: [_sensor(row) for row in rows])


def _sensor(row: dict[str, Any]) -> str:
    where = row["place"] or "not placed"
    if row["kind"] == "weight" and row["unit"] is None:
        state = "to be calibrated"
    else:
        state = "gap" if row["gap"] else f"{row['units']} units"
    return f"{row['device']:20} {row['kind']:9} {where:12} {row['sku']:16} {state}"


@shelf.command("calibrate")
@click.argument("device")
@click.option("--units", type=click.IntRange(1), help="So many units lie on the shelf now.")
@click.option("--sku", help="What they are; absent: what the sensor's place is planned for.")
@data_option
@json_option
def calibrate(
    device: str, units: int | None, sku: str | None, directory: Path, as_json: bool
) -> None:
    """Teach a scale: first with the shelf EMPTY, then with --units N of a product on it."""
    done = perform(directory, "shelf.calibrate", device=device, units=units, sku=sku)
    show(done, as_json, lambda row: [_taught(row)])


def _taught(row: dict[str, Any]) -> str:
    if row["unit"] is None:
        return f"{row['device']}: the empty shelf is {row['tare']:.0f} g. Now put units on it."
    return f"{row['device']}: one {row['sku']} is {row['unit']:.1f} g."


@shelf.command("antenna")
@click.argument("device")
@click.argument("antenna", type=click.IntRange(0))
@click.argument("place", default="")
@data_option
def antenna(device: str, antenna: int, place: str, directory: Path) -> None:
    """Say that ANTENNA of the reader DEVICE looks at PLACE; without one, at the reader's own."""
    perform(directory, "shelf.antenna", device=device, antenna=antenna, place=place)
    click.echo(f"Antenna {antenna} of {device} looks at {place or 'the place of the reader'}.")


@shelf.group("inventory")
def inventory() -> None:
    """Count by RFID: begin, sweep, end."""


@inventory.command("begin")
@click.argument("place", default=WHOLE)
@click.option("--device", default="", help="A sled: its reads alone, wherever it is carried.")
@data_option
@json_option
def begin(place: str, device: str, directory: Path, as_json: bool) -> None:
    """Begin an inventory of PLACE; without one, of the whole store."""
    done = perform(directory, "shelf.inventory.begin", place=place, device=device)
    show(done, as_json, _sweep)


@inventory.command("end")
@click.argument("sweep")
@data_option
@json_option
def end(sweep: str, directory: Path, as_json: bool) -> None:
    """End inventory SWEEP: small differences are counted, large ones wait."""
    show(perform(directory, "shelf.inventory.end", sweep_id=sweep), as_json, _sweep)


@inventory.command("confirm")
@click.argument("sweep")
@click.argument("sku")
@click.option("--leave", is_flag=True, help="Leave the record as it is instead.")
@data_option
@json_option
def confirm(sweep: str, sku: str, leave: bool, directory: Path, as_json: bool) -> None:
    """Count SKU after all, although it differs much."""
    done = perform(directory, "shelf.inventory.confirm", sweep_id=sweep, sku=sku, accept=not leave)
    show(done, as_json, _sweep)


@inventory.command("drop")
@click.argument("sweep")
@data_option
@json_option
def drop(sweep: str, directory: Path, as_json: bool) -> None:
    """Give inventory SWEEP up."""
    show(perform(directory, "shelf.inventory.drop", sweep_id=sweep), as_json, _sweep)


@inventory.command("list")
@data_option
@json_option
def listed(directory: Path, as_json: bool) -> None:
    """Print the last inventories."""
    found = msgspec.to_builtins(read(directory, queries.sweeps))
    show(found, as_json, lambda rows: [line for row in rows for line in _sweep(row)])


def _sweep(row: dict[str, Any]) -> list[str]:
    place = "the whole store" if row["place"] == WHOLE else row["place"]
    lines = [f"{row['id']}  {row['state']:8} {place}, {row['tags']} tags"]
    return lines + [
        f"    {one['sku']:16} {one['tags']} tags, {one['difference']:+} to the record,"
        f" {one['state']}"
        for one in row["result"]
    ]


COMMANDS: Final = (shelf,)
