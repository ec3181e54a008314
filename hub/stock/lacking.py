"""How many units of what was sold, or not found, nobody has free; pure.

It must never decide whose they were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hub.stock.ledger import Stock, per_sku
from hub.stock.rules import SaleLine, sweep


def of_sale(
    stocks: Mapping[str, Stock], lines: Sequence[SaleLine], now: str | None
) -> dict[str, int]:
    """Return by SKU the units of a sale beyond what is free, expired holds given back."""
    named = {line.closes for line in lines}
    found = {}
    for sku, qty in per_sku((line.sku, line.qty) for line in lines if line.closes is None).items():
        stock = stocks.get(sku) or Stock(sku)
        others = tuple(hold for hold in stock.holds if hold.ref not in named)
        if (beyond := _beyond(replace(stock, holds=others), qty, now)) > 0:
            found[sku] = beyond
    return found


def of_count(stock: Stock, counted: int, moved_since: int, now: str | None) -> dict[str, int]:
    """Return the units that a count misses beyond what is free."""
    missing = stock.on_hand - moved_since - counted
    beyond = _beyond(stock, missing, now)
    return {stock.sku: beyond} if beyond > 0 else {}


def _beyond(stock: Stock, qty: int, now: str | None) -> int:
    if qty <= 0:
        return 0
    free = stock.units("available") + sum(move.qty for move in sweep(stock, qty, now))
    return qty - max(0, free)
