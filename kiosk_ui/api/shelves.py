"""The floor plan, shelf sensors, tags and inventories by RFID, for programs.

It must never state stock: an inventory ends as counts of the stock room.
"""

from typing import Annotated, Any, Literal

import msgspec
from flask import request
from msgspec import Meta, Struct

from hub.fleet import queries as fleet
from hub.shelf import actions, inventory, queries, sensors, showing
from hub.shelf.facts import KINDS
from hub.shelf.rules import Facing, Place
from hub.shelf.sensing import Sensor
from hub.shelf.sweeping import WHOLE
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import Call, Query, command, read
from kiosk_ui.api.orders import asked_limit
from kiosk_ui.session import hub

PlaceId = Annotated[str, Meta(min_length=1, max_length=32)]
Number = Annotated[int, Meta(ge=0, le=1_000_000)]


class PutPlace(bodies.Asked):
    place: PlaceId
    kind: Literal["shelf", "door", "counter", "dock", "staging", "backroom"] = "shelf"
    name: Annotated[str, Meta(max_length=80)] = ""
    aisle: Annotated[str, Meta(max_length=40)] = ""
    position: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0


class SetFacing(bodies.Asked):
    sku: bodies.Sku
    facings: Annotated[int, Meta(ge=1, le=1000)] = 1
    capacity: Number = 0
    low: Number = 0
    tagged: bool | None = None


class DropFacing(bodies.Asked):
    sku: bodies.Sku


class Calibrate(bodies.Asked):
    """`units` absent: the shelf is empty now. Else so many units of `sku` lie on it."""

    units: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    sku: bodies.Sku | None = None


class Antenna(bodies.Asked):
    """`place` empty: the antenna looks at the reader's own place again."""

    antenna: Annotated[int, Meta(ge=0, le=1000)]
    place: Annotated[str, Meta(max_length=32)] = ""


class BeginSweep(bodies.Asked):
    """`place` `*` is the whole store. `device`: reads of this reader alone, wherever it is."""

    place: PlaceId
    device: Annotated[str, Meta(max_length=64)] = ""


class ConfirmSweep(bodies.Asked):
    sku: bodies.Sku
    accept: bool = True


class ShelfProduct(Struct):
    sku: str
    name: str
    facings: int
    capacity: int
    low: int
    units: int | None
    tags: int
    tagged: bool
    state: Literal["ok", "low", "gap"]


class ShelfPlace(Struct):
    place: str
    kind: str
    name: str
    aisle: str
    position: int
    products: list[ShelfProduct]


class ShelfSensor(Struct):
    device: str
    kind: Literal["weight", "presence"]
    place: str
    sku: str
    units: int | None
    gap: bool
    calibrated: bool
    worn: bool
    differs: bool
    last_ms: int


# -- the plan


@read(
    "/shelf/places",
    "Places in walking order, each with its products and what is seen of them.",
    step="shelves",
    answer=bodies.Listed,
    queries=(
        Query("kind", f"One of {', '.join(KINDS)}; all unless told."),
        Query("sku", "Only places where this SKU belongs."),
    ),
)
def shelf_places() -> Any:
    kind, sku = request.args.get("kind") or None, request.args.get("sku")
    with hub().reader() as connection:
        found = queries.places_of(connection, sku) if sku else queries.places(connection, kind)
        items = showing.places(connection, found)
    return {"items": items, "next": None}


@read("/shelf/places/<place>", "One place.", step="shelves", answer=ShelfPlace)
def shelf_place(place: str) -> Any:
    with hub().reader() as connection:
        return showing.place(connection, queries.known_place(connection, place))


@command(
    "/shelf/places",
    "Make or change a place.",
    step="plan",
    body=PutPlace,
    answer=ShelfPlace,
)
def shelf_place_put(call: Call, asked: PutPlace) -> Any:
    wanted = Place(asked.place, asked.kind, asked.name or asked.place, asked.aisle, asked.position)
    actions.put_place(call.tx, wanted, actor=call.actor, cause=call.cause)
    return showing.place(call.tx.conn, wanted)


@command(
    "/shelf/places/<place>/drop",
    "Take a place out of the plan, and what belongs there.",
    step="plan",
    body=bodies.Nothing,
    answer=dict[str, Any],
)
def shelf_place_drop(call: Call, asked: bodies.Nothing, place: str) -> Any:
    actions.drop_place(call.tx, place, actor=call.actor, cause=call.cause)
    return {"place": place}


@command(
    "/shelf/places/<place>/products",
    "Say that a product belongs to a place, how much of it, and whether its units carry tags.",
    step="plan",
    body=SetFacing,
    answer=ShelfPlace,
)
def shelf_facing(call: Call, asked: SetFacing, place: str) -> Any:
    wanted = Facing(place, asked.sku, asked.facings, asked.capacity, asked.low)
    actions.set_facing(call.tx, wanted, actor=call.actor, cause=call.cause, tagged=asked.tagged)
    return showing.place(call.tx.conn, queries.known_place(call.tx.conn, place))


@command(
    "/shelf/places/<place>/products/drop",
    "Say that a product no longer belongs to a place.",
    step="plan",
    body=DropFacing,
    answer=ShelfPlace,
)
def shelf_facing_drop(call: Call, asked: DropFacing, place: str) -> Any:
    actions.drop_facing(call.tx, place, asked.sku, actor=call.actor, cause=call.cause)
    return showing.place(call.tx.conn, queries.known_place(call.tx.conn, place))


# -- sensors


@read(
    "/shelf/sensors",
    "Shelf sensors as they were heard; an empty place means: not placed.",
    step="shelves",
    answer=bodies.Listed,
)
def shelf_sensors() -> Any:
    with hub().reader() as connection:
        found = queries.sensors(connection)
    return {"items": [msgspec.to_builtins(as_shown(one)) for one in found], "next": None}


@command(
    "/shelf/sensors/<device>/calibrate",
    "A step of the guided calibration: the empty shelf, then a number of units on it.",
    step="calibrate",
    body=Calibrate,
    answer=ShelfSensor,
)
def shelf_calibrate(call: Call, asked: Calibrate, device: str) -> Any:
    sensors.calibrate(
        call.tx,
        device,
        fleet.place_of,
        call.hub.options.shelf,
        actor=call.actor,
        cause=call.cause,
        units=asked.units,
        sku=asked.sku,
    )
    found = queries.sensor(call.tx.conn, device)
    assert found is not None
    return as_shown(found)


@command(
    "/shelf/sensors/<device>/forget",
    "Forget a sensor that is no longer there.",
    step="plan",
    body=bodies.Nothing,
    answer=dict[str, Any],
)
def shelf_sensor_forget(call: Call, asked: bodies.Nothing, device: str) -> Any:
    sensors.forget(call.tx, device, actor=call.actor, cause=call.cause)
    return {"device": device}


def as_shown(one: Sensor) -> ShelfSensor:
    return ShelfSensor(
        device=one.device,
        kind=one.kind,
        place=one.place,
        sku=one.sku,
        units=one.units if one.counts else None,
        gap=one.gap,
        calibrated=one.kind == "presence" or one.counts,
        worn=one.worn,
        differs=one.disagree_ms is not None,
        last_ms=one.at_ms,
    )


# -- tags and inventories


@read(
    "/shelf/tags",
    "Where tags of this store's articles were heard.",
    step="shelves",
    answer=bodies.Listed,
    queries=(
        Query("place", "One place; all unless told."),
        Query("limit", "At most so many, 100 unless told.", kind="integer"),
    ),
)
def shelf_tags() -> Any:
    with hub().reader() as connection:
        place = request.args.get("place") or None
        found = queries.tags_at(connection, place, asked_limit())
    return {"items": found, "next": None}


@command(
    "/shelf/readers/<device>/antennas",
    "Say which place an antenna of a reader looks at.",
    step="devices",
    body=Antenna,
    answer=dict[str, Any],
)
def shelf_antenna(call: Call, asked: Antenna, device: str) -> Any:
    actions.look_at(call.tx, device, asked.antenna, asked.place)
    return {"device": device, "antenna": asked.antenna, "place": asked.place}


@read("/shelf/inventories", "The last inventories.", step="shelves", answer=bodies.Listed)
def shelf_inventories() -> Any:
    with hub().reader() as connection:
        found = queries.sweeps(connection)
    return {"items": [msgspec.to_builtins(one) for one in found], "next": None}


@read("/shelf/inventories/<sweep>", "One inventory.", step="shelves", answer=queries.Sweep)
def shelf_inventory(sweep: str) -> Any:
    with hub().reader() as connection:
        return queries.sweep(connection, sweep)


@command(
    "/shelf/inventories",
    f"Begin an inventory by RFID of a place, or of the whole store ({WHOLE}).",
    step="count",
    body=BeginSweep,
    answer=queries.Sweep,
    status=201,
)
def shelf_inventory_begin(call: Call, asked: BeginSweep) -> Any:
    return inventory.begin(call.tx, asked.place, asked.device, actor=call.actor, cause=call.cause)


@command(
    "/shelf/inventories/<sweep>/end",
    "End it: small differences are counted, large ones wait for a person.",
    step="count",
    body=bodies.Nothing,
    answer=queries.Sweep,
)
def shelf_inventory_end(call: Call, asked: bodies.Nothing, sweep: str) -> Any:
    most = call.hub.options.sweep_confirm
    return inventory.end(call.tx, sweep, most, actor=call.actor, cause=call.cause)


@command(
    "/shelf/inventories/<sweep>/confirm",
    "Count a large difference after all, or leave the record as it is.",
    step="adjust",
    body=ConfirmSweep,
    answer=queries.Sweep,
)
def shelf_inventory_confirm(call: Call, asked: ConfirmSweep, sweep: str) -> Any:
    return inventory.confirm(
        call.tx, sweep, asked.sku, asked.accept, actor=call.actor, cause=call.cause
    )


@command(
    "/shelf/inventories/<sweep>/drop",
    "Give an inventory up.",
    step="count",
    body=bodies.Nothing,
    answer=queries.Sweep,
)
def shelf_inventory_drop(call: Call, asked: bodies.Nothing, sweep: str) -> Any:
    return inventory.drop(call.tx, sweep, actor=call.actor, cause=call.cause)
