"""Remembers the last commits for the screens; it must never ring before the commit.

One ring feeds all streams. A screen that comes back names the last commit that it saw and gets
what followed, or is told to start over when the ring no longer reaches that far.
"""

import secrets
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

# A screen that missed more commits than this reloads; it is cheaper than telling them all.
KEPT: Final = 1000


class Ringing(NamedTuple):
    """One commit. `seq` is the journal's head after it, `number` grows with every commit."""

    number: int
    seq: int
    has_facts: bool
    topics: tuple[str, ...]


class Ring:
    """The last KEPT commits and whoever listens for the next."""

    def __init__(self, seq: int) -> None:
        # Random, and new at every start and rebase: ids of another life of the hub mean nothing.
        self.epoch = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._rung: deque[Ringing] = deque(maxlen=KEPT)
        self._start = seq
        self._seq = seq
        self._number = 0
        self._listeners: tuple[Callable[[Ringing], None], ...] = ()

    @property
    def seq(self) -> int:
        return self._seq

    @property
    def number(self) -> int:
        return self._number

    def subscribe(self, listener: Callable[[Ringing], None]) -> Callable[[], None]:
        """Call `listener` after each commit, on the writer's thread: it must only take note.

        Returns the function that ends the subscription.
        """
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def cancel() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return cancel

    def renew(self, seq: int) -> None:
        """Begin a new epoch after a rebase that ended at `seq`: every screen starts over."""
        with self._lock:
            self.epoch = secrets.token_hex(4)
            self._start = self._seq = seq
            self._rung.clear()
        self.publish(seq, True, ())

    def publish(self, seq: int | None, has_facts: bool, topics: tuple[str, ...]) -> None:
        """Ring for a commit that ended at `seq`; None: for news from beside the journal."""
        with self._lock:
            self._number += 1
            # Read here: the writer may have gone on while another thread came to ring.
            self._seq = self._seq if seq is None else seq
            ringing = Ringing(self._number, self._seq, has_facts, topics)
            self._rung.append(ringing)
            listeners = self._listeners
        for listener in listeners:
            listener(ringing)

    def since(self, epoch: str, seq: int) -> list[Ringing] | None:
        """Return what followed the commit that ended at `seq`; None means: start over.

        Commits without facts share their `seq` with the one before and may come twice.
        """
        with self._lock:
            rung = list(self._rung)
            full = len(rung) == KEPT
        if epoch != self.epoch or seq > self._seq or seq < self._start:
            return None
        if full and seq < rung[0].seq:
            return None
        return [one for one in rung if one.seq > seq or (one.seq == seq and not one.has_facts)]
