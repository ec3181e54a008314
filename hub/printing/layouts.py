"""Says what stands on each kind of paper: data in, a document out.

It must never be given anything personal: an order is its codes, its goods, its shelf and its time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hub.printing.document import (
    Block,
    Document,
    Item,
    Pair,
    Rule,
    Symbol,
    Symbology,
    Text,
)
from hub.printing.words import Words

ORDER_CODE: Final = "SH1:O:"


@dataclass(frozen=True)
class Line:
    """`qty` base units of `unit` to fetch; `order` is where on the walk `place` is met."""

    sku: str
    name: str
    qty: int
    unit: str = "piece"
    place: str = ""
    order: int | None = None


@dataclass(frozen=True)
class Order:
    """What a slip may know of an order: DOMAIN allows no more on paper."""

    order_id: str
    short_code: str
    shelf: str | None
    promise_at: str | None
    lines: Sequence[Line]
    language: str | None = None


@dataclass(frozen=True)
class Article:
    """A product as labels show it: `amount_minor` for `per_qty` base units."""

    sku: str
    name: str
    unit: str = "piece"
    gtin: str | None = None
    amount_minor: int | None = None
    currency: str = "EUR"
    per_qty: int = 1
    brand: str | None = None


@dataclass(frozen=True)
class Count:
    """One SKU to count at a place; `expected` None is not shown: nobody shall copy it."""

    sku: str
    name: str
    unit: str = "piece"
    place: str = ""
    expected: int | None = None


def pickup_slip(order: Order, say: Words, now: datetime, store: str) -> Document:
    """The paper that goes with an order: on the walk, then on the shelf."""
    walk = sorted(order.lines, key=lambda line: (line.order is None, line.order or 0))
    fetched = [line for line in walk if line.qty > 0]
    blocks: list[Block] = [
        Text(say("Pickup order"), "body", align="center"),
        Text(order.short_code, "huge", bold=True, align="center"),
        Symbol("qr", ORDER_CODE + order.order_id, order.order_id),
        Rule(heavy=True),
    ]
    if order.shelf:
        blocks.append(Pair(say("Shelf"), order.shelf, "large"))
    if order.promise_at:
        blocks.append(Pair(say("Promised"), say.moment(order.promise_at)))
    if order.language and order.language.partition("-")[0] != say.lang.partition("-")[0]:
        blocks.append(Pair(say("Customer speaks"), say.language(order.language)))
    blocks.append(Pair(say("Lines"), say.number(len(fetched))))
    blocks.append(Rule())
    blocks += [
        Item(line.name, say.amount(line.qty, line.unit), line.place, (line.sku,))
        for line in fetched
    ]
    left = [line.name for line in walk if line.qty <= 0]
    if left:
        blocks += [Rule(), Text(say("Left out: %(names)s", names=", ".join(left)), "small")]
    return Document("pickup_slip", say.lang, (*blocks, *_end(say, now, store)))


def shelf_label(article: Article, place: str, say: Words) -> Document:
    """The label at the shelf's edge: what it is, what it costs, and its barcode."""
    blocks: list[Block] = [Text(article.name, "large", bold=True)]
    if article.brand:
        blocks.append(Text(article.brand, "body"))
    blocks += _price(article, say)
    blocks.append(barcode(article))
    facts = [article.sku] if article.gtin else []
    if place:
        facts.append(place)
    if facts:
        blocks.append(Text(" · ".join(facts), "small", align="center"))
    return Document("shelf_label", say.lang, tuple(blocks))


def product_label(article: Article, say: Words) -> Document:
    """The label on the thing itself, where it has lost its own or never had one."""
    blocks: list[Block] = [Text(article.name, "body", bold=True, align="center"), barcode(article)]
    if article.amount_minor is not None:
        price = say.money(article.amount_minor, article.currency)
        blocks.append(Text(price, "large", bold=True, align="center"))
    return Document("product_label", say.lang, tuple(blocks))


def count_sheet(
    title: str, counts: Sequence[Count], say: Words, now: datetime, store: str
) -> Document:
    """A sheet to count with: place by place, with a field to write each number into."""
    blocks: list[Block] = [Text(say("Count sheet"), "large", bold=True), Text(title)]
    place: str | None = None
    for one in counts:
        if one.place != place:
            place = one.place
            blocks += [Rule(heavy=True), Text(place or say("No place"), "body", bold=True)]
        notes = [one.sku]
        if one.expected is not None:
            amount = say.amount(one.expected, one.unit).removesuffix(" ×")
            notes.append(say("expected %(amount)s", amount=amount))
        if one.unit == "gram":
            notes.append(say("in grams"))
        blocks.append(Item(one.name, notes=tuple(notes), mark="write"))
    if not counts:
        blocks += [Rule(), Text(say("Nothing is to be counted."))]
    return Document("count_sheet", say.lang, (*blocks, *_end(say, now, store)))


def page_of_test(printer: str, say: Words, now: datetime, store: str) -> Document:
    """A page that shows at once whether a printer does all that the others need."""
    blocks: list[Block] = [
        Text(say("Test page"), "large", bold=True, align="center"),
        Text(printer, "body", align="center"),
        Rule(heavy=True),
        Text("ÄÖÜ äöü ß · Łódź · İstanbul · Ελληνικά · Кириллица", "body"),
        Text("حليب كامل الدسم · חלב טרי", "body"),
        Pair(say.money(123456, "EUR"), say.moment(now)),
        Item(say("A line to tick"), "2 ×", "A3", ("4711",)),
        Item(say("A line to write on"), notes=("4711",), mark="write"),
        Symbol("qr", f"{printer} {say.moment(now)}", say("QR code")),
        Symbol("ean13", "4006381333931", "4006381333931"),
    ]
    return Document("test_page", say.lang, (*blocks, *_end(say, now, store)))


def barcode(article: Article) -> Symbol:
    """Return the barcode that stands on the goods; a SKU without one is said by its own code."""
    if article.gtin is None:
        return Symbol("code128", article.sku, article.sku)
    symbology, data = carried(article.gtin)
    return Symbol(symbology, data, data)


def carried(gtin: str) -> tuple[Symbology, str]:
    """Return how 14 digits stand on goods: GTIN-8, GTIN-13 (UPC too) or a case's GTIN-14."""
    if gtin.startswith("000000"):
        return "ean8", gtin[6:]
    return ("ean13", gtin[1:]) if gtin.startswith("0") else ("itf14", gtin)


def _price(article: Article, say: Words) -> list[Block]:
    if article.amount_minor is None:
        return []
    price = say.money(article.amount_minor, article.currency)
    if article.unit == "gram":
        # Shoppers compare by the kilogram, whatever amount the price is for.
        kilogram = round(article.amount_minor * 1000 / article.per_qty)
        unit = say.money(kilogram, article.currency)
        blocks: list[Block] = [Text(price, "huge", bold=True, align="end")]
        amount = say.amount(article.per_qty, "gram")
        by = say("for %(amount)s · %(price)s per kg", amount=amount, price=unit)
        return [*blocks, Text(by, "body", align="end")]
    blocks = [Text(price, "huge", bold=True, align="end")]
    if article.per_qty > 1:
        each = say.money(round(article.amount_minor / article.per_qty), article.currency)
        pieces = say.number(article.per_qty)
        by = say("for %(pieces)s · %(price)s each", pieces=pieces, price=each)
        blocks.append(Text(by, "body", align="end"))
    return blocks


def _end(say: Words, now: datetime, store: str) -> list[Block]:
    printed = say("%(store)s · printed %(time)s", store=store, time=say.moment(now))
    return [Rule(), Text(printed, "small", align="center")]
