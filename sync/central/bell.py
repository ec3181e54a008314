"""Wakes parked readers when a stream grew; it must never let one miss what came while it looked."""

import threading
from collections.abc import Iterable


class Bell:
    """Tells parked readers that a stream grew. Nobody misses a ring that came after `at`.

    A ring wakes those who wait for that stream and nobody else: a thousand stores may be parked.
    """

    def __init__(self) -> None:
        self._rung: dict[str, int] = {}
        self._all = 0
        self._parked: dict[str, set[threading.Event]] = {}
        self._lock = threading.Lock()
        self._stopped = False
        self._deaf = False

    def at(self, name: str) -> int:
        with self._lock:
            return self._count(name)

    def ring(self, names: Iterable[str]) -> None:
        with self._lock:
            for name in names:
                self._rung[name] = self._rung.get(name, 0) + 1
                self._wake(self._parked.get(name, ()))

    def ring_all(self) -> None:
        """Let everybody look: nobody knows what grew."""
        with self._lock:
            self._all += 1
            for parked in self._parked.values():
                self._wake(parked)

    def deafen(self, deaf: bool) -> None:
        """From now on rings of other processes are missed, or heard again."""
        with self._lock:
            self._deaf = deaf
        self.ring_all()

    def state(self, *names: str) -> tuple[int, ...] | None:
        """Return what stays the same while none of `names` is rung; None while nobody can know."""
        with self._lock:
            return None if self._deaf else tuple(self._count(name) for name in names)

    def stop(self) -> None:
        """Let everybody go home, now and from now on."""
        with self._lock:
            self._stopped = True
            for parked in self._parked.values():
                self._wake(parked)

    def wait(self, name: str, at: int, seconds: float) -> bool:
        """Return when `name` was rung since `at`, or after `seconds`; False once it stopped."""
        woken = threading.Event()
        with self._lock:
            if self._stopped or self._count(name) != at:
                return not self._stopped
            self._parked.setdefault(name, set()).add(woken)
        woken.wait(seconds)
        with self._lock:
            parked = self._parked[name]
            parked.discard(woken)
            if not parked:
                del self._parked[name]
            return not self._stopped

    def _count(self, name: str) -> int:
        return self._all + self._rung.get(name, 0)

    def _wake(self, parked: Iterable[threading.Event]) -> None:
        for one in parked:
            one.set()
