"""Remembers the way of the last observations through the hub, for the start page.

It must never be asked whether something was stored: it lives in memory and forgets at a restart.
"""

import threading
from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

KEPT: Final = 40


class Travel(msgspec.Struct):
    """One observation's way; each time is ms after the hub received it, None = did not happen.

    `sent_ms` is negative: how long before, by the device's own clock (None unless synced).
    """

    device: str
    kind: str
    id: str
    text: str
    received_ms: int
    sent_ms: float | None = None
    writer_ms: float | None = None
    fact_ms: float | None = None
    commit_ms: float | None = None
    ack_ms: float | None = None
    outcome: str = ""
    topics: tuple[str, ...] = ()


class Travels:
    """The last KEPT ones, newest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Travel] = deque(maxlen=KEPT)

    def add(self, travels: Iterable[Travel]) -> None:
        with self._lock:
            self._kept.extendleft(travels)

    def latest(self) -> list[Travel]:
        with self._lock:
            return list(self._kept)
