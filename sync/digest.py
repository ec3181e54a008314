"""One digest for the same numbers at both ends, so that `verify` can compare hub and central.

It must never depend on the order in which rows are read, nor on how either end stores them.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from hub.chain import Pair
from hub.pickup.order import PickupOrder


class Scope(msgspec.Struct, frozen=True):
    """What one kind of row sums up to."""

    rows: int
    digest: str


class Digest(msgspec.Struct, frozen=True):
    """A store's numbers at the journal's position `seq`, `hash`."""

    seq: int
    hash: str
    stock: Scope
    orders: Scope


def of_rows(rows: Iterable[tuple[Any, ...]]) -> Scope:
    """Sum up rows of text and whole numbers, whatever their order."""
    lines = sorted(msgspec.json.encode(row) for row in rows)
    return Scope(len(lines), blake2b(b"\n".join(lines), digest_size=32).hexdigest())


def of_store(
    head: Pair, stock: Iterable[tuple[str, str, int]], orders: Iterable[tuple[Any, ...]]
) -> Digest:
    """Sum up a store: (sku, bucket, qty) without zeros, and orders as `order_row` makes them."""
    return Digest(
        head.seq,
        head.hash,
        of_rows(row for row in stock if row[2] != 0),
        of_rows(orders),
    )


def order_row(order: PickupOrder) -> tuple[Any, ...]:
    """Return what must be equal at both ends of an order: all but times."""
    lines = [
        (
            line.line_id,
            line.sku,
            line.ordered,
            line.picked,
            line.short,
            line.substituted,
            line.canceled,
            line.handed_over,
        )
        for line in order.lines
    ]
    return (order.order_id, order.state.value, order.version, order.shelf, sorted(lines))
