"""Demand streams for the comparison of promising policies: real sales, and a seeded one; outages.

It must never look at a policy: every policy gets the same demands, deliveries and outages.
"""

import csv
import random
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import datetime
from math import ceil, log
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

HOUR: Final = 3600
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
WEB_SHARE_PCT: Final = 30
QTY_MOST: Final = 12  # of the real lines: more is a reseller's order, which no shop floor serves
STOCKED_WEEKS: Final = 1.0  # a delivery fills up to so many weeks of demand
BETWEEN_OUTAGES_H: Final = 24.0  # mean time with the line up (exponential)
SPREAD: Final = 1.0  # of an outage's logarithm


class Demand(NamedTuple):
    """Somebody wants `qty` units at `at` (seconds from the stream's Monday, 00:00)."""

    at: int
    qty: int
    web: bool


class Stream(NamedTuple):
    """The demands by SKU, in order of time, and when the last one was."""

    name: str
    by_sku: Mapping[str, list[Demand]]
    end: int

    @property
    def demands(self) -> int:
        return sum(map(len, self.by_sku.values()))


class Outages:
    """When the line is down: lengths are log-normal around a median."""

    def __init__(self, median_h: float, end: int, seed: int) -> None:
        chance = random.Random(f"outages {seed}")
        self.down: list[tuple[int, int]] = []
        at = 0
        while at < end:
            at += round(chance.expovariate(1 / BETWEEN_OUTAGES_H) * HOUR)
            length = round(chance.lognormvariate(log(median_h), SPREAD) * HOUR)
            self.down.append((at, at + length))
            at += length
        self._begins = [begin for begin, _ in self.down]
        self.share = sum(stop - begin for begin, stop in self.down) / max(1, self.down[-1][1])

    def up(self, at: int) -> bool:
        n = bisect_right(self._begins, at) - 1
        return n < 0 or at >= self.down[n][1]

    def up_between(self, since: int, at: int) -> bool:
        """Was the line up at any moment from `since` to `at`?"""
        n = bisect_right(self._begins, at) - 1
        return n < 0 or at >= self.down[n][1] or self.down[n][0] > since


def seeded(seed: int, *, skus: int = 300, days: int = 84, a_day: float = 400.0) -> Stream:
    """Return a made stream: a few articles sell much and many sell little, by day and by hour."""
    chance = random.Random(f"demand {seed}")
    weights = [1 / (rank + 4) for rank in range(skus)]
    by_sku: dict[str, list[Demand]] = {f"S{n:03}": [] for n in range(skus)}
    names = list(by_sku)
    for day in range(days):
        for _ in range(round(a_day * (1.5 if day % 7 in (4, 5) else 0.85))):
            web = chance.random() * 100 < WEB_SHARE_PCT
            # The floor opens from nine to eight; the web goes on until midnight.
            hour = chance.triangular(7, 24, 20) if web else chance.triangular(9, 20, 17)
            sku = names[chance.choices(range(skus), weights)[0]]
            qty = 1 if chance.random() < 0.8 else 2
            by_sku[sku].append(Demand(day * DAY + int(hour * HOUR), qty, web))
    for demands in by_sku.values():
        demands.sort()
    return Stream("seeded", by_sku, days * DAY)


def real(path: Path) -> Stream:
    """Return the real sales of a CSV `InvoiceNo,StockCode,Quantity,InvoiceDate`, returns left out.

    An invoice is the web's by its number: 30 of 100.
    """
    by_sku: dict[str, list[Demand]] = {}
    start = datetime(2010, 11, 29)  # the Monday before the first sale
    with path.open(newline="", encoding="utf-8") as file:
        for invoice, sku, quantity, date in csv.reader(file):
            qty = int(quantity)
            if 1 <= qty <= QTY_MOST:
                at = int((datetime.fromisoformat(date) - start).total_seconds())
                web = crc32(invoice.encode()) % 100 < WEB_SHARE_PCT
                by_sku.setdefault(sku, []).append(Demand(at, qty, web))
    for demands in by_sku.values():
        demands.sort()
    return Stream("real", by_sku, max(demands[-1].at for demands in by_sku.values()) + DAY)


def level(demands: list[Demand], end: int) -> int:
    """Return up to how many units a weekly delivery fills the shelf."""
    a_week = sum(one.qty for one in demands) * WEEK / end
    return max(1, ceil(a_week * STOCKED_WEEKS))


def deliveries(end: int) -> Iterator[int]:
    """Yield when goods come: Mondays at six, before the doors open."""
    yield from range(6 * HOUR, end, WEEK)
