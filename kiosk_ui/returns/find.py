"""Finds what somebody brings back: by its order's code, a receipt, an article, a name, a phone.

It must never put what was typed into an address or a log: it may be a name.
"""

import re
from sqlite3 import Connection
from typing import Any, Final

from hub import gs1
from hub.customers import queries as customers
from hub.pickup import code as codes
from hub.pickup import queries
from hub.pickup.collected import queries as collected
from hub.returns import actions as returns
from hub.returns.rules import Source
from hub.stock import queries as stock
from kiosk_ui.counter import cards
from kiosk_ui.counter import find as counter
from kiosk_ui.session import hub

SHOWN: Final = 12
# How an order's number may be spelled; a name or a phone number is none.
NUMBER: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9._-]{3,63}")


def exact(connection: Connection, text: str) -> tuple[str, str] | None:
    """Return ("order" or "sale", its id) that a code or number names by itself, or None."""
    if text.startswith(codes.PREFIX):
        if codes.is_signed(text):
            # Whatever store it was collected at: what it gave away may come back here.
            order_id = codes.read(text, queries.keys(connection), None).order_id
        else:
            order_id = text.removeprefix(codes.PREFIX)
        return "order", order_id
    if queries.find(connection, text) is not None:
        return "order", text
    if stock.document(connection, "SALE", text):
        return "sale", text
    return None


def maybe_abroad(text: str) -> bool:
    """May this be the number of another store's order, for head office to say?"""
    return hub().elsewhere is not None and NUMBER.fullmatch(text) is not None


def orders(connection: Connection, text: str) -> list[dict[str, Any]]:
    """Return the orders that may be meant, of those that gave something to their customer."""
    ids, _article = counter.orders(connection, text)
    if sku := counter.sku_of(connection, text):
        ids += collected.with_article(connection, sku, SHOWN)
    if len(text) >= counter.SHORTEST:
        ids += _of_customers(connection, text)
    known, found = cards.Known(connection), []
    for order_id in dict.fromkeys(ids):
        shown = _shown(connection, order_id, known)
        if shown is not None:
            found.append(shown)
        if len(found) == SHOWN:
            break
    return found


def _of_customers(connection: Connection, text: str) -> list[str]:
    known = collected.by_customer(connection)
    digits = "".join(letter for letter in text if letter.isdigit())
    if any(letter.isalpha() for letter in text):
        refs = customers.among(connection, known, text)
    elif len(digits) >= counter.SHORTEST_PHONE:
        refs = customers.phones_ending(connection, known, digits)
    else:
        return []
    wanted = set(refs)
    return [order_id for ref, ids in known.items() if ref in wanted for order_id in ids]


def _shown(connection: Connection, order_id: str, known: cards.Known) -> dict[str, Any] | None:
    sources = returns.of_order(connection, order_id)
    if not sources:
        return None
    order = queries.order(connection, order_id)
    return {
        "order_id": order_id,
        "short_code": order["short_code"],
        "customer": known.customer(order["customer_ref"]),
        "picked_up_at": order["picked_up_at"],
        "images": [known.image(source.sku) for source in sources.values()][: cards.THUMBS],
        "left": sum(left(source) for source in sources.values()),
    }


def left(source: Source) -> int:
    """Return how many units of a line may still come back."""
    return max(0, source.got - source.back)


def clean(text: str) -> str:
    """Return what was scanned without the prefix that some scanners set before every code."""
    meaning = gs1.read(text)
    return meaning.text if meaning.kind == "opaque" else text
