"""Shows the floor and changes its plan: by search, by a scan, on a phone between the shelves.

It must never decide: a press runs the room's action, and its refusal is shown as its sentence.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from flask import Blueprint, Response, render_template, request, url_for

from hub import gs1
from hub.catalog import queries as catalog
from hub.catalog import search
from hub.errors import Invalid, NotFound
from hub.fleet import queries as fleet
from hub.journal import Transaction
from hub.shelf import actions, inventory, queries, sensors, showing
from hub.shelf.facts import KINDS
from hub.shelf.rules import Facing, Place
from hub.shelf.sensing import Sensor
from hub.shelf.sweeping import WHOLE
from kiosk_ui.pressing import pressed
from kiosk_ui.session import Person, hub, need
from kiosk_ui.words import _, later

shelves = Blueprint("shelves", __name__, url_prefix="/shelves")
FOUND_MOST: Final = 8
# Kinds of device that mean nothing without a place of the plan.
SENSING: Final = frozenset({"shelf", "scale", "presence", "rfid"})
KIND_NAMES: Final = {
    "shelf": later("Shelf"),
    "door": later("Door"),
    "counter": later("Counter"),
    "dock": later("Dock"),
    "staging": later("Staging"),
    "backroom": later("Backroom"),
}
Work = Callable[[Transaction, str], object]


@shelves.get("")
def page() -> str:
    need("shelves")
    return render_template("shelves/page.html", here="shelves", kinds=KIND_NAMES, **floor())


@shelves.get("/parts")
def parts() -> str:
    need("shelves")
    return render_template("shelves/list.html", kinds=KIND_NAMES, **floor())


@shelves.post("")
def put() -> Response:
    """Make a place and go to it."""
    person = need("plan")
    try:
        wanted = place_of_form()
    except Invalid as error:
        return toast(error.sentence)
    refused = pressed(person, lambda tx, cause: _put(tx, wanted, person, cause))
    if refused:
        return toast(refused)
    address = url_for("shelves.place_page", place=wanted.place)
    return Response("", headers={"HX-Redirect": address})


@shelves.get("/at/<place>")
def place_page(place: str) -> str:
    need("shelves")
    return render_template("shelves/place.html", here="shelves", **place_shown(place))


@shelves.get("/at/<place>/body")
def place_body(place: str) -> str:
    need("shelves")
    return render_template("shelves/place_body.html", **place_shown(place))


@shelves.post("/at/<place>")
def change(place: str) -> Response:
    person = need("plan")
    try:
        wanted = place_of_form(place)
    except Invalid as error:
        return body(place, error.sentence)
    return body(place, pressed(person, lambda tx, cause: _put(tx, wanted, person, cause)))


@shelves.post("/at/<place>/drop")
def drop(place: str) -> Response:
    person = need("plan")
    refused = pressed(
        person, lambda tx, cause: actions.drop_place(tx, place, actor=person.actor, cause=cause)
    )
    if refused:
        return body(place, refused)
    return Response("", headers={"HX-Redirect": url_for("shelves.page")})


@shelves.get("/at/<place>/search")
def find(place: str) -> str:
    """Show what could be added; what belongs here already says so."""
    need("shelves")
    text = request.args.get("q", "").strip()
    with hub().reader() as connection:
        found = search.search(connection, text, FOUND_MOST) if text else []
        here = {one.sku for one in queries.facings(connection, place)}
    return render_template(
        "shelves/found.html", found=found, here_already=here, at=place, asked=text
    )


@shelves.post("/at/<place>/products")
def set_product(place: str) -> Response:
    person = need("plan")
    form = request.form
    try:
        wanted = Facing(
            place,
            form.get("sku", ""),
            number("facings", 1),
            number("capacity", 0),
            number("low", 0),
        )
        tagged = form.get("tagged") == "yes" if "tells_tagged" in form else None
    except Invalid as error:
        return body(place, error.sentence)

    def work(tx: Transaction, cause: str) -> object:
        return actions.set_facing(tx, wanted, actor=person.actor, cause=cause, tagged=tagged)

    return body(place, pressed(person, work), hit=wanted.sku)


@shelves.post("/at/<place>/products/drop")
def drop_product(place: str) -> Response:
    person = need("plan")
    sku = request.form.get("sku", "")

    def work(tx: Transaction, cause: str) -> object:
        return actions.drop_facing(tx, place, sku, actor=person.actor, cause=cause)

    return body(place, pressed(person, work))


@shelves.post("/at/<place>/scan")
def scan(place: str) -> Response:
    """A scanned article belongs here from now on."""
    person = need("plan")
    text = request.form.get("text", "").strip()
    meaning = gs1.read(text) if text else None
    with hub().reader() as connection:
        code = (meaning.gtin or meaning.text) if meaning is not None else ""
        sku = catalog.sku_of(connection, code) if code else None
        known = sku is not None and queries.facing(connection, place, sku) is not None
    if sku is None:
        return body(place, _("No product has this code."))
    if known:
        return body(place, None, hit=sku)

    def work(tx: Transaction, cause: str) -> object:
        return actions.set_facing(tx, Facing(place, sku), actor=person.actor, cause=cause)

    return body(place, pressed(person, work), hit=sku)


@shelves.post("/at/<place>/sensors/<device>")
def calibrate(place: str, device: str) -> Response:
    """A step of the calibration, while somebody stands at the shelf."""
    person = need("calibrate")
    try:
        units = number("units", 0) or None
    except Invalid as error:
        return body(place, error.sentence)
    sku, tuning = request.form.get("sku") or None, hub().options.shelf

    def work(tx: Transaction, cause: str) -> object:
        return sensors.calibrate(
            tx, device, fleet.place_of, tuning,
            actor=person.actor, cause=cause, units=units, sku=sku,
        )  # fmt: skip

    return body(place, pressed(person, work))


@shelves.get("/sensors/<device>/reading")
def reading(device: str) -> str:
    """What a scale shows now, for whoever stands before it."""
    need("shelves")
    with hub().reader() as connection:
        found = queries.sensor(connection, device)
    if found is None or not found.recent:
        return ""
    return _("shows %(n)s g", n=f"{found.recent[-1][1]:,.0f}")


@shelves.post("/inventories")
def begin() -> Response:
    person = need("count")
    place = request.form.get("place", "")

    def work(tx: Transaction, cause: str) -> object:
        return inventory.begin(tx, place, actor=person.actor, cause=cause)

    return body(request.form.get("at", ""), pressed(person, work))


@shelves.post("/inventories/<sweep>/<step>")
def take(sweep: str, step: str) -> Response:
    """End an inventory, give it up, or decide what waits for a person."""
    person = need("adjust" if step in ("count", "leave") else "count")
    sku, most = request.form.get("sku", ""), hub().options.sweep_confirm
    by: dict[str, Any] = {"actor": person.actor}
    steps: Mapping[str, Work] = {
        "end": lambda tx, cause: inventory.end(tx, sweep, most, cause=cause, **by),
        "drop": lambda tx, cause: inventory.drop(tx, sweep, cause=cause, **by),
        "count": lambda tx, cause: inventory.confirm(tx, sweep, sku, True, cause=cause, **by),
        "leave": lambda tx, cause: inventory.confirm(tx, sweep, sku, False, cause=cause, **by),
    }
    if step not in steps:
        raise NotFound(_("There is no such step."))
    return body(request.form.get("at", ""), pressed(person, steps[step]))


# -- what is shown


def floor() -> dict[str, Any]:
    """Return the floor by aisle in walking order, and what needs a hand."""
    with hub().reader() as connection:
        seen = showing.Seen.now(connection)
        places = [row(connection, one, seen) for one in queries.places(connection)]
        sweeps = running(connection)
        heard = queries.sensors(connection)
        unplaced = not_placed(connection, heard, {one["place"] for one in places})
        tags = seen.tags
    aisles = [(aisle, list(found)) for aisle, found in groupby(places, lambda one: one["aisle"])]
    return {
        "aisles": aisles,
        "places": len(places),
        "products": sum(one["products"] for one in places),
        "gaps": sum(len(one["gaps"]) for one in places),
        "lows": sum(len(one["lows"]) for one in places),
        "tags": sum(sum(found.values()) for found in tags.values()),
        "sensors": heard,
        "unplaced": unplaced,
        "sweeps": sweeps,
        "whole": WHOLE,
        "at": "",
    }


def not_placed(
    connection: Any, heard: Sequence[Sensor], places: Collection[str]
) -> list[tuple[str, str]]:
    """Return (device, where the fleet has it) of what senses shelves and tags, yet no place."""
    found = {one.device: "" for one in heard if not one.place}
    for one in fleet.registry(connection):
        if one.revoked_at is None and one.kind in SENSING and one.place not in places:
            found[one.id] = one.place
    return sorted(found.items())


def row(connection: Any, one: Place, seen: showing.Seen) -> dict[str, Any]:
    """Return a place as a line of the list; only what needs a hand is named."""
    named: dict[str, list[str]] = {"gap": [], "low": []}
    facings = queries.facings(connection, one.place)
    for facing in facings:
        _units, state = seen.of(facing)
        if state in named:
            named[state].append(catalog.name(connection, facing.sku))
    return {
        **showing.head(one),
        "kind_name": KIND_NAMES[one.kind],
        "products": len(facings),
        "tags": sum(seen.tags.get(one.place, {}).values()),
        "gaps": named["gap"],
        "lows": named["low"],
    }


def place_shown(place: str) -> dict[str, Any]:
    with hub().reader() as connection:
        known = queries.known_place(connection, place)
        shown = showing.place(connection, known)
        heard = [one for one in queries.sensors(connection) if one.place == place]
        names = {one.sku: catalog.name(connection, one.sku) for one in heard if one.sku}
        sweeps = [one for one in running(connection) if one.place == place]
    return {
        "place": shown,
        "sensors": heard,
        "names": names,
        "sweeps": sweeps,
        "kinds": KIND_NAMES,
        "at": place,
    }


def running(connection: Any) -> list[queries.Sweep]:
    """Return inventories that go on or wait, and the last one that is over."""
    found = queries.sweeps(connection, 10)
    over = [one for one in found if one.state in ("counted", "dropped")][:1]
    return [one for one in found if one.state in ("open", "waiting") or one in over]


# -- pressing


def body(place: str, refused: str | None, hit: str | None = None) -> Response:
    """Show the place (or the floor) as it stands now, with the refusal of what was pressed."""
    if place:
        shown = render_template("shelves/place_body.html", hit=hit, **place_shown(place))
    else:
        shown = render_template("shelves/list.html", kinds=KIND_NAMES, **floor())
    return Response(shown + (toast(refused).get_data(as_text=True) if refused else ""))


def toast(sentence: str) -> Response:
    return Response(render_template("parts/toast.html", sentence=sentence))


def place_of_form(place: str | None = None) -> Place:
    form = request.form
    name = place or form.get("place", "").strip()
    kind = form.get("kind", "shelf")
    if kind not in KINDS:
        raise Invalid(_("There is no such kind of place."), field="kind")
    label = form.get("name", "").strip() or name
    return Place(name, kind, label, form.get("aisle", "").strip(), number("position", 0))


def number(field: str, otherwise: int) -> int:
    text = request.form.get(field, "").strip()
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(_("%(field)s is a whole number.", field=field), field=field)
    return int(text)


def _put(tx: Transaction, wanted: Place, person: Person, cause: str) -> object:
    return actions.put_place(tx, wanted, actor=person.actor, cause=cause)
