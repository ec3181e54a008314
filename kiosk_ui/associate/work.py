"""Arranges what an associate may do now: orders to pick, the own wave, counts, gaps, returns.

It must never show a customer: an order is its short code on the floor.
"""

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any, Final

from hub.catalog import queries as catalog
from hub.pickup import queries, waves
from hub.pickup.board import queries as boards
from hub.pickup.lifecycle import Status
from hub.pickup.staging import shelf_kinds
from hub.shelf import queries as shelf
from hub.shelf.rules import Place
from hub.stock import queries as stock
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind
from kiosk_ui import show
from kiosk_ui.counter import cards
from kiosk_ui.session import Person, hub
from kiosk_ui.words import later

TO_PICK: Final = (Status.RESERVED, Status.RECEIVED)
SHOWN: Final = 40
KINDS: Final = (
    Kind.UNCLAIMED.value,
    Kind.PARCEL.value,
    Kind.CONFIRM.value,
    Kind.BROKEN.value,
    Kind.RETURN.value,
    Kind.COUNT.value,
    Kind.RESHELVE.value,
    Kind.REPLENISH.value,
)
# Their title is followed by the order's short code.
OF_ORDER: Final = (Kind.CONFIRM, Kind.BROKEN, Kind.UNCLAIMED, Kind.RETURN)
WHAT: Final = {
    Kind.UNCLAIMED.value: later("Nobody picks it"),
    Kind.PARCEL.value: later("Parcel put aside"),
    Kind.CONFIRM.value: later("Does not fit together"),
    Kind.BROKEN.value: later("Promise broken"),
    Kind.RETURN.value: later("Return in conflict"),
    Kind.COUNT.value: later("Count"),
    Kind.RESHELVE.value: later("Return to the shelf"),
    Kind.REPLENISH.value: later("Refill"),
    "gap": later("Gap"),
}
WHY: Final = {
    "NOT_IN_STOCK": later("a pick did not find it"),
    "MISMATCH": later("another article stood there"),
    "RECORD_ERROR": later("the record was wrong"),
    "LOW_CONFIDENCE": later("not counted for long"),
    "SENSORS_DISAGREE": later("shelf and record differ"),
    "BUYER_NO_SHOW": later("the customer did not come"),
    "BUYER_REQUEST": later("the customer canceled"),
    "OUT_OF_STOCK": later("the order could not be filled"),
    "NO_ORDER": later("No order is known for it yet. Keep it; head office will be heard again."),
    "PUT_ASIDE": later("Its order is known now: receive it."),
    "CORRECTED": later("A lead found that it was not handed over"),
    "CAME_TOO_LATE": later("It came from elsewhere, and nobody waits for it any more."),
    "GAP": later("a sensor sees an empty place"),
    "LOW": later("a sensor sees few left"),
    "UNCLAIMED": later("It waits for longer than the store allows. Start picking it."),
    "STILL_UNCLAIMED": later(
        "It waits for twice as long as the store allows. Find somebody who picks it."
    ),
    "CAME_BACK": later(
        "These goods came back at another store as well. A lead decides about the refund."
    ),
    "NOT_HANDED_OVER": later(
        "Fewer of these goods were handed over than were brought. A lead decides about the refund."
    ),
    "NOT_KNOWN": later(
        "Head office does not know the order of these goods. A lead decides about the refund."
    ),
    "OrderHandedOver": later(
        "It was handed over although its goods were gone or given up before. Find out who has them;"
        " a lead corrects what is wrong."
    ),
    "BROKEN_BY_SALE": later(
        "It was sold at the till. Find a substitute, or tell the customer that it is short."
    ),
    "BROKEN_BY_COUNT": later(
        "A count did not find it. Find a substitute, or tell the customer that it is short."
    ),
}
UNFORESEEN: Final = later(
    "Two things were noted of this order that cannot both have happened. Look at its history and"
    " its goods; a lead corrects what is wrong."
)


def shown(person: Person) -> dict[str, Any]:
    """Return all that the page of tasks shows."""
    now = hub().clock.now()
    with hub().reader() as connection:
        known = cards.Known(connection)
        waiting = _waiting(connection)
        mine = waves.picking(connection, person.actor)
        busy = boards.board(connection, (Status.PICKING,), SHOWN)
        return {
            "waiting": [
                cards.card({**order, "customer_ref": None}, known, now) for order in waiting
            ],
            "orders": mine["orders"],
            "left": sum(line["pending"] for line in mine["lines"] if not line["substitute_for"]),
            "others": sorted(
                {
                    known.person(one["claimed_by"])
                    for one in busy
                    if one["claimed_by"] != person.actor
                }
            ),
            "jobs": _jobs(connection, known, person),
            "wave": hub().options.wave_orders,
            # A count compares with the record as it was when somebody began to count.
            "since": stock.last_entry(connection),
        }


def picking(person: Person) -> dict[str, Any]:
    """Return the wave as the phone keeps it: lines in walking order, with pictures and barcodes."""
    with hub().reader() as connection:
        known = cards.Known(connection)
        found = waves.picking(connection, person.actor)
        waiting = [order["order_id"] for order in _waiting(connection)]
        lines = [_line(connection, line, known) for line in found["lines"]]
        kinds = shelf_kinds(connection)
    return {"orders": found["orders"], "lines": lines, "waiting": waiting, "shelves": kinds}


def _line(connection: Connection, line: Mapping[str, Any], known: cards.Known) -> dict[str, Any]:
    product, wanted = known.product(line["sku"]), line["substitutes"]
    return {
        **line,
        "picture": known.image(line["sku"]),
        "price": show.money(line["unit_price_minor"], line["currency"]),
        "unit": product.unit if product else "piece",
        # What the customer takes instead, so that the phone can offer it without the hub.
        "allowed": [
            _instead(connection, sku, known) for sku in (wanted if isinstance(wanted, list) else ())
        ],
    }


def _instead(connection: Connection, sku: str, known: cards.Known) -> dict[str, Any]:
    place = _place(connection, sku)
    about = _about(sku, known) | {"gtins": catalog.gtins(connection, sku)}
    return about | {"where": (place.name or place.place) if place else ""}


def _waiting(connection: Connection) -> list[dict[str, Any]]:
    """Return the orders that may be claimed, the earliest promise first."""
    found = boards.board(connection, TO_PICK, SHOWN, hub().clock.now())
    return [
        one for one in found if one["supply"] != "ship_to_store" or one["state"] == Status.RECEIVED
    ]


def _jobs(connection: Connection, known: cards.Known, person: Person) -> list[dict[str, Any]]:
    """Return tasks, and gaps that no task asks to fill, as one list."""
    found = [_job(connection, task, known, person) for task in tasks.board(connection, kinds=KINDS)]
    asked = {(job["kind"], job["sku"]) for job in found}
    for gap in shelf.gaps(connection):
        if ("replenish", gap["sku"]) not in asked:
            place = shelf.place(connection, gap["place"])
            found.append(_about(gap["sku"], known) | {"kind": "gap", "task_id": "", "state": ""}
                         | {"title": WHAT["gap"], "why": WHY["GAP"], "by": "", "mine": False}
                         | {"place": place, "short_code": ""})  # fmt: skip
    return found


def _job(
    connection: Connection, task: Mapping[str, Any], known: cards.Known, person: Person
) -> dict[str, Any]:
    order = queries.find(connection, task["order_id"]) if task["order_id"] else None
    return _about(task["sku"], known) | {
        "kind": task["kind"],
        "task_id": task["task_id"],
        "state": task["state"],
        "title": WHAT[task["kind"]],
        "why": WHY.get(task["reason"], UNFORESEEN if task["kind"] == Kind.CONFIRM else ""),
        "by": known.person(task["claimed_by"]),
        "mine": task["claimed_by"] == person.actor,
        "place": _place(connection, task["sku"]),
        "short_code": order.label if order else task["order_id"] or _unknown(task),
        "of_order": task["kind"] in OF_ORDER,
        "order_id": task["order_id"] if task["kind"] == Kind.CONFIRM else "",
        "return_id": task["subject"].removeprefix("return:") if task["kind"] == "return" else "",
        "parcel": task["order_id"] or _unknown(task),
    }


def _unknown(task: Mapping[str, Any]) -> str:
    """Return the code of a parcel that no order is known for."""
    kind, _sep, code = task["subject"].partition(":")
    return code if kind == "parcel" else ""


def _about(sku: str | None, known: cards.Known) -> dict[str, Any]:
    product = known.product(sku) if sku else None
    return {
        "sku": sku,
        "name": (product.name() if product else "") or sku or "",
        "picture": known.image(sku) if sku else "",
    }


def _place(connection: Connection, sku: str | None) -> Place | None:
    found = shelf.walk_order(connection, [sku] if sku else [])
    return next((place for _, place in found.values()), None)
