"""Folds a batch of a store's facts into stock and orders as central shows them; pure.

It must never refuse a fact: what cannot be read is named, and the fold goes on without it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from hub.aisle import facts as aisle
from hub.customers import facts as customers
from hub.experience import facts as experience
from hub.fleet import facts as fleet
from hub.house import facts as house
from hub.pickup import facts as pickup
from hub.pickup.order import Line, LineStep, PickupOrder, evolve
from hub.returns import facts as returns
from hub.shelf import facts as shelf
from hub.stock import facts as stock
from hub.tasks import facts as tasks

from . import notice_rules

FACTS: Final[Mapping[tuple[str, int], type]] = {
    **stock.FACTS,
    **pickup.FACTS,
    **tasks.FACTS,
    **house.FACTS,
    **returns.FACTS,
    **customers.FACTS,
    **fleet.FACTS,
    **shelf.FACTS,
    **experience.FACTS,
    **aisle.FACTS,
}


DIGEST: Final = blake2b(
    msgspec.json.encode(
        [sorted(FACTS), PickupOrder._fields, Line._fields, LineStep._fields, "goods"]
    ),
    digest_size=16,
).hexdigest()
"""Names what this release folds and how it keeps it: another digest means: fold again."""


class _Envelope(msgspec.Struct, frozen=True):
    """An entry whose body is read by its type."""

    id: str
    type: str
    version: int
    recorded_at: str
    body: msgspec.Raw


_envelopes: Final = msgspec.json.Decoder(_Envelope)
_bodies: Final[dict[tuple[str, int], msgspec.json.Decoder[Any]]] = {
    name: msgspec.json.Decoder(kind) for name, kind in FACTS.items()
}
_orders: Final = msgspec.json.Decoder(PickupOrder)
_timelines: Final = msgspec.json.Decoder(list[dict[str, Any]])
_PICKUP: Final = frozenset(pickup.FACTS.values())
_AISLE: Final = frozenset(aisle.FACTS.values())
_RETURNS: Final = frozenset(returns.FACTS.values())
# What moves goods between the shop and a customer: points follow it.
_GOODS: Final = frozenset(
    {
        pickup.OrderHandedOver,
        pickup.HandoverCorrected,
        returns.ReturnOpened,
        returns.ReturnLineDisposed,
        returns.ReturnClosed,
        returns.ReturnConfirmed,
        returns.RefundSettled,
    }
)


class News(NamedTuple):
    """A fact that customers may be told of; `at` is the time that the notice is about."""

    fact: str
    order_id: str
    kind: str
    at: str


class Goods(NamedTuple):
    """A fact that moved goods to a customer or back: the entry's id and time."""

    entry: str
    at: str
    fact: Any


RightsFact = stock.RightsGranted | stock.RightsRecalled | stock.RightsReclaimed | stock.RightsTold
LoadOrder = Callable[[str], tuple[bytes, bytes] | None]
"""order_id → (folded order, timeline) as `order_rows` gave them, or None."""


@dataclass
class Fold:
    """What a batch changes: `moved` are differences, orders are whole, `rights` as they came.

    `feedback`: (order_id, score, what was good, when); `aisle`: facts with their time;
    `broken`: (order_id, when) of promises that the store broke.
    """

    load: LoadOrder
    moved: dict[tuple[str, str], int] = field(default_factory=dict)
    erased: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    rights: list[RightsFact] = field(default_factory=list)
    feedback: list[tuple[str, int, str, str]] = field(default_factory=list)
    aisle: list[tuple[str, Any]] = field(default_factory=list)
    returns: list[Any] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    news: list[News] = field(default_factory=list)
    goods: list[Goods] = field(default_factory=list)
    _changed: dict[str, tuple[PickupOrder, list[dict[str, Any]]]] = field(default_factory=dict)

    def take(self, content: bytes) -> str | None:
        """Fold one entry; returns why it could not be, None when it was."""
        try:
            entry = _envelopes.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return f"not an entry: {error}"
        decoder = _bodies.get((entry.type, entry.version))
        if decoder is None:
            return f"this central does not know {entry.type[:60]} version {entry.version}"
        try:
            fact = decoder.decode(entry.body)
        except msgspec.DecodeError as error:
            return f"{entry.type}: {error}"
        if type(fact) in _GOODS:
            self.goods.append(Goods(entry.id, entry.recorded_at, fact))
        if type(fact) is stock.StockMoved:
            self._move(fact)
        elif type(fact) in _PICKUP:
            self._evolve(entry, fact)
        elif type(fact) in _AISLE:
            self.aisle.append((entry.recorded_at, fact))
        elif type(fact) in _RETURNS:
            self.returns.append(fact)
        elif isinstance(fact, RightsFact):
            self.rights.append(fact)
        elif type(fact) is experience.FeedbackGiven:
            said = fact.order_id, fact.score, " ".join(fact.felt), entry.recorded_at
            self.feedback.append(said)
        elif type(fact) is customers.PersonalDataErased:
            self.erased.append(fact.ref)
        return None

    def _move(self, move: stock.StockMoved) -> None:
        source, target = (move.sku, move.source), (move.sku, move.target)
        self.moved[source] = self.moved.get(source, 0) - move.qty
        self.moved[target] = self.moved.get(target, 0) + move.qty

    def _evolve(self, entry: _Envelope, fact: Any) -> None:
        order, timeline = self._order(fact.order_id)
        order = evolve(order, fact, entry.recorded_at)
        told = {"at": entry.recorded_at, "type": entry.type, "state": order.state}
        if type(fact) is pickup.CancelRefused:
            told["reason"] = fact.reason
            self.refused.append(fact.order_id)
        elif type(fact) in (pickup.OrderReceived, pickup.GoodsToStock) and fact.lines:
            told["lines"] = msgspec.to_builtins(fact.lines)
        elif type(fact) is pickup.PromiseBroken:
            self.broken.append((fact.order_id, entry.recorded_at))
        timeline.append(told)
        for kind in notice_rules.OF_FACT.get(entry.type, ()):
            at = order.promise_at if kind == "delayed" else entry.recorded_at
            if at is not None:
                self.news.append(News(entry.id, fact.order_id, kind, at))
        self._changed[fact.order_id] = order, timeline

    def _order(self, order_id: str) -> tuple[PickupOrder, list[dict[str, Any]]]:
        known = self._changed.get(order_id)
        if known is not None:
            return known
        stored = self.load(order_id)
        if stored is None:
            return PickupOrder(order_id), []
        return _orders.decode(stored[0]), _timelines.decode(stored[1])

    def order_rows(self) -> Iterator[tuple[str, str, bytes, str]]:
        """Yield (order_id, state, folded order, timeline) of each order that changed."""
        for order_id, (order, timeline) in self._changed.items():
            folded, told = msgspec.json.encode(order), msgspec.json.encode(timeline)
            yield order_id, order.state.value, folded, told.decode()


def read_order(folded: bytes) -> PickupOrder:
    """Read an order as `order_rows` gave it."""
    return _orders.decode(folded)
