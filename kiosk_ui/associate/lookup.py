"""Looks an article up for somebody on the floor: what it is, where it stands, how many there are.

It must never compute a number: the stock room does.
"""

from typing import Any, Final

from hub import gs1
from hub.catalog import queries as catalog
from hub.catalog import search as finding
from hub.errors import HubError, NotFound
from hub.pickup import code as codes
from hub.pickup import queries as orders
from hub.pickup.intake import SHELF
from hub.shelf import queries as shelf
from hub.stock import queries as stock
from kiosk_ui import show
from kiosk_ui.api.stock import trusted
from kiosk_ui.counter import find
from kiosk_ui.scanning import reader
from kiosk_ui.session import hub
from kiosk_ui.words import _, later

MOST: Final = 20
TERMS: Final = {
    "available": later("Free on the shelves"),
    "expired_holds": later("Holds that ran out"),
    "safety_stock": later("Kept against count errors"),
    "channel_threshold": later("Kept from this channel"),
    "rights_elsewhere": later("Lent to central for web orders"),
}


def meaning(text: str, symbology: str) -> dict[str, Any]:
    """Return `{"kind","sku"?,"name"?,"weight_g"?,"order_id"?,"sentence"?}` of a scanned text."""
    said = gs1.read(text, reader.symbology_of(symbology, text))
    if said.text.startswith(SHELF):
        return {"kind": "shelf", "shelf": said.text.removeprefix(SHELF)}
    if said.text.startswith(codes.PREFIX):
        return _order(said.text)
    with hub().reader() as connection:
        sku = find.sku_of(connection, said.text)
        if sku is None and said.gtin:
            sku = catalog.sku_for_gtin(connection, said.gtin)
        if sku is not None:
            name = catalog.name(connection, sku)
            return {"kind": "article", "sku": sku, "name": name, "weight_g": said.weight_g}
    if said.gtin:
        sentence = _("This store does not sell GTIN %(gtin)s.", gtin=said.gtin)
    else:
        sentence = said.problem or _("“%(text)s” is no article here.", text=said.text[:40])
    return {"kind": "unknown", "sentence": sentence}


def _order(text: str) -> dict[str, Any]:
    order_id = text.removeprefix(codes.PREFIX)
    try:
        with hub().reader() as connection:
            if codes.is_signed(text):
                order_id = codes.read(text, orders.keys(connection), hub().store).order_id
            found = orders.find(connection, order_id)
    except HubError as error:
        return {"kind": "unknown", "sentence": error.sentence}
    if found is None:
        sentence = _("This store has no order %(id)s.", id=order_id[:64])
        return {"kind": "unknown", "sentence": sentence}
    return {"kind": "order", "order_id": order_id, "state": found.state.value}


def sku_of(text: str) -> str | None:
    """Return the SKU that a typed or scanned text names."""
    said = meaning(text, "")
    return said.get("sku")


def search(text: str) -> list[dict[str, Any]]:
    if not text:
        return []
    with hub().reader() as connection:
        found = finding.search(connection, text, MOST, "en", hub().clock.now())
        return [reader.article(connection, one.sku) for one in found]


def article(sku: str) -> dict[str, Any]:
    """Return an article's page."""
    now = hub().clock.now()
    with hub().reader() as connection:
        product = catalog.product(connection, sku)
        try:
            units = stock.stock(connection, sku, now, trusted=trusted())
        except NotFound:
            if product is None:
                raise
            units = {"on_hand": 0, "buckets": {}, "available_to_promise": {}}
        why = stock.explain(connection, sku, "store", now, trusted=trusted())
        return {
            **reader.article(connection, sku),
            "description": product.description() if product else "",
            "buckets": {name: qty for name, qty in units["buckets"].items() if qty},
            "promise": units["available_to_promise"],
            "terms": [(TERMS.get(one["name"], one["name"]), one["qty"]) for one in why["terms"]],
            "confidence": why["confidence"]["level"],
            "gtins": catalog.gtins(connection, sku),
            "stands": shelf.places_of(connection, sku),
            "gap": any(gap["sku"] == sku for gap in shelf.gaps(connection)),
            "picture": show.picture(product.image if product else None),
        }
