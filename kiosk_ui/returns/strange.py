"""Gathers what the page shows on which goods of another store's order are taken back.

It must never decide anything, and never show who bought them: head office does not say it.
"""

from collections.abc import Mapping
from typing import Any, Final

from hub.errors import NotFound
from hub.returns.abroad import Handed
from kiosk_ui.counter import cards
from kiosk_ui.counter import find as counter
from kiosk_ui.returns import elsewhere, shown
from kiosk_ui.session import hub
from kiosk_ui.words import _

# Units of an article that one return may name while nobody knows what was bought.
MOST: Final = 99


def taking(
    order_id: str, counted: Mapping[str, int] | None = None, chosen: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what the page needs. `counted`: units by line, or by SKU where it is provisional."""
    try:
        handed = elsewhere.look(order_id)
    except NotFound as error:
        return _page(order_id, None, [], chosen) | {"unknown": error.sentence}
    if handed is None or not handed.ended:
        skus = dict.fromkeys([line.sku for line in handed.lines] if handed else [])
        return _page(
            order_id, handed, _by_sku({**dict.fromkeys(skus, 0), **(counted or {})}), chosen
        )
    with hub().reader() as connection:
        known = cards.Known(connection)
        lines: list[dict[str, Any]] = [
            {
                "key": line.line_id,
                "sku": line.sku,
                "name": line.name,
                "picture": known.image(line.sku),
                "price": line.unit_price_minor,
                "got": line.handed,
                "back": line.back,
                "left": max(0, line.handed - line.back),
            }
            for line in handed.lines
            if line.handed
        ]
    total = sum(line["left"] for line in lines)
    for line in lines:
        alone = line["left"] if total == 1 else 0
        line["qty"] = alone if counted is None else counted.get(line["key"], 0)
    return _page(order_id, handed, lines, chosen) | {"provisional": False}


def _by_sku(counted: Mapping[str, int]) -> list[dict[str, Any]]:
    with hub().reader() as connection:
        known = cards.Known(connection)
        return [
            {
                "key": sku,
                "sku": sku,
                "name": shown.name(known, sku),
                "picture": known.image(sku),
                "price": None,
                "got": None,
                "back": 0,
                "left": MOST,
                "qty": qty,
            }
            for sku, qty in counted.items()
        ]


def _page(
    order_id: str,
    handed: Handed | None,
    lines: list[dict[str, Any]],
    chosen: Mapping[str, str] | None,
) -> dict[str, Any]:
    return shown.page("order", order_id, lines, chosen) | {
        "order": None,
        "customer": "",
        "currency": handed.currency if handed else None,
        "origin": handed.name if handed else "",
        "stores": handed.stores if handed else [],
        "elsewhere": True,
        "provisional": True,
        "lines": lines,
    }


def counted(
    order_id: str, so_far: dict[str, int], text: str, by_sku: bool
) -> tuple[dict[str, int], str | None, str | None]:
    """Count a scanned article: (units so far, why not, the line that was hit)."""
    with hub().reader() as connection:
        sku = counter.sku_of(connection, text)
    page = taking(order_id)
    if page["provisional"] != by_sku:
        # The line came or went meanwhile: what was counted has other names now.
        return {}, _("The line has changed: count the goods again, please."), None
    if page["provisional"]:
        if sku is None:
            return so_far, _("No article has this code."), None
        return {**so_far, sku: min(MOST, so_far.get(sku, 0) + 1)}, None, sku
    for line in page["lines"]:
        if line["sku"] == sku and so_far.get(line["key"], 0) < line["left"]:
            return {**so_far, line["key"]: so_far.get(line["key"], 0) + 1}, None, line["key"]
    if any(line["sku"] == sku for line in page["lines"]):
        told = _("No more of this article can come back: all that was handed over is counted.")
        return so_far, told, None
    return so_far, _("This article was not handed over with this order or receipt."), None
