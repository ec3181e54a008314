"""Tells central what this hub says of itself: release, backlog, quarantine, what it promises.

It must never hold a push up: what is dear to count is counted now and then.
"""

import importlib.metadata
import sqlite3
import time
from typing import Final

import msgspec

from hub import chain, journal, quarantine
from hub.clock import Clock, parse, stamp
from hub.database import FORMAT
from hub.house import queries as house
from hub.pickup import promising

from .protocol import About
from .seal import Seal

COUNT_EVERY_S: Final = 10.0
PROMISE_EVERY_S: Final = 1.0


def age_s(content: bytes, clock: Clock) -> float:
    """Return how long ago an entry was recorded, by the same clock that recorded it."""
    try:
        recorded = parse(chain.decode(content).recorded_at)
    except (msgspec.MsgspecError, ValueError):
        return 0.0
    return max(0.0, round((clock.now() - recorded).total_seconds(), 1))


class Portrait:
    """What this hub says of itself."""

    def __init__(self, clock: Clock, store: str = "", seal: Seal | None = None) -> None:
        self._clock = clock
        self._store, self._seal = store, seal
        self._release = importlib.metadata.version("storehub")
        self._quarantine = 0
        self._promise: promising.Told | None = None
        self._pace: tuple[str, str | None] | None = None
        self._counted_at = self._promised_at = float("-inf")

    def said(self, conn: sqlite3.Connection, reaches: int) -> About:
        """Return what goes with a push that brings the journal up to seq `reaches`."""
        if time.monotonic() - self._counted_at >= COUNT_EVERY_S:
            self._quarantine, self._counted_at = quarantine.count(conn), time.monotonic()
        # The push that brings a new pace tells it: the next one may come a minute later.
        pace = house.told_pace(conn)
        if pace != self._pace or time.monotonic() - self._promised_at >= PROMISE_EVERY_S:
            self._promise = promising.told(conn, self._clock.now())
            self._promised_at, self._pace = time.monotonic(), pace
        pair = journal.pair_at(conn, reaches) if self._seal else None
        waiting = journal.entries(conn, reaches, 1)
        return About(
            at=stamp(self._clock.now()),
            release=self._release,
            schema=FORMAT,
            head=journal.head(conn).seq,
            oldest_s=round(age_s(waiting[0][1], self._clock)) if waiting else 0,
            quarantine=self._quarantine,
            promise_minutes=self._promise.minutes if self._promise else None,
            opening_hours=self._promise.opening_hours if self._promise else "",
            time_zone=self._promise.time_zone if self._promise else "",
            pace=self._promise.pace if self._promise else "",
            key=self._seal.public if self._seal and pair else "",
            signature=self._seal.sign(self._store, pair) if self._seal and pair else "",
        )
