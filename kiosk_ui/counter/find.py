"""One search box: a name, an order number, a phone's last digits, a short code, any scanned code.

It must never put what was typed into an address or a log: it may be a name.
"""

from dataclasses import dataclass
from sqlite3 import Connection
from typing import Final

from flask import render_template, url_for

from hub import gs1
from hub.catalog import queries as catalog
from hub.customers import queries as customers
from hub.pickup import queries
from hub.pickup.board import queries as boards
from hub.pickup.lifecycle import Status
from hub.stock import queries as stock
from kiosk_ui import show
from kiosk_ui.counter import cards
from kiosk_ui.session import hub
from kiosk_ui.words import _

SHOWN: Final = 12
# Fewer letters or digits would list half the store.
SHORTEST: Final = 2
SHORTEST_PHONE: Final = 3
LONGEST: Final = 120


@dataclass(frozen=True)
class Article:
    """What a scanned or typed article is, above the orders that hold it."""

    sku: str
    name: str
    price: str
    on_hand: int


def orders(connection: Connection, text: str) -> tuple[list[str], Article | None]:
    """Return the ids of the orders that `text` may mean, the likeliest first, and the article."""
    found: list[str] = []
    if queries.find(connection, text) is not None:
        found.append(text)
    found += queries.by_short_code(connection, text, SHOWN)
    sku = sku_of(connection, text)
    if sku is not None:
        found += queries.waiting_with(connection, sku, SHOWN)
    if len(text) >= SHORTEST:
        found += _by_customer(connection, text)
        found += queries.beginning(connection, text, SHOWN)
    return list(dict.fromkeys(found))[:SHOWN], None if sku is None else _article(connection, sku)


def _by_customer(connection: Connection, text: str) -> list[str]:
    """Who is expected comes first; then whoever is known, for what was collected already."""
    expected = queries.expected(connection)
    digits = "".join(letter for letter in text if letter.isdigit())
    is_number = len(digits) >= SHORTEST_PHONE and not any(letter.isalpha() for letter in text)
    if is_number:
        refs = customers.phones_ending(connection, expected, digits)
    elif any(letter.isalpha() for letter in text):
        refs = customers.among(connection, expected, text)
    else:
        return []
    found = [order_id for ref in refs for order_id in expected[ref]]
    if not found and not is_number:
        for person in customers.find(connection, text, SHOWN):
            found += [order_id for order_id, _ in queries.of_customer(connection, person.ref, 3)]
    return found


def _article(connection: Connection, sku: str) -> Article:
    now = hub().clock.now()
    price = catalog.price(connection, sku, now)
    return Article(
        sku,
        catalog.name(connection, sku),
        show.money(price.amount_minor, price.currency) if price else "",
        stock.stock(connection, sku, now)["on_hand"],
    )


def found(text: str) -> str:
    """Return the list beneath the search box."""
    text, now = text.strip()[:LONGEST], hub().clock.now()
    with hub().reader() as connection:
        ids, article = orders(connection, text) if text else ([], None)
        known = cards.Known(connection)
        rows = boards.cards(connection, ids, now)
        known.meet(row["customer_ref"] for row in rows)
        shown = {row["order_id"]: cards.card(row, known, now) for row in rows}
    listed = [shown[order_id] for order_id in ids if order_id in shown]
    return render_template(
        "counter/found.html", text=text, cards=listed, article=article, place=address
    )


def sku_of(connection: Connection, text: str) -> str | None:
    """Return the SKU that a scanned text names, in whatever carrier."""
    found = catalog.sku_of(connection, text)
    if found is None and (gtin := gs1.read(text).gtin):
        found = catalog.sku_for_gtin(connection, gtin)
    return found


def address(order_id: str, state: str, code: str | None = None) -> str:
    """Return an order's page: its handover as soon as that is what is next."""
    page = "handover.whole" if state == Status.READY_FOR_PICKUP else "counter.order_page"
    return url_for(page, order_id=order_id, code=code)


def sentence(article: Article) -> str:
    """Return what a toast says about an article."""
    words = _("%(name)s · %(n)s in the store", name=article.name, n=article.on_hand)
    return f"{words} · {article.price}" if article.price else words
