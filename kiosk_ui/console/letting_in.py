"""Letting devices in: a new one, one that was noticed, another unit, a new password.

It must never show a password twice: what is pressed again says that it was shown.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from flask import render_template, request

from hub.errors import NotFound
from hub.fleet import actions, queries
from hub.fleet.facts import Power
from hub.fleet.joining.rules import How
from hub.journal import Transaction
from kiosk_ui.console import wording
from kiosk_ui.console.devices import KINDS, places
from kiosk_ui.console.devices import fleet as fleet
from kiosk_ui.console.joining import code_page, sheet_of
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.session import hub, need
from kiosk_ui.words import _

KEPT_BY_CODE: Final = ("kind", "place", "power")
Work = Callable[[Transaction, str, str], str]


@fleet.get("/devices/new")
def new() -> str:
    """Ask what is to be let in: a device of ours, a stranger, or one that a gateway noticed."""
    need("devices")
    return _form(None)


@fleet.post("/devices/new")
def made() -> str:
    """Let it in and show its password, this once."""
    form, sighting = _asked(), _sighting()
    if request.form.get("by") == "code" and sighting is None:
        page, refused = code_page(form["id"], "enrol", {k: form[k] for k in KEPT_BY_CODE})
        return page if refused is None else _form(refused)
    power: Power = "battery" if form["power"] == "battery" else "mains"

    def work(tx: Transaction, actor: str, cause: str) -> str:
        by = {"actor": actor, "cause": cause}
        kind, place = form["kind"], form["place"]
        if sighting is None:
            return actions.enroll(tx, form["id"], kind=kind, place=place, power=power, **by)
        family, address = sighting.family, sighting.address
        return actions.adopt(
            tx, family, address, form["id"], kind=kind, place=place, power=power, **by
        )

    return _given(form["id"], "new", work, _form)


@fleet.post("/device/<device>/rotate")
def rotate(device: str) -> str:
    if request.form.get("by") == "code":
        return _by_code(device, "rotate", {})
    return _given(
        device,
        "rotate",
        lambda tx, actor, cause: actions.rotate(tx, device, actor=actor, cause=cause),
    )


@fleet.post("/device/<device>/replace")
def replace(device: str) -> str:
    address = request.form.get("address", "").strip() or None
    if request.form.get("by") == "code":
        return _by_code(device, "replace", {"address": address})
    return _given(
        device,
        "replace",
        lambda tx, actor, cause: actions.replace(
            tx, device, address=address, actor=actor, cause=cause
        ),
    )


@fleet.get("/device/<device>/sheet")
def sheet(device: str) -> str:
    """Show how a device is set up by hand; its password is not known any more."""
    need("devices")
    with hub().reader() as connection:
        known = queries.registered(connection, device)
    if known is None:
        raise NotFound(_("There is no device %(id)s in this store.", id=device))
    return _shown(known.id, known)


def _by_code(device: str, how: How, body: dict[str, Any]) -> str:
    page, refused = code_page(device, how, body)
    return page if refused is None else _shown(device, None, refused=refused)


def _shown(device: str, known: queries.Registered | None, **more: Any) -> str:
    password = more.get("password", "")
    made, why = sheet_of(known, password) if known is not None else (None, "")
    context = {"refused": None, "repeated": False, "password": "", "step": "sheet"} | more
    return render_template(
        "console/devices/given.html",
        here="console",
        id=device,
        known=known,
        sheet=made,
        no_sheet=why,
        **context,
    )


def _given(
    device: str, step: str, work: Work, again: Callable[[str | None], str] | None = None
) -> str:
    """Run `work` once and show the password that it made; `again` shows the form with a refusal."""
    person, secrets = need("devices"), [""]

    def run(tx: Transaction, cause: str) -> tuple[int, Any]:
        secrets[0] = work(tx, person.actor, cause)
        return 200, {}

    route = f"POST /console/device/{device}/{step}"
    reply = Press(person, route, request.form.get("key") or None).run(run)
    refused = as_problem(reply)
    if refused is not None and again is not None:
        return again(refused)
    hub().accounts_changed()
    with hub().reader() as connection:
        known = queries.registered(connection, device)
    password = "" if reply.replayed or refused else secrets[0]
    return _shown(
        device, known, refused=refused, repeated=reply.replayed, password=password, step=step
    )


def _form(refused: str | None) -> str:
    sighting, form = _sighting(), _asked()
    if sighting is not None and not form["id"]:
        form["id"] = _suggested(sighting.name or sighting.address)
    return render_template(
        "console/devices/new.html",
        here="console",
        sighting=sighting,
        form=form,
        refused=refused,
        joining=hub().trust is not None,
        kinds=KINDS,
        places=places(),
        say=wording,
    )


def _asked() -> dict[str, str]:
    values = request.values
    return {
        "id": values.get("id", "").strip(),
        "kind": values.get("kind", "").strip(),
        "place": values.get("place", "").strip(),
        "power": values.get("power", "mains"),
    }


def _sighting() -> queries.Sighting | None:
    family, address = request.values.get("family"), request.values.get("address")
    if not family or not address:
        return None
    with hub().reader() as connection:
        return queries.sighting(connection, family, address)


def _suggested(name: str) -> str:
    """Return an id that may stand in a topic, after what the family calls the device."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or _("device")
