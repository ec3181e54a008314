"""Knows which handovers are open on which screen, so that two people see each other at once.

It must never be taken for a claim: it is forgotten with the process, and it stops nobody.
"""

import threading
import time
from collections.abc import Iterable
from typing import Final, NamedTuple

from flask import current_app

from kiosk_ui.session import hub

# A screen says that it is still there every 30 s; one that died is forgotten after this.
KEPT_S: Final = 75.0


class Hand(NamedTuple):
    screen: str
    name: str
    until: float


class Hands:
    """Who has the handover of which order open: order id → one hand a screen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, dict[str, Hand]] = {}

    def hold(self, screen: str, name: str, orders: Iterable[str]) -> list[str]:
        """Note what a screen shows now; return the orders for which that is news."""
        shown, now = set(orders), time.monotonic()
        with self._lock:
            self._sweep(now)
            news = [order for order in self._of(screen) if order not in shown]
            for order in news:
                del self._open[order][screen]
            for order in shown:
                hands = self._open.setdefault(order, {})
                if screen not in hands:
                    news.append(order)
                hands[screen] = Hand(screen, name, now + KEPT_S)
            self._open = {order: hands for order, hands in self._open.items() if hands}
        return news

    def holds(self, screen: str) -> bool:
        """Does this screen have any handover open?"""
        with self._lock:
            return bool(self._of(screen))

    def others(self, order: str, screen: str | None) -> list[str]:
        """Return the names at other screens that have this order's handover open."""
        now = time.monotonic()
        with self._lock:
            hands = list(self._open.get(order, {}).values())
        return sorted({one.name for one in hands if one.screen != screen and one.until > now})

    def _of(self, screen: str) -> list[str]:
        return [order for order, hands in self._open.items() if screen in hands]

    def _sweep(self, now: float) -> None:
        for hands in self._open.values():
            for screen in [one.screen for one in hands.values() if one.until <= now]:
                del hands[screen]


def hands() -> Hands:
    """Return this app's hands."""
    found: Hands = current_app.extensions.setdefault("storehub_hands", Hands())
    return found


def hold(screen: str, name: str, orders: Iterable[str]) -> None:
    """Note what a screen shows, and tell the other screens when that is news."""
    news = hands().hold(screen, name, orders)
    if news:
        hub().ring.publish(None, False, (*(f"pickup:{order}" for order in news), "pickup"))
