"""A join code on the screen: big text, its QR and the fingerprint to compare; and whether it came.

It must never show a code a second time: only what became of it.
"""

from collections.abc import Mapping
from typing import Any, Final

import segno
from flask import render_template, request
from markupsafe import Markup

from hub import authority
from hub.errors import HubError
from hub.fleet import queries
from hub.fleet.joining import actions, rules, sheets
from hub.fleet.joining import queries as codes
from hub.fleet.joining.rules import How
from hub.journal import Transaction
from kiosk_ui.api.devices import body_of, join_url, reach, trust
from kiosk_ui.api.fleet import now_ms
from kiosk_ui.console.devices import fleet
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.session import hub, need

QR_SCALE: Final = 6


def code_page(device: str, how: How, body: Mapping[str, Any]) -> tuple[str, str | None]:
    """Make a code for `device`; return the page that shows it, or the sentence that refuses."""
    person, drawn, store, asked = need("devices"), [""], hub().store, body_of(how, body)

    def work(tx: Transaction, cause: str) -> tuple[int, Any]:
        made = actions.make(tx, device, store=store, how=how, body=asked, actor=person.actor)
        drawn[0] = made.text
        return 200, {}

    route = f"POST /console/device/{device}/code"
    reply = Press(person, route, request.form.get("key") or None).run(work)
    refused = as_problem(reply)
    if refused is not None:
        return "", refused
    code = "" if reply.replayed else drawn[0]
    found = trust()
    digest = authority.fingerprint(found.ca())
    text = rules.qr_text(join_url(found, request.host), code, digest) if code else ""
    page = render_template(
        "console/devices/join.html",
        here="console",
        id=device,
        code=rules.shown(code) if code else "",
        qr=_drawn(text) if text else "",
        url=join_url(found, request.host),
        fingerprint=authority.shown(digest),
        **_came(device),
    )
    return page, None


@fleet.get("/device/<device>/came")
def came(device: str) -> str:
    """Say whether the device has used its code by now."""
    need("devices")
    return render_template("console/devices/came.html", id=device, **_came(device))


def _came(device: str) -> dict[str, Any]:
    with hub().reader() as connection:
        waiting = [one for one in codes.open_codes(connection, now_ms()) if one.device == device]
        known = queries.enrolled(connection, device)
    left_s = max(0, waiting[0].until_ms - now_ms()) // 1000 if waiting else 0
    return {"left_min": -(-left_s // 60), "open": bool(waiting), "known": known}


def sheet_of(known: queries.Registered, password: str) -> tuple[sheets.Sheet | None, str]:
    """Return how the device is set up by hand, or why that cannot be told."""
    found = hub().trust
    if found is None:
        return None, ""
    try:
        return sheets.sheet(known, reach(found, hub().store, request.host), password), ""
    except HubError as error:
        return None, error.sentence


def _drawn(text: str) -> Markup:
    made = segno.make(text, error="m", micro=False)
    # Drawn by the library from modules alone: no part of the text stands in the markup.
    return Markup(made.svg_inline(scale=QR_SCALE, border=3, omitsize=True))
