"""What a phone's camera read, as the person who is signed in on it: done, or looked up.

It must never guess: what nobody sells here is flagged, and what does not fit is refused.
"""

from sqlite3 import Connection
from typing import Any, Final

import msgspec
from flask import Response, render_template, request

from hub import gs1, scans
from hub.catalog import queries as catalog
from hub.errors import HubError
from hub.journal import Transaction
from hub.pickup import queries as orders
from hub.scans.screens import PREFIX as PAIRING
from hub.shelf import queries as shelf
from hub.staff.rules import BADGE
from hub.stock import queries as stock
from kiosk_ui import show
from kiosk_ui.counter.scans import LONGEST, badge, said
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.session import Person, hub
from kiosk_ui.words import _

# Formats whose digits mean more than themselves.
TOLD: Final = frozenset({"EAN-13", "UPC-A", "UPC-E", "EAN-8", "ITF"})
# A browser's reader does not say whether these are in their GS1 mode.
MAY_BE_GS1: Final = {"Code128": "GS1-128", "DataMatrix": "GS1 DataMatrix", "QR": "GS1 QR"}
OPENED: Final = frozenset({"opened", "claimed", "handover", "picked", "staged"})


def answer(person: Person) -> Response:
    """Route a scan for the person who made it; a fragment tells what came of it."""
    text = request.form.get("text", "").strip()
    if not text or len(text) > LONGEST:
        return said(_("Nothing was scanned."))
    symbology = symbology_of(request.form.get("symbology", ""), text)
    meaning = gs1.read(text, symbology)
    try:
        if meaning.text.startswith(BADGE):
            return badge(meaning.text)
        if meaning.text.startswith(PAIRING):
            return said(_("This code pairs a hand scanner with a screen. A phone needs none."))
        return _routed(person, text, symbology, request.form.get("order_id") or None)
    except HubError as error:
        return said(error.sentence)


def symbology_of(name: str, text: str) -> str | None:
    """Return what the hub may conclude from: an item number with its check digit is GS1's."""
    if name in TOLD:
        return name
    if text[:2] == "01" and text[2:16].isascii() and gs1.is_valid_gtin(text[2:16]):
        return MAY_BE_GS1.get(name)
    return None


def _routed(person: Person, text: str, symbology: str | None, order_id: str | None) -> Response:
    store = hub().store

    def work(tx: Transaction, cause: str) -> tuple[int, Any]:
        done = scans.at_counter(
            tx,
            text,
            actor=person.actor,
            cause=cause,
            order_id=order_id,
            store=store,
            symbology=symbology,
        )
        return 200, done._asdict()

    key, body = request.form.get("key") or None, msgspec.json.encode([text, symbology, order_id])
    reply = Press(person, "POST /scan", key, body).run(work)
    refused = as_problem(reply)
    with hub().reader() as connection:
        if refused is not None:
            return _shown(_order(connection, order_id), refused, "refused")
        done = scans.Outcome(**msgspec.json.decode(reply.body))
        if done.did in OPENED and done.order_id is not None:
            return _shown(_order(connection, done.order_id), _words(connection, done), "done")
        if done.sku is not None:
            return _shown({"article": article(connection, done.sku)} | _order(connection, order_id))
        return _unknown(connection, gs1.read(text, symbology), order_id)


def _unknown(connection: Connection, meaning: gs1.Meaning, order_id: str | None) -> Response:
    """No article: an order's number or short code opens it, a GTIN is flagged as not sold here."""
    found = orders.find(connection, meaning.text)
    if found is None and meaning.gtin is None:
        short = orders.by_short_code(connection, meaning.text, 1)
        found = orders.find(connection, short[0]) if short else None
    if found is not None:
        return _shown(_order(connection, found.order_id))
    if meaning.gtin is not None:
        sentence = _("This store does not sell GTIN %(gtin)s.", gtin=meaning.gtin)
    else:
        text = meaning.text[:60]
        sentence = meaning.problem or _("“%(text)s” is no order and no article here.", text=text)
    return _shown(_order(connection, order_id), sentence, "refused", flagged=meaning.gtin)


def _words(connection: Connection, done: scans.Outcome) -> str:
    words = {
        "opened": _("Order opened."),
        "claimed": _("You are picking this order."),
        "handover": _("Ready to hand over: go on at the counter."),
        "staged": _("Put on its shelf."),
    }
    if done.did == "picked" and done.sku is not None:
        return _("Picked: %(name)s", name=catalog.name(connection, done.sku))
    return words.get(done.did, done.did)


def _shown(
    parts: dict[str, Any], sentence: str = "", tone: str = "calm", flagged: str | None = None
) -> Response:
    return Response(
        render_template(
            "scanning/found.html", sentence=sentence, tone=tone, flagged=flagged, **parts
        )
    )


def _order(connection: Connection, order_id: str | None) -> dict[str, Any]:
    """Return the order that stays open on this phone, with what of it is still to be picked."""
    if order_id is None or orders.find(connection, order_id) is None:
        return {}
    order = orders.order(connection, order_id)
    lines = [
        {"name": catalog.name(connection, line["sku"]), **line}
        for line in order["lines"]
        if line["pending"]
    ]
    return {"order": order, "left": lines}


def article(connection: Connection, sku: str) -> dict[str, Any]:
    """Return what staff want to know of an article: name, price, units, places."""
    now = hub().clock.now()
    price, product = catalog.price(connection, sku, now), catalog.product(connection, sku)
    return {
        "sku": sku,
        "name": catalog.name(connection, sku),
        "picture": show.picture(product.image if product else None),
        "price": show.money(price.amount_minor, price.currency) if price else None,
        "on_hand": stock.stock(connection, sku, now)["on_hand"],
        "places": [place.name for place in shelf.places_of(connection, sku)],
    }
