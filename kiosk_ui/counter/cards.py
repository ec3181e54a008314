"""Arranges orders for the board and the order page: who, what, by when, and which button is next.

It must never decide what an order may do: that is read from the lifecycle's table.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from flask import url_for

from hub.catalog import queries as catalog
from hub.customers import queries as customers
from hub.pickup import accepting, queries
from hub.pickup.lifecycle import NEXT, Status
from hub.staff import queries as staff
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind
from kiosk_ui import show
from kiosk_ui.words import _, later

NEW: Final = (Status.PROPOSED, Status.RESERVED, Status.IN_TRANSIT, Status.RECEIVED)
COLUMNS: Final = (
    ("new", later("New"), "bell", NEW),
    ("picking", later("Picking"), "scan", (Status.PICKING,)),
    ("prepared", later("Prepared"), "shelf", (Status.PREPARED,)),
    ("ready", later("Ready"), "check", (Status.READY_FOR_PICKUP,)),
)
# The one step that a card's button takes; others are on the order's page.
TAP: Final = {
    "RESERVED": ("claim", later("Start picking")),
    "RECEIVED": ("claim", later("Start picking")),
    "PREPARED": ("ready", later("Ready for pickup")),
}
THUMBS: Final = 4
CALLING_SHOWN: Final = 12


@dataclass(frozen=True)
class Card:
    """One order on the board, as far as it is seen there: equal cards look the same."""

    order_id: str
    state: str
    version: int
    short_code: str
    promise_at: str | None
    shelf: str | None
    units: int
    picked: int
    timing: str
    words: str
    customer: str
    by: str
    images: tuple[str, ...]
    hands: tuple[str, ...] = ()  # who has its handover open
    calls: str = ""  # why it calls: nobody picks it, for longer than the store allows
    travels: bool = False  # its goods are still to come from elsewhere


@dataclass(frozen=True)
class Column:
    name: str
    title: Any
    icon: str
    cards: list[Card] = field(default_factory=list)
    total: int = 0


class Known:
    """What cards show besides the order, each looked up once: names, pictures."""

    def __init__(self, connection: sqlite3.Connection, lang: str = "en") -> None:
        self._connection, self._lang = connection, lang
        self._products: dict[str, catalog.Product | None] = {}
        self._people: dict[str, str] | None = None
        self._customers: dict[str, str] = {}
        self._calling: dict[str, dict[str, Any]] | None = None

    def product(self, sku: str) -> catalog.Product | None:
        if sku not in self._products:
            self._products[sku] = catalog.product(self._connection, sku)
        return self._products[sku]

    def image(self, sku: str) -> str:
        product = self.product(sku)
        return show.picture(product.image if product else None)

    def meet(self, refs: Iterable[str | None]) -> None:
        """Look the names of many customers up at once."""
        self._customers |= customers.names(self._connection, [ref for ref in refs if ref])

    def customer(self, ref: str | None) -> str:
        if not ref:
            return ""
        if ref not in self._customers:
            self.meet([ref])
        return self._customers.get(ref, "")

    def plate(self, ref: str | None) -> str | None:
        found = customers.person(self._connection, ref) if ref else None
        return found.plate if found else None

    def calls(self, order_id: str) -> str:
        """Return why an order calls that nobody picks; "" for one that does not."""
        task = self._unclaimed().get(order_id)
        return "" if task is None else str(task["reason"])

    def still_unclaimed(self) -> list[dict[str, Any]]:
        """Return the orders that called in vain, the longest first: nobody came."""
        still = accepting.REASONS[-1]
        found = [one for one in self._unclaimed().values() if one["reason"] == still]
        return [
            {
                "order_id": one["order_id"],
                "short_code": queries.load(self._connection, one["order_id"]).short_code,
                "at": one["opened_at"],
            }
            for one in found[:CALLING_SHOWN]
        ]

    def _unclaimed(self) -> dict[str, dict[str, Any]]:
        if self._calling is None:
            found = tasks.board(self._connection, kinds=[Kind.UNCLAIMED.value])
            self._calling = {task["order_id"]: task for task in found}
        return self._calling

    def person(self, actor: str | None) -> str:
        """Return who an actor is, as staff read it."""
        if not actor:
            return ""
        kind, _sep, name = actor.partition(":")
        if kind == "staff":
            return self._names().get(name, name)
        return {"central": _("Central"), "hub": _("The hub")}.get(kind, name or kind)

    def _names(self) -> dict[str, str]:
        if self._people is None:
            members = staff.members(self._connection)
            self._people = {member.staff_id: member.name for member in members}
        return self._people


def card(order: Mapping[str, Any], known: Known, now: datetime, hands: Sequence[str] = ()) -> Card:
    coming = travels(order)
    promise = None if coming else order["promise_at"]
    timing, words = show.timer(promise, now)
    return Card(
        order_id=order["order_id"],
        state=order["state"],
        version=order["version"],
        short_code=order["short_code"],
        promise_at=promise,
        shelf=show.stands_on(order),
        units=order["units"],
        picked=order["units"] - order["pending"],
        timing=timing,
        words=words,
        customer=known.customer(order["customer_ref"]),
        by=known.person(order["claimed_by"]),
        images=tuple(known.image(sku) for sku in order.get("skus", ())[:THUMBS]),
        hands=tuple(hands),
        calls=known.calls(order["order_id"]),
        travels=coming,
    )


def travels(order: Mapping[str, Any]) -> bool:
    """Are the goods of this order still to come from elsewhere? Then no promise runs yet."""
    return order["supply"] == "ship_to_store" and order["state"] in (
        Status.RESERVED,
        Status.IN_TRANSIT,
    )


def arrival(order: Mapping[str, Any], known: Known, now: datetime) -> dict[str, Any]:
    """Return an order whose customer is here (at a stall, with a plate) or on the way."""
    here = order["buyer_arrived_at"] is not None
    at = order["buyer_arrived_at"] if here else order["buyer_on_the_way_at"]
    page = "handover.whole" if order["state"] == Status.READY_FOR_PICKUP else "counter.order_page"
    return {
        "order_id": order["order_id"],
        "short_code": order["short_code"],
        "state": order["state"],
        "shelf": show.stands_on(order),
        "where": "arrived" if here else "way",
        "at": at,
        "elapsed": show.age(at),
        "expected_at": None if here else order["expected_at"],
        "expected": show.timer(order["expected_at"], now)[1],
        "stall": order["buyer_stall"],
        "plate": known.plate(order["customer_ref"]),
        "customer": known.customer(order["customer_ref"]),
        "address": url_for(page, order_id=order["order_id"]),
    }


def column(
    name: str,
    title: Any,
    icon: str,
    orders: Sequence[Mapping[str, Any]],
    counts: Mapping[str, int],
    known: Known,
    now: datetime,
    hands: Callable[[str], Sequence[str]] = lambda order_id: (),
) -> Column:
    """Arrange a column's orders, most urgent first as they come."""
    states = next(states for other, _title, _icon, states in COLUMNS if other == name)
    total = sum(counts.get(state.value, 0) for state in states)
    known.meet(order["customer_ref"] for order in orders)
    shown = [card(order, known, now, hands(order["order_id"])) for order in orders]
    return Column(name, title, icon, shown, total)


def allowed(state: str) -> set[str]:
    """Return the steps that the lifecycle's table knows for a state."""
    return {step.value for (status, step) in NEXT if status.value == state}
