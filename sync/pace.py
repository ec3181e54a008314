"""Decides how long to wait after a failure, and nothing else: no clock, no chance, no socket.

It must never make a store wait long for a line that was there a moment ago, and never let
two thousand stores knock at a struggling central in the same second.
"""

from dataclasses import dataclass
from typing import Final, Literal

Trouble = Literal["unreachable", "unavailable", "denied", "damaged"]
"""unreachable: no connection. unavailable: an answer, but not one to build on (503, proxy page).
denied: the credential is refused. damaged: central refuses the bytes themselves."""

RECENT_S: Final = 3600.0
"""For so long after its last answer central is looked for every half second: one SYN each."""
QUICK_S: Final = (0.2, 0.5)
FLOOR_S: Final = 1.0
CEILING_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What the link's past says about the next attempt. Times are seconds of one steady clock."""

    heard_at: float
    waited_s: float = 0.0
    not_before: float = 0.0
    trouble: Trouble | None = None

    def answered(self, now: float) -> "Pace":
        return Pace(heard_at=now)

    def troubled(
        self, trouble: Trouble, now: float, *, draw: float, retry_after_s: float | None = None
    ) -> "Pace":
        """Return the pace after a failure; `draw` is chance in [0, 1).

        Decorrelated jitter: each wait is drawn between the floor and three times the last one
        (M. Brooker, "Exponential Backoff And Jitter"). A Retry-After is a lower bound.
        """
        if trouble == "unreachable" and now - self.heard_at < RECENT_S:
            low, high = QUICK_S
            return Pace(self.heard_at, 0.0, now + low + draw * (high - low), trouble)
        highest = max(FLOOR_S, 3 * self.waited_s)
        wait = min(CEILING_S, FLOOR_S + draw * (highest - FLOOR_S))
        if retry_after_s is not None:
            wait = max(wait, min(retry_after_s, CEILING_S) * (1 + draw / 4))
        return Pace(self.heard_at, wait, now + wait, trouble)

    def resting(self, until: float) -> "Pace":
        """Return a pace that is well, and does nothing before `until`."""
        return Pace(self.heard_at, not_before=until)

    def poked(self) -> "Pace":
        """Return the pace once another conversation has looked at the line.

        Who was told by central itself to come later comes later.
        """
        if self.trouble in ("unavailable", "denied", "damaged"):
            return self
        return Pace(self.heard_at)
