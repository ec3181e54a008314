"""One SKU's account as a value - buckets, open holds, evidence - and the fold of its facts.

It must never refuse a fact: a fold is total, and what is below zero stays below zero.

Times are stamps (`hub.clock.stamp`): their text sorts as they do. `now` is None where the clock
cannot be trusted, and then nothing has expired.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from hub.stock.facts import ON_HAND, HoldExtended, StockMoved, UnitsCounted

StockFact = StockMoved | UnitsCounted | HoldExtended


@dataclass(frozen=True, slots=True)
class Hold:
    """An open HOLD (units in `held`) or ALLOCATION (units in `committed` and `staged`)."""

    ref: str
    sku: str
    kind: str
    open_qty: int
    staged_qty: int = 0
    until: str | None = None
    order_id: str | None = None
    line_id: str | None = None

    def expired(self, now: str | None) -> bool:
        """A hold counts until `until`; at that very moment it is over."""
        return now is not None and self.until is not None and self.until <= now


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for and against a record since its last count (`since`: count or first move)."""

    days: int = 0
    sold: int = 0
    adjustments: int = 0
    agreed: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """What a store decides for itself; the defaults promise all that the record knows of.

    `safety_stock_low` is kept back where the record deserves little trust, `channel_threshold` by
    every channel but the store's own. An order without a time is due `promise_minutes` from now.
    """

    hold_seconds: int = 600
    safety_stock: int = 0
    safety_stock_low: int = 1
    channel_threshold: int = 0
    promise_minutes: int = 120


@dataclass(frozen=True, slots=True)
class Stock:
    """One SKU's account. `holds` are the open ones, `lent` the rights that central still holds."""

    sku: str
    buckets: Mapping[str, int] = field(default_factory=dict)
    holds: tuple[Hold, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    policy: Policy = field(default_factory=Policy)
    lent: int = 0

    def units(self, bucket: str) -> int:
        return self.buckets.get(bucket, 0)

    @property
    def on_hand(self) -> int:
        return sum(self.units(bucket) for bucket in ON_HAND)

    def expired(self, now: str | None) -> list[Hold]:
        """Expired holds that nobody has swept yet, the longest expired first."""
        over = [hold for hold in self.holds if hold.kind == "HOLD" and hold.expired(now)]
        return sorted(over, key=lambda hold: (hold.until or "", hold.ref))


def evolve(stock: Stock, fact: StockFact) -> Stock:
    """Apply a fact of this SKU. Never refuses."""
    if isinstance(fact, UnitsCounted):
        return replace(stock, evidence=Evidence())
    if isinstance(fact, HoldExtended):
        holds = tuple(
            replace(hold, until=fact.until) if hold.ref == fact.ref else hold
            for hold in stock.holds
        )
        return replace(stock, holds=holds)
    buckets = dict(stock.buckets)
    buckets[fact.source] = buckets.get(fact.source, 0) - fact.qty
    buckets[fact.target] = buckets.get(fact.target, 0) + fact.qty
    return replace(stock, buckets=buckets, holds=_evolve_holds(stock.holds, fact))


def _evolve_holds(holds: tuple[Hold, ...], move: StockMoved) -> tuple[Hold, ...]:
    """A hold whose units are all closed is gone; one that a rebase overdrew is kept below zero."""
    ref, opened, staged = hold_change(move)
    if ref is None:
        return holds
    known = {hold.ref: hold for hold in holds}
    hold = known.get(ref)
    if hold is None:
        kind = "HOLD" if "held" in (move.source, move.target) else "ALLOCATION"
        hold = Hold(ref, move.sku, kind, 0, 0, move.until, move.order_id, move.line_id)
    known[ref] = replace(hold, open_qty=hold.open_qty + opened, staged_qty=hold.staged_qty + staged)
    return tuple(hold for hold in known.values() if (hold.open_qty, hold.staged_qty) != (0, 0))


PROMISE_BUCKETS: Final = ("held", "committed", "staged")


def hold_change(move: StockMoved) -> tuple[str | None, int, int]:
    """Return (ref, units it gains, of which staged): how `move` changes a hold."""
    gained = (move.target in PROMISE_BUCKETS) - (move.source in PROMISE_BUCKETS)
    staged = (move.target == "staged") - (move.source == "staged")
    ref = move.closes or move.ref
    if ref is None or (gained, staged) == (0, 0):
        return None, 0, 0
    return ref, gained * move.qty, staged * move.qty


def is_correction(move: StockMoved) -> bool:
    """Corrections speak about the past: they change what a running count should have found."""
    return move.kind in ("COUNT", "ADJUSTMENT")


def on_hand_change(move: StockMoved) -> int:
    """Return by how much `move` changes the units in the store."""
    return move.qty * ((move.target in ON_HAND) - (move.source in ON_HAND))


def per_sku(lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sum the lines of one SKU: two of them never pass a check one by one."""
    total: dict[str, int] = {}
    for sku, qty in lines:
        total[sku] = total.get(sku, 0) + qty
    return total
