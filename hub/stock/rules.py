"""Decides which moves the ledger takes, or refuses with a sentence.

It must never let an action take a bucket below zero, and never close more than a hold names.

Times are stamps (`hub.clock.stamp`): their text sorts as they do. `now` is None where the clock
cannot be trusted, and then nothing has expired.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from hub.errors import Invalid, Refusal
from hub.stock.facts import INSIDE, HoldExtended, StockMoved, UnitsCounted
from hub.stock.ledger import Hold, Stock, StockFact, per_sku
from hub.stock.promise import Promise, available_to_promise
from hub.stock.rights import Rights, Side, Wishes, decide_return

__all__ = [
    "Hold",
    "Rights",
    "Side",
    "Stock",
    "Wishes",
    "available_to_promise",
    "decide_return",
    "per_sku",
]

MAX_QTY: Final = 1_000_000

RECORD_ERROR: Final = "RECORD_ERROR"
# Adjustments for these reasons say that the record was wrong; damage says nothing about it.
AGAINST_THE_RECORD: Final = (RECORD_ERROR, "NOT_IN_STOCK", "MISMATCH")


class Wanted(NamedTuple):
    """`qty` units of `sku` to be allocated under the name `ref`."""

    ref: str
    line_id: str
    sku: str
    qty: int


class SaleLine(NamedTuple):
    """`closes` names the hold that the units are taken from; None takes free ones."""

    sku: str
    qty: int
    closes: str | None = None


# -- holds and allocations ---------------------------------------------------------------------


def decide_hold(
    stock: Stock,
    ref: str,
    qty: int,
    until: str,
    channel: str,
    now: str | None,
) -> list[StockMoved]:
    """Hold `qty` units until `until`."""
    _refuse_beyond(available_to_promise(stock, channel, now), qty)
    held = StockMoved(
        sku=stock.sku,
        qty=qty,
        source="available",
        target="held",
        kind="HOLD",
        ref=ref,
        until=until,
    )
    return [*sweep(stock, qty, now), held]


def decide_extension(hold: Hold, until: str, now: str | None) -> list[HoldExtended]:
    """Activity keeps a hold alive. It never shortens one, and never revives an expired one."""
    if hold.expired(now):
        raise Refusal("This hold has expired. Take the units again.", slug="hold-expired")
    if hold.until is not None and until <= hold.until:
        return []
    return [HoldExtended(sku=hold.sku, ref=hold.ref, until=until)]


def decide_expiry(holds: Iterable[Hold], now: str | None) -> list[StockMoved]:
    """Write down which holds are over. Nothing expires by a clock that cannot be trusted."""
    over = [hold for hold in holds if hold.kind == "HOLD" and hold.expired(now)]
    return [release(hold, hold.open_qty, "EXPIRED") for hold in over if hold.open_qty > 0]


def decide_allocation(
    stocks: Mapping[str, Stock],
    wanted: Sequence[Wanted],
    order_id: str,
    channel: str,
    now: str | None,
) -> list[StockMoved]:
    """Promise all of `wanted` to one order, or refuse it whole. Lines of one SKU are summed."""
    facts = []
    for sku, qty in per_sku((line.sku, line.qty) for line in wanted).items():
        stock = stocks.get(sku) or Stock(sku)
        _refuse_beyond(available_to_promise(stock, channel, now), qty)
        facts += sweep(stock, qty, now)
    return facts + [
        StockMoved(
            sku=line.sku,
            qty=line.qty,
            source="available",
            target="committed",
            kind="ALLOCATION",
            ref=line.ref,
            order_id=order_id,
            line_id=line.line_id,
            channel=channel,
        )
        for line in wanted
    ]


def sweep(stock: Stock, needed: int, now: str | None) -> list[StockMoved]:
    """Release as many expired holds as `needed` free units require."""
    facts, free = [], stock.units("available")
    for hold in stock.expired(now):
        if free >= needed:
            break
        facts.append(release(hold, hold.open_qty, "EXPIRED"))
        free += hold.open_qty
    return facts


def release(hold: Hold, qty: int, reason: str | None = None) -> StockMoved:
    """Give unstaged units of a hold back to the shelf."""
    return close(hold, qty, "available", "RELEASE", reason=reason)


def close(
    hold: Hold,
    qty: int,
    target: str,
    kind: str,
    *,
    staged: bool = False,
    ref: str | None = None,
    reason: str | None = None,
) -> StockMoved:
    """Take `qty` units out of a hold or allocation: never more than it has where they are."""
    here = hold.staged_qty if staged else hold.open_qty - hold.staged_qty
    if qty > here:
        raise Refusal(
            f"Only {max(0, here)} of the units of SKU {hold.sku} that were promised are left.",
            slug="closes-too-much",
        )
    return StockMoved(
        sku=hold.sku,
        qty=qty,
        source="held" if hold.kind == "HOLD" else "staged" if staged else "committed",
        target=target,
        kind=kind,
        ref=ref,
        closes=hold.ref,
        order_id=hold.order_id,
        line_id=hold.line_id,
        reason=reason,
    )


def close_all(hold: Hold, kind: str, reason: str | None = None) -> list[StockMoved]:
    """Give back all that a hold or allocation still has, from where it is."""
    parts = ((hold.open_qty - hold.staged_qty, False), (hold.staged_qty, True))
    return [
        close(hold, qty, "available", kind, staged=staged, reason=reason)
        for qty, staged in parts
        if qty > 0
    ]


def stage(hold: Hold, qty: int, *, back: bool = False) -> StockMoved:
    """Move promised units to the staging shelf, or `back` from it; they stay promised."""
    here = hold.staged_qty if back else hold.open_qty - hold.staged_qty
    if qty > here:
        raise Refusal(
            f"Only {max(0, here)} of SKU {hold.sku} can be put there.", slug="closes-too-much"
        )
    source, target = ("staged", "committed") if back else ("committed", "staged")
    return StockMoved(
        sku=hold.sku,
        qty=qty,
        source=source,
        target=target,
        kind="ALLOCATION",
        ref=hold.ref,
        order_id=hold.order_id,
        line_id=hold.line_id,
    )


def reopen(
    hold: Hold, qty: int, source: str, kind: str, *, reason: str | None = None
) -> StockMoved:
    """Take a closing back: the units are promised again, staged when they were handed over."""
    return StockMoved(
        sku=hold.sku,
        qty=qty,
        source=source,
        target="staged" if source == "customer" else "committed",
        kind=kind,
        ref=hold.ref,
        order_id=hold.order_id,
        line_id=hold.line_id,
        reason=reason,
    )


# -- goods in and out --------------------------------------------------------------------------


def decide_receipt(receipt_id: str, lines: Iterable[tuple[str, int]]) -> list[StockMoved]:
    """Goods that came in, whatever the record or the catalogue thought of them."""
    return [
        StockMoved(
            sku=sku, qty=qty, source="supplier", target="available", kind="RECEIVE", ref=receipt_id
        )
        for sku, qty in lines
    ]


def decide_sale(
    stocks: Mapping[str, Stock],
    sale_id: str,
    lines: Sequence[SaleLine],
    holds: Mapping[str, Hold],
    now: str | None,
) -> list[StockMoved]:
    """A sale at the till has already happened: what the record lacks is corrected before it."""
    facts: list[StockMoved] = []
    named = {line.closes for line in lines}
    free = per_sku((line.sku, line.qty) for line in lines if line.closes is None)
    for sku, qty in free.items():
        stock = stocks.get(sku) or Stock(sku)
        others = tuple(hold for hold in stock.holds if hold.ref not in named)
        swept = sweep(replace(stock, holds=others), qty, now)
        known = stock.units("available") + sum(move.qty for move in swept)
        facts += swept
        if known < qty:
            facts.append(record_error(sku, qty - known))
    left = dict(holds)
    for line in lines:
        if line.closes is not None:
            hold = left[line.closes]
            facts.append(close(hold, line.qty, "customer", "SALE", ref=sale_id))
            left[line.closes] = replace(hold, open_qty=hold.open_qty - line.qty)
            continue
        facts.append(
            StockMoved(
                sku=line.sku,
                qty=line.qty,
                source="available",
                target="customer",
                kind="SALE",
                ref=sale_id,
            )
        )
    return facts


def record_error(sku: str, qty: int, bucket: str = "available") -> StockMoved:
    """Units that are there although the record did not know of them."""
    return StockMoved(
        sku=sku,
        qty=qty,
        source="shrink",
        target=bucket,
        kind="ADJUSTMENT",
        reason=RECORD_ERROR,
    )


def decide_mend(stock: Stock) -> list[StockMoved]:
    """Raise what a rebase left below zero, bucket by bucket."""
    short = [(bucket, -stock.units(bucket)) for bucket in INSIDE]
    return [record_error(stock.sku, qty, bucket) for bucket, qty in short if qty > 0]


def decide_count(
    stock: Stock,
    counted: int,
    *,
    moved_since: int,
    since: str | None,
    now: str | None,
    reason: str | None = None,
) -> list[StockFact]:
    """Compare all units in the store with the record as of when counting began.

    `moved_since` is the net number of units that came in (or, below zero, went out) since then.
    Missing units are taken from what is free. Promised and staged ones are left to the pick that
    will not find them: a count does not break a promise, and the record stays higher till then.
    """
    expected = stock.on_hand - moved_since
    facts: list[StockFact] = [
        UnitsCounted(sku=stock.sku, counted=counted, expected=expected, since=since, reason=reason)
    ]
    difference = counted - expected
    if difference > 0:
        facts.append(_counted(stock.sku, difference, "shrink", "available", reason))
    if difference < 0:
        swept = sweep(stock, -difference, now)
        free = stock.units("available") + sum(move.qty for move in swept)
        missing = min(-difference, max(0, free))
        facts += swept
        if missing:
            facts.append(_counted(stock.sku, missing, "available", "shrink", reason))
    return facts


def _counted(sku: str, qty: int, source: str, target: str, reason: str | None) -> StockMoved:
    return StockMoved(sku=sku, qty=qty, source=source, target=target, kind="COUNT", reason=reason)


def check_qty(qty: object, field: str) -> None:
    if isinstance(qty, bool) or not isinstance(qty, int) or not 1 <= qty <= MAX_QTY:
        raise Invalid(f"{field} must be a whole number from 1 to {MAX_QTY}.", field=field)


def check_sku(sku: object, field: str = "sku") -> None:
    if not isinstance(sku, str) or not 1 <= len(sku) <= 64 or not sku.isprintable():
        raise Invalid(f"{field} must be 1 to 64 printable characters.", field=field)


def _refuse_beyond(promise: Promise, qty: int) -> None:
    if qty <= promise.qty:
        return
    if promise.qty == 0:
        raise Refusal(f"None of SKU {promise.sku} is free.", slug="not-available")
    verb = "is" if promise.qty == 1 else "are"
    raise Refusal(f"Only {promise.qty} of SKU {promise.sku} {verb} free.", slug="not-available")
