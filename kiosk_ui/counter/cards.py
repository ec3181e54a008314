"""Arranges orders for the board and the order page: who, what, by when, and which button is next.

It must never decide what an order may do: that is read from the lifecycle's table.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from hub.catalog import queries as catalog
from hub.customers import queries as customers
from hub.pickup.lifecycle import NEXT, Status
from hub.staff import queries as staff
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


@dataclass(frozen=True)
class Card:
    """One order on the board."""

    order: Mapping[str, Any]
    timing: str
    words: str
    customer: str
    by: str
    images: Sequence[str]
    tap: tuple[str, Any] | None

    @property
    def units(self) -> int:
        return int(self.order["units"])

    @property
    def picked(self) -> int:
        return self.units - int(self.order["pending"])


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

    def product(self, sku: str) -> catalog.Product | None:
        if sku not in self._products:
            self._products[sku] = catalog.product(self._connection, sku)
        return self._products[sku]

    def image(self, sku: str) -> str:
        product = self.product(sku)
        return show.picture(product.image if product else None)

    def customer(self, ref: str | None) -> str:
        if not ref:
            return ""
        found: str | None = customers.name(self._connection, ref)
        return found or ""

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


def card(order: Mapping[str, Any], known: Known, now: datetime) -> Card:
    timing, words = show.timer(order.get("promise_at"), now)
    images = [known.image(sku) for sku in order.get("skus", ())[:THUMBS]]
    return Card(
        order=order,
        timing=timing,
        words=words,
        customer=known.customer(order.get("customer_ref")),
        by=known.person(order.get("claimed_by")),
        images=images,
        tap=TAP.get(order["state"]),
    )


def column(
    name: str,
    title: Any,
    icon: str,
    orders: Sequence[Mapping[str, Any]],
    counts: Mapping[str, int],
    known: Known,
    now: datetime,
) -> Column:
    """Arrange a column's orders, most urgent first as they come."""
    states = next(states for other, _title, _icon, states in COLUMNS if other == name)
    total = sum(counts.get(state.value, 0) for state in states)
    return Column(name, title, icon, [card(order, known, now) for order in orders], total)


def allowed(state: str) -> set[str]:
    """Return the steps that the lifecycle's table knows for a state."""
    return {step.value for (status, step) in NEXT if status.value == state}
