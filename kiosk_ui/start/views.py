"""The start page: this floor right now, one scan's way through the hub, the line switch.

It must never name a customer or an order: anyone on the store's network may look.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from flask import Blueprint, Response, current_app, render_template

from hub import quarantine
from hub.clock import stamp
from hub.errors import NotFound
from hub.fleet import queries as fleet
from hub.pickup import queries as pickup
from hub.stock import queries as stock
from kiosk_ui.api.contract import json_response
from kiosk_ui.counter.cards import COLUMNS
from kiosk_ui.session import hub, need
from kiosk_ui.stream import Stream
from kiosk_ui.words import _

start = Blueprint("start", __name__)
TRAVELS_SHOWN = 8


@start.get("/")
def page() -> str:
    shown = hub()
    return render_template(
        "start/page.html",
        here="start",
        line=shown.line.status() if shown.line is not None else None,
        pins=shown.options.pins_shown,
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
    if ways:
        ways[0]["screens_ms"] = screens_ms(ways[0], stream.written_at)
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


def screens_ms(way: dict[str, Any], written_at: float) -> float | None:
    """Return when the newest way's commit was written to the screens, if it has been."""
    ms = written_at * 1000 - float(way["received_ms"])
    commit: float | None = way.get("commit_ms")
    if commit is None or not commit - 1 <= ms < 60_000:
        return None
    return round(max(ms, commit), 2)


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
        counts = pickup.counts(connection)
        waiting = quarantine.count(connection)
        seen = fleet.devices(connection, now_ms, shown.options.device_silent_s)
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
