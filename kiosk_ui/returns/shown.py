"""Gathers what the screens of returns show: what may come back, a return as it stands, the lists.

It must never decide anything: amounts and defaults come from the room's rules.
"""

import secrets
from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any, Final

from hub.pickup import queries as pickup
from hub.returns import actions, queries, rules
from hub.returns.rules import Source
from kiosk_ui.counter import cards
from kiosk_ui.returns import find
from kiosk_ui.session import hub
from kiosk_ui.words import later

OPEN: Final = 50
ENDED: Final = 20
REASONS: Final = (
    ("CHANGED_MIND", later("Changed their mind"), "undo"),
    ("DEFECTIVE", later("Broken or spoiled"), "alert"),
    ("WRONG_ITEM", later("Wrong article"), "swap"),
    ("NOT_AS_DESCRIBED", later("Not as described"), "search"),
    ("OTHER", later("Another reason"), "pause"),
)
DISPOSITIONS: Final = (
    ("RESTOCKED", later("Back on the shelf"), "shelf"),
    ("NOT_RESTOCKED", later("Damaged: not for sale"), "cross"),
    ("PROCESSING_REQUIRED", later("To be checked first"), "clock"),
    ("MISSING", later("Not there: the parcel is empty"), "box"),
)
STATES: Final = {
    "OPEN": later("Open"),
    "CLOSED": later("Closed"),
    "CANCELED": later("Taken home again"),
}
REFUNDS: Final = {
    "NONE": later("No refund"),
    "REQUESTED": later("Refund asked for"),
    "PAID": later("Refund paid"),
    "REFUSED": later("Refund refused"),
    rules.WAITS_FOR_CENTRAL: later("Refund waits for head office"),
    rules.HELD: later("Refund held"),
}
CONFLICTS: Final = {
    "CAME_BACK": later("These goods came back already at %(stores)s."),
    "NOT_HANDED_OVER": later("Fewer of these goods were handed over with this order."),
    "NOT_KNOWN": later("Neither a store nor head office knows this order."),
}


def sources(connection: Connection, kind: str, ref: str) -> dict[str, Source]:
    """Return what of an order or a receipt was handed over and what came back of it."""
    if kind == "order":
        return actions.of_order(connection, ref)
    return actions.of_sale(connection, ref)


def taking(
    kind: str,
    ref: str,
    counted: Mapping[str, int] | None = None,
    chosen: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what the page needs on which units are chosen.

    `counted`: units by line so far; one unit alone that may come back is chosen beforehand.
    """
    with hub().reader() as connection:
        known = cards.Known(connection)
        found = sources(connection, kind, ref)
        order = pickup.order(connection, ref) if kind == "order" else None
        customer = known.customer(order["customer_ref"]) if order else ""
        names = {line["line_id"]: line["name"] for line in order["lines"]} if order else {}
        came_back = queries.elsewhere(connection, ref) if order else []
        lines: list[dict[str, Any]] = [
            {
                "key": key,
                "sku": source.sku,
                "name": names.get(key) or name(known, source.sku),
                "picture": known.image(source.sku),
                "price": source.unit_price_minor,
                "got": source.got,
                "back": source.back,
                "left": find.left(source),
            }
            for key, source in found.items()
        ]
    total = sum(line["left"] for line in lines)
    for line in lines:
        alone = line["left"] if total == 1 else 0
        line["qty"] = alone if counted is None else counted.get(line["key"], 0)
    return page(kind, ref, lines, chosen) | {
        "order": order,
        "currency": order["currency"] if order else None,
        "customer": customer,
        "lines": sorted(lines, key=lambda line: bool(line["left"] == 0)),
        "stores": came_back,
    }


def page(
    kind: str, ref: str, lines: list[dict[str, Any]], chosen: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return what each page needs on which units are chosen, whatever they come from."""
    chosen = chosen or {}
    reason = chosen.get("reason")
    return {
        "kind": kind,
        "ref": ref,
        "left": sum(line["left"] for line in lines),
        "reason": reason,
        "disposition": chosen.get("disposition") or rules.DEFAULTS.get(reason or ""),
        "reasons": REASONS,
        "defaults": rules.DEFAULTS,
        "dispositions": DISPOSITIONS,
        "key": secrets.token_hex(12),
        "elsewhere": False,
        "provisional": False,
    }


def name(known: cards.Known, sku: str) -> str:
    product = known.product(sku)
    return (product.name() if product else "") or sku


def one(return_id: str) -> dict[str, Any]:
    """Return a return as its page shows it."""
    with hub().reader() as connection:
        known = cards.Known(connection)
        found = queries.shown(connection, return_id)
        back = queries.load(connection, return_id)
        return {
            **_row(connection, found, known),
            "asked": rules.refund_of(back) if back.state == "OPEN" else found["refund_minor"],
            "waiting": sum(line.disposition is None for line in back.lines),
            "dispositions": DISPOSITIONS,
            "keys": lambda: secrets.token_hex(12),
        }


def lists() -> dict[str, Any]:
    """Return the open returns, and the latest ones that ended."""
    with hub().reader() as connection:
        known = cards.Known(connection)
        opened = queries.recent(connection, "OPEN", None, OPEN)
        ended = [
            one
            for one in queries.recent(connection, None, None, OPEN + ENDED)
            if one["state"] != "OPEN"
        ][:ENDED]
        return {
            "opened": [_row(connection, found, known) for found in opened],
            "ended": [_row(connection, found, known) for found in ended],
        }


def _row(connection: Connection, found: Mapping[str, Any], known: cards.Known) -> dict[str, Any]:
    order = pickup.find(connection, found["order_id"]) if found["order_id"] else None
    named = {line.line_id: line.name for line in order.lines} if order else {}
    lines = [
        {
            **line,
            "name": named.get(line["source_line"]) or name(known, line["sku"]),
            "picture": known.image(line["sku"]),
        }
        for line in found["lines"]
    ]
    return {
        "back": found,
        "lines": lines,
        "units": sum(line["qty"] for line in lines),
        "customer": known.customer(order.customer_ref) if order else "",
        "short_code": order.short_code if order else None,
        "by": known.person(found["actor"]),
        "reason_words": {code: words for code, words, _icon in REASONS},
        "went": {code: words for code, words, _icon in DISPOSITIONS},
        "states": STATES,
        "refunds": REFUNDS,
        "conflict": CONFLICTS.get(found["conflict"] or ""),
    }
