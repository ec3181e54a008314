"""Reads the queue, the printers and the store's choices, and gathers what a paper will say.

It must never write, and never read a name: papers are made of orders, goods and places.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from sqlite3 import Connection, Row
from typing import Any, Final

import msgspec

from hub.catalog import queries as catalog
from hub.clock import stamp
from hub.errors import NotFound
from hub.fleet import queries as fleet
from hub.pickup import queries as pickup
from hub.printing import layouts
from hub.printing.document import Document
from hub.printing.layouts import Article, Count, Line, Order
from hub.printing.rules import WAITING, Choices, Job, Kind, State
from hub.printing.words import Words, locale
from hub.shelf import queries as shelf
from hub.stock import queries as stock
from hub.tasks import queries as tasks

_JOB: Final = f"SELECT {', '.join(Job._fields)} FROM print_job"
# `ref` of a count sheet that asks for what the store has been asked to count.
TASKS: Final = "tasks"
# So many slips are made in one work on the writer; the next second makes the next ones.
MOST_SLIPS: Final = 20


def choices(conn: Connection) -> Choices:
    known = dict(map(tuple, conn.execute("SELECT name, value FROM print_choice")))
    decoded = {name: msgspec.json.decode(value) for name, value in known.items()}
    return Choices(**{name: decoded[name] for name in Choices._fields if name in decoded})


def printers(conn: Connection) -> list[str]:
    """Return the ids of the store's printers."""
    return [one.id for one in fleet.registry(conn) if one.kind == "printer" and not one.revoked_at]


def job(conn: Connection, job_id: str) -> Job:
    row = conn.execute(f"{_JOB} WHERE job = ?", (job_id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no print job {job_id[:64]}.")
    return _job(row)


def find(conn: Connection, job_id: str) -> Job | None:
    row = conn.execute(f"{_JOB} WHERE job = ?", (job_id,)).fetchone()
    return None if row is None else _job(row)


def jobs(
    conn: Connection, *, kind: str | None = None, ref: str | None = None, limit: int = 50
) -> list[Job]:
    """Return jobs, the newest first; of one paper when `kind` and `ref` say which."""
    rows = conn.execute(
        f"{_JOB} WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR ref = ?2)"
        " ORDER BY n DESC LIMIT ?3",
        (kind, ref, limit),
    )
    return [_job(row) for row in rows]


def overdue(conn: Connection, now: str, limit: int = 200) -> list[Job]:
    """Return jobs that still wait though nobody wants their paper any more."""
    rows = conn.execute(
        f"{_JOB} WHERE state IN ({','.join('?' * len(WAITING))}) AND until < ? ORDER BY n LIMIT ?",
        (*sorted(WAITING), now, limit),
    )
    return [_job(row) for row in rows]


def wait_for_slips(conn: Connection, now: datetime) -> list[str]:
    """Return new orders without a slip, where the store chose to have one of each printed.

    None where nobody could say on which printer, and none of before the time a paper is wanted.
    """
    chosen = choices(conn)
    if not chosen.new_orders:
        return []
    known = printers(conn)
    if chosen.slips_at not in known if chosen.slips_at else len(known) != 1:
        return []
    new = pickup.reserved_since(conn, stamp(now - timedelta(minutes=chosen.minutes)))
    rows = conn.execute(
        "SELECT ref FROM print_job WHERE kind = ? AND ref IN (SELECT value FROM json_each(?))",
        (Kind.PICKUP_SLIP, msgspec.json.encode(new).decode()),
    )
    printed = {ref for (ref,) in rows}
    return [order_id for order_id in new if order_id not in printed][:MOST_SLIPS]


def stored(conn: Connection, job_id: str) -> Document:
    """Return the paper of a job as it was asked for."""
    row = conn.execute("SELECT document FROM print_job WHERE job = ?", (job_id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no print job {job_id[:64]}.")
    return msgspec.json.decode(row["document"], type=Document)


def _job(row: Row) -> Job:
    return Job(**{**dict(row), "state": State(row["state"])})


# -- what papers say -----------------------------------------------------------------------------


def document(
    conn: Connection, kind: Kind, ref: str, now: datetime, lang: str | None = None
) -> Document:
    """Return the paper of `kind` about `ref` as it would be printed now.

    Raises NotFound for an order or product that is not here, Invalid for a wrong language.
    """
    chosen = choices(conn)
    say = Words(lang or chosen.language, chosen.time_zone)
    locale(say.lang)
    return _PAPERS[kind](conn, ref, say, now, chosen)


def _pickup_slip(
    conn: Connection, ref: str, say: Words, now: datetime, chosen: Choices
) -> Document:
    order = pickup.order(conn, ref)
    skus = [line["sku"] for line in order["lines"]]
    walk = shelf.walk_order(conn, skus)
    lines = [_line(conn, line, walk, say.lang) for line in order["lines"]]
    found = Order(
        order["order_id"],
        order["short_code"],
        " + ".join(one["shelf"] for one in order["shelves"]) or order["shelf"],
        order["promise_at"],
        lines,
        order["language"],
    )
    return layouts.pickup_slip(found, say, now, chosen.store)


def _line(
    conn: Connection, line: Mapping[str, Any], walk: Mapping[str, tuple[int, Any]], lang: str
) -> Line:
    product = catalog.product(conn, line["sku"])
    order, place = walk.get(line["sku"], (None, None))
    return Line(
        sku=line["sku"],
        name=(product.name(lang) if product else "") or line["name"] or line["sku"],
        qty=line["ordered"] - line["short"] - line["substituted"] - line["canceled"],
        unit=product.unit if product else "piece",
        place=place.place if place else "",
        order=order,
    )


def _shelf_label(
    conn: Connection, ref: str, say: Words, now: datetime, chosen: Choices
) -> Document:
    found = article(conn, ref, say.lang, now)
    places = shelf.places_of(conn, found.sku)
    return layouts.shelf_label(found, places[0].place if places else "", say)


def _product_label(
    conn: Connection, ref: str, say: Words, now: datetime, chosen: Choices
) -> Document:
    return layouts.product_label(article(conn, ref, say.lang, now), say)


def _count_sheet(
    conn: Connection, ref: str, say: Words, now: datetime, chosen: Choices
) -> Document:
    title, skus = _asked(conn, ref, say, now)
    counts = [_count(conn, sku, place, say.lang, now, chosen) for place, sku in skus]
    return layouts.count_sheet(title, counts, say, now, chosen.store)


def _asked(
    conn: Connection, ref: str, say: Words, now: datetime
) -> tuple[str, list[tuple[str, str]]]:
    """Return a count sheet's title and its (place, SKU) in walking order."""
    place = shelf.place(conn, ref)
    if place is not None:
        return _called(place), [(_called(place), one.sku) for one in shelf.facings(conn, ref)]
    if ref == TASKS:
        wanted = [task["sku"] for task in tasks.board(conn, kinds=["count"]) if task["sku"]]
        return say("What is to be counted"), _walked(conn, wanted)
    skus = [sku for sku in (part.strip() for part in ref.split(",")) if sku]
    known = [
        sku for sku in skus if stock.load(conn, sku, now).buckets or catalog.product(conn, sku)
    ]
    if not known:
        raise NotFound(f"There is no place and no product {ref[:64]} in this store.")
    return ", ".join(known), _walked(conn, known)


def _walked(conn: Connection, skus: Iterable[str]) -> list[tuple[str, str]]:
    """Return (place, SKU) in walking order; what has no place comes last."""
    listed = list(dict.fromkeys(skus))
    walk = shelf.walk_order(conn, listed)
    listed.sort(key=lambda sku: (sku not in walk, walk[sku][0] if sku in walk else 0))
    return [(_called(walk[sku][1]) if sku in walk else "", sku) for sku in listed]


def _count(
    conn: Connection, sku: str, place: str, lang: str, now: datetime, chosen: Choices
) -> Count:
    product = catalog.product(conn, sku)
    expected = stock.load(conn, sku, now).on_hand if chosen.expected else None
    name = product.name(lang) if product else sku
    return Count(sku, name, product.unit if product else "piece", place, expected)


def _test_page(conn: Connection, ref: str, say: Words, now: datetime, chosen: Choices) -> Document:
    return layouts.page_of_test(ref, say, now, chosen.store)


def article(conn: Connection, ref: str, lang: str, now: datetime) -> Article:
    """Return the product that a SKU or a barcode names. Raises NotFound."""
    sku = catalog.sku_of(conn, ref)
    product = catalog.product(conn, sku) if sku is not None else None
    if product is None:
        raise NotFound(f"There is no product {ref[:64]} in the catalogue.")
    price = catalog.price(conn, product.sku, now)
    gtins = catalog.gtins(conn, product.sku)
    return Article(
        sku=product.sku,
        name=product.name(lang),
        unit=product.unit,
        # The piece's own barcode comes before a case's: it has leading zeros.
        gtin=gtins[0] if gtins else None,
        amount_minor=price.amount_minor if price else None,
        currency=price.currency if price else "EUR",
        per_qty=price.per_qty if price else 1,
        brand=product.brand,
    )


def _called(place: Any) -> str:
    """Return a place's id with what people call it."""
    return str(place.place if place.name == place.place else f"{place.place} · {place.name}")


_PAPERS: Final[dict[Kind, Callable[..., Document]]] = {
    Kind.PICKUP_SLIP: _pickup_slip,
    Kind.SHELF_LABEL: _shelf_label,
    Kind.PRODUCT_LABEL: _product_label,
    Kind.COUNT_SHEET: _count_sheet,
    Kind.TEST_PAGE: _test_page,
}
