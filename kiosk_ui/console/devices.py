"""The devices of the store for field IT: all, one, and what each can be told.

It must never show a secret but in the one answer that made it.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from hub.errors import Invalid
from hub.fleet import actions, queries
from hub.fleet.watch import queries as watch
from hub.journal import Transaction
from hub.shelf import queries as shelf
from kiosk_ui.api.fleet import seen_devices, whole
from kiosk_ui.console import wording
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.session import hub, need

fleet = Blueprint("fleet", __name__, url_prefix="/console")

ROWS: Final = 400
# What a first look at the list may leave out.
FILTERS: Final = ("all", "needs", "away", "revoked")
KINDS: Final = (
    "scanner", "till", "kiosk", "camera", "printer", "gateway", "rfid", "shelf", "scale",
    "climate", "contact", "motion", "button", "sign",
)  # fmt: skip


@fleet.get("/devices")
def page() -> str:
    need("console")
    return render_template("console/devices/page.html", here="console", **listed())


@fleet.get("/devices/list")
def parts() -> str:
    need("console")
    return render_template("console/devices/list.html", **listed())


@fleet.get("/device/<device>")
def one(device: str) -> str:
    need("console")
    return render_template("console/devices/one.html", here="console", **shown(device))


@fleet.get("/device/<device>/now")
def now(device: str) -> str:
    need("console")
    return render_template("console/devices/now.html", **shown(device))


@fleet.post("/device/<device>/tell")
def tell(device: str) -> BaseResponse:
    """Queue a command and show it among the others."""
    asked, payload = request.form.get("name", ""), _payload()

    def work(tx: Transaction, actor: str, cause: str) -> None:
        actions.command(tx, device, asked, payload, actor=actor)

    return _pressed(device, "tell", work)


@fleet.post("/device/<device>/move")
def move(device: str) -> BaseResponse:
    place = request.form.get("place", "").strip()
    return _pressed(
        device,
        "move",
        lambda tx, actor, cause: actions.move(tx, device, place, actor=actor, cause=cause),
    )


@fleet.post("/device/<device>/revoke")
def revoke(device: str) -> BaseResponse:
    answer = _pressed(
        device,
        "revoke",
        lambda tx, actor, cause: actions.revoke(tx, device, actor=actor, cause=cause),
    )
    hub().accounts_changed()
    return answer


def listed() -> dict[str, Any]:
    """Return the devices that the filter leaves, and who waits or was turned away."""
    words = request.args.get("q", "").strip().lower()
    chosen = request.args.get("show", "all")
    found = watch.by_urgency(seen_devices())
    with hub().reader() as connection:
        sighted = queries.sightings(connection)
        rogues = queries.rogues(connection, 10)
    left = [one for one in found if _matches(one, words, chosen)]
    active = [one for one in found if one.state not in ("revoked", "unknown")]
    return {
        "devices": left[:ROWS],
        "more": len(left) - ROWS,
        "total": len(active),
        "online": sum(one.state == "online" for one in active),
        "troubled": sum(bool(one.needs) for one in found),
        "sighted": sighted,
        "rogues": rogues,
        "chosen": chosen if chosen in FILTERS else "all",
        "words": request.args.get("q", ""),
        "say": wording,
    }


def _matches(device: watch.Device, words: str, chosen: str) -> bool:
    fits = {
        "needs": bool(device.needs),
        "away": device.state in ("away", "never", "unknown"),
        "revoked": device.state == "revoked",
    }.get(chosen, device.state != "revoked" or bool(words))
    text = " ".join((device.id, device.kind, device.place, device.family, device.firmware or ""))
    return fits and all(word in text.lower() for word in words.split())


def shown(device: str) -> dict[str, Any]:
    """Return all that the page of one device shows."""
    told = whole(device)
    with hub().reader() as connection:
        served = queries.served(connection, device)
    return {
        "told": told,
        "device": told.device,
        "served": served,
        "joining": hub().trust is not None,
        "places": places(),
        "say": wording,
    }


def places() -> list[tuple[str, str]]:
    """Return the places that the store has planned, to choose from."""
    with hub().reader() as connection:
        return [(one.place, one.name) for one in shelf.places(connection)]


def _pressed(device: str, step: str, work: Callable[[Transaction, str, str], None]) -> BaseResponse:
    """Run `work` once; a page without scripts is led back to the device."""
    person = need("devices")

    def run(tx: Transaction, cause: str) -> tuple[int, Any]:
        work(tx, person.actor, cause)
        return 200, {}

    route = f"POST /console/device/{device}/{step}"
    refused = as_problem(Press(person, route, request.form.get("key") or None).run(run))
    if not request.headers.get("HX-Request"):
        return redirect(url_for("fleet.one", device=device), 303)
    page = render_template("console/devices/now.html", **shown(device))
    if refused:
        page += render_template("parts/toast.html", sentence=refused, tone="refused")
    return Response(page)


def _payload() -> dict[str, Any]:
    """Return the settings that a person typed, one `name=value` a line; a value is JSON or text."""
    payload: dict[str, Any] = {}
    for line in request.form.get("settings", "").splitlines():
        if not line.strip():
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise Invalid(f"{line[:40]!r} is not name=value.", field="settings")
        try:
            payload[key.strip()] = json.loads(value)
        except ValueError:
            payload[key.strip()] = value.strip()
    return payload
