"""Remembers an answer for as long as no bell rang that could change it: idle hubs cost no database.

It must never outlive what it was read from: not a ring, not an ear that fell deaf, not a minute.
"""

import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T")
# Should a network swallow rings without anybody noticing, this is how long nobody looks (seconds).
KEPT_S: Final = 60.0
# Two streams of each of a retailer's stores.
MOST: Final = 20_000
State = tuple[int, ...] | None
"""What `Bell.state` says: None while nobody can know."""


class Memory(Generic[T]):
    """Answers by key, each with the state of the bell from before it was read."""

    def __init__(
        self, seconds: float = KEPT_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._clock = seconds, clock
        self._kept: dict[Hashable, tuple[State, float, T]] = {}

    def get(self, key: Hashable, state: State) -> T | None:
        """Return what was kept under `key` while the bell is in this state."""
        found = self._kept.get(key)
        if found is None or state is None or found[0] != state:
            return None
        return found[2] if self._clock() < found[1] else None

    def keep(self, key: Hashable, state: State, answer: T) -> None:
        """Keep an answer that was read after the bell was in this state."""
        if state is None:
            return
        if len(self._kept) >= MOST:
            self._kept = {}
        self._kept[key] = (state, self._clock() + self._seconds, answer)
