"""How many bytes an hour the line may carry, and who goes without first when they run out.

It must never hold back an order or a fact for the catalogue's sake.
"""

from dataclasses import dataclass, replace
from typing import Final

HOUR_S: Final = 3600.0
SHARE: Final = {"push": 1.0, "commands": 1.0, "replica": 0.8, "telemetry": 0.5}
"""How much of the hour's bytes a conversation may find used and still begin."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A bucket that leaks evenly: `used` bytes as of `at`. `cap` 0 means that nothing is capped."""

    cap: int = 0
    used: float = 0.0
    at: float = 0.0

    def spent(self, size: int, now: float) -> "Budget":
        """Return the budget after `size` bytes went over the line."""
        return replace(self, used=self._left_of(now) + size, at=now)

    def wait_s(self, conversation: str, now: float) -> float:
        """Return how long `conversation` has to wait before it may begin."""
        if not self.cap:
            return 0.0
        over = self._left_of(now) - self.cap * SHARE[conversation]
        return max(0.0, over * HOUR_S / self.cap)

    def _left_of(self, now: float) -> float:
        leaked = max(0.0, now - self.at) * self.cap / HOUR_S
        return max(0.0, self.used - leaked)
