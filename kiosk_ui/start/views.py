"""The start page: this floor right now, one scan's way through the hub, the line switch.

It must never name a customer or an order: anyone on the store's network may look.
"""

import sqlite3
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from flask import Blueprint, Response, current_app, render_template

from hub import quarantine
from hub.catalog import queries as catalog
from hub.clock import stamp
from hub.errors import NotFound
from hub.fleet.watch import queries as fleet
from hub.pickup import code as codes
from hub.pickup.board import queries as boards
from hub.staff.rules import BADGE
from hub.stock import queries as stock
from kiosk_ui.api.contract import json_response
from kiosk_ui.counter.cards import COLUMNS
from kiosk_ui.session import hub, need
from kiosk_ui.stream import Stream
from kiosk_ui.words import _

start = Blueprint("start", __name__)
TRAVELS_SHOWN = 8
LONGEST_MS = 60_000.0
Pins = tuple[tuple[str, str, str], ...]


@start.get("/")
def page() -> str:
    shown = hub()
    return render_template(
        "start/page.html",
        here="start",
        line=shown.line.status() if shown.line is not None else None,
        pins=one_each(shown.options.pins_shown),
        order_page=shown.options.order_page,
        **tiles_shown(),
    )


@start.get("/floor/tiles")
def tiles() -> str:
    return render_template("start/tiles.html", **tiles_shown())


@start.get("/floor/travels")
def travels() -> Response:
    """Return the last observations' ways through the hub, newest first."""
    stream: Stream = current_app.extensions["storehub_stream"]
    ways = [msgspec.to_builtins(way) for way in list(hub().travels())[:TRAVELS_SHOWN]]
    for way in ways:
        way.pop("topics", None)
    with hub().reader() as connection:
        for way in ways:
            way["screens_ms"] = screens_ms(way, stream)
            way["text"] = said(connection, way["kind"], way["text"])
    return json_response({"items": ways, "observations": observations()})


@start.get("/floor/line")
def line() -> str:
    return _line()


@start.post("/floor/line/<wanted>")
def switch(wanted: str) -> str:
    """Cut the real line to central, or mend it. Free to try in the sample store."""
    found = hub().line
    if found is None or wanted not in ("up", "down"):
        raise NotFound(_("There is no line to cut here."))
    if not hub().options.pins_shown:
        need("line")
    if wanted == "up":
        found.up()
    else:
        found.down()
    return _line()


def one_each(pins: Pins) -> Pins:
    """Return one person of each role, to try the store with."""
    roles: dict[str, tuple[str, str, str]] = {}
    for person in pins:
        roles.setdefault(person[1], person)
    return tuple(roles.values())


def screens_ms(way: dict[str, Any], stream: Stream) -> float | None:
    """Return when the way's commit was written to the screens, if it has been."""
    commit: float | None = way.get("commit_ms")
    if commit is None:
        return None
    received = float(way["received_ms"])  # whole milliseconds: a chunk may seem 1 ms early
    written = stream.written_after((received + commit - 1) / 1000)
    if written is None or written * 1000 - received > LONGEST_MS:
        return None
    return round(max(written * 1000 - received, commit), 2)


def said(connection: sqlite3.Connection, kind: str, text: str) -> str:
    """Return what a device said as people read it: the article, the units, the grams."""
    try:
        data = msgspec.json.decode(text)
    except msgspec.DecodeError:
        data = text
    if kind == "sale" and isinstance(data, dict):
        units = sum(int(line.get("qty", 0)) for line in data.get("lines", []))
        return _("%(n)s sold", n=units)
    if kind == "weight" and isinstance(data, dict):
        return _("%(n)s g", n=data.get("grams"))
    if kind == "scan":
        code = str(data.get("code") if isinstance(data, dict) else text)
        # Whoever reads a pickup code here could collect the order.
        if codes.PREFIX in code.upper():
            return _("the code of an order")
        if BADGE in code.upper():
            return _("a badge")
        sku = catalog.sku_of(connection, code)
        return catalog.name(connection, sku) if sku else code[:40]
    return text[:60]


def observations() -> float:
    return hub().counters().get("committed_total", 0)


def midnight(now: datetime) -> datetime:
    """Return when this day began in the store."""
    here = now.astimezone(ZoneInfo(hub().options.timezone))
    return here.replace(hour=0, minute=0, second=0, microsecond=0)


def _line() -> str:
    found = hub().line
    return render_template(
        "start/line.html", line=found.status() if found else None, sync=hub().sync_state()
    )


def tiles_shown() -> dict[str, Any]:
    """Return the figures of the tiles, from one consistent read."""
    shown = hub()
    now_ms = int(shown.clock.now().timestamp() * 1000)
    with shown.reader() as connection:
        counts = boards.counts(connection)
        waiting = quarantine.count(connection)
        seen = fleet.devices(connection, now_ms, shown.options.device_limits)
        sold = stock.sold_since(connection, stamp(midnight(shown.clock.now())))
    orders = [
        (title, sum(counts.get(state.value, 0) for state in states))
        for _name, title, _icon, states in COLUMNS
    ]
    orders.append((_("Picked up"), counts.get("PICKED_UP", 0)))
    return {
        "orders": orders,
        "quarantined": waiting,
        "devices": seen,
        "online": sum(device.state == "online" for device in seen),
        "sold": sold,
        "observations": int(observations()),
        "sync": shown.sync_state(),
    }
