"""Lets a few hubs be served at once, so that orders are answered while a thousand stores come back.

It must never make an order wait for a hub: who finds no room is told when to come back.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from hub.errors import Unavailable

# What hubs may do at once in one process, bringing and asking each. Python works on one thing at a
# time, and each more only makes all of them slower; the others work while one waits for the disk.
AT_ONCE: Final = 3
# Threads of one process that run at once, orders and pages among them.
RUNNING: Final = 12
# Those who wait hold a thread each; whoever comes beyond them is sent away at once.
WAITING: Final = 100
PATIENCE_S: Final = 10.0
# When to come back (seconds): drawn, so that they do not all come back together, from a span that
# grows with those who were sent away lately. A thousand who ask every few seconds leave a
# worker no time for those whose turn it is: sent away are about so many a second as its root.
BACK_S: Final = (2.0, 15.0)
BACK_MOST_S: Final = 60.0
LATELY_S: Final = 30.0
AWAY_A_SECOND: Final = 15.0


class Running:
    """Bounds the threads that run: hundreds that all want Python's one lock get nothing done.

    A thread that answers a request is inside; while it waits it stands aside.
    """

    def __init__(self, most: int = RUNNING) -> None:
        self._most = threading.Semaphore(most)
        self._mine = threading.local()

    @contextmanager
    def inside(self) -> Iterator[None]:
        self._most.acquire()
        self._mine.inside = True
        try:
            yield
        finally:
            self._mine.inside = False
            self._most.release()

    @contextmanager
    def aside(self) -> Iterator[None]:
        if not getattr(self._mine, "inside", False):
            yield
            return
        self._most.release()
        try:
            yield
        finally:
            self._most.acquire()


class Away:
    """Those who were sent away lately, and when the next of them is to come back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lately: deque[float] = deque()
        self._lock = threading.Lock()

    def told(self) -> Unavailable:
        """Count one more, and say when to come back."""
        now = self._clock()
        with self._lock:
            self._lately.append(now)
            while self._lately[0] < now - LATELY_S:
                self._lately.popleft()
            span = len(self._lately) / AWAY_A_SECOND
        least, usual = BACK_S
        back = random.uniform(least, min(max(usual, span), BACK_MOST_S))
        return Unavailable("Too many stores ask at once.", retry_after_s=back)


class Turns:
    """Which of the hubs may work now."""

    def __init__(self, running: Running, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._running = running
        self._room = threading.BoundedSemaphore(at_once + waiting)
        self._turns = threading.BoundedSemaphore(at_once)
        self._away = Away()

    def full(self) -> Unavailable | None:
        """Return what to say when there is no room at all, before anything was done."""
        if self._room.acquire(blocking=False):
            self._room.release()
            return None
        return self._away.told()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Work in one's turn. Raises Unavailable when there are too many."""
        if not self._room.acquire(blocking=False):
            raise self._away.told()
        try:
            with self._running.aside():
                mine = self._turns.acquire(timeout=PATIENCE_S)
            if not mine:
                raise self._away.told()
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._room.release()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Wait for something without keeping others from their turn."""
        with self._running.aside():
            self._turns.release()
            self._room.release()
            try:
                yield
            finally:
                self._room.acquire()
                self._turns.acquire()
