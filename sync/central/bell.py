"""Wakes parked readers when a stream grew; it must never let one miss what came while it looked."""

import threading
from collections.abc import Iterable


class Bell:
    """Tells parked readers that a stream grew. Nobody misses a ring that came after `at`."""

    def __init__(self) -> None:
        self._rung: dict[str, int] = {}
        self._all = 0
        self._ringing = threading.Condition()
        self._stopped = False

    def at(self, name: str) -> int:
        with self._ringing:
            return self._count(name)

    def ring(self, names: Iterable[str]) -> None:
        with self._ringing:
            for name in names:
                self._rung[name] = self._rung.get(name, 0) + 1
            self._ringing.notify_all()

    def ring_all(self) -> None:
        """Let everybody look: nobody knows what grew."""
        with self._ringing:
            self._all += 1
            self._ringing.notify_all()

    def stop(self) -> None:
        """Let everybody go home, now and from now on."""
        with self._ringing:
            self._stopped = True
            self._ringing.notify_all()

    def wait(self, name: str, at: int, seconds: float) -> None:
        """Return when `name` was rung since `at`, or after `seconds`."""
        with self._ringing:
            self._ringing.wait_for(
                lambda: self._stopped or self._count(name) != at, timeout=seconds
            )

    def _count(self, name: str) -> int:
        return self._all + self._rung.get(name, 0)
