"""How long a device waits: before it connects again, and for the hub's word before it repeats.

It must never let a whole floor come back in the same instant.
"""

from dataclasses import dataclass, field
from random import Random


@dataclass
class Backoff:
    """Decorrelated jitter (Brooker, "Exponential backoff and jitter"): each pause is drawn between
    the least and three times the last one, so that devices cut off together come back apart.
    """

    least_s: float
    most_s: float
    random: Random = field(default_factory=Random)
    _last_s: float = 0.0

    def pause_s(self) -> float:
        last = max(self.least_s, self._last_s)
        self._last_s = min(self.most_s, self.random.uniform(self.least_s, last * 3))
        return self._last_s

    def reset(self) -> None:
        self._last_s = 0.0


@dataclass
class Patience:
    """When an ack is overdue: a few times what acks take at present, twice that after each wait
    in vain. A hub that is behind is not helped by hearing everything twice.
    """

    least_s: float
    most_s: float
    _usual_s: float = 0.0
    _doubled: int = 0

    @property
    def seconds(self) -> float:
        wait = max(self.least_s, 4 * self._usual_s) * float(1 << self._doubled)
        return min(self.most_s, wait)

    def heard(self, took_s: float) -> None:
        self._usual_s += (took_s - self._usual_s) / 8
        self._doubled = 0

    def in_vain(self) -> None:
        self._doubled = min(self._doubled + 1, 10)
