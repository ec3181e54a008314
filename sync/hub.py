"""What the agent is given of the hub, and the line that its conversations share.

It must never hold state of its own: the journal and the cursors are the state.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from hub.clock import Clock
from hub.fleet.watch.rules import Limits
from hub.journal import Transaction

from .protocol import Budget
from .replica import ReplicaStore
from .seal import Seal

T = TypeVar("T")
DEFAULT_LIMITS: Final = Limits()


class Writes(Protocol):
    """The hub's one writer."""

    def submit_sync(self, work: Callable[[Transaction], T]) -> Future[T]: ...


class Rings(Protocol):
    """The hub's after-commit ring."""

    def subscribe(self, listener: Callable[[Any], None]) -> Callable[[], None]: ...


@dataclass(frozen=True)
class Hub:
    """What the agent is given of the hub. `replica` is the agent's own to write.

    `hardware` names the machine and its data directory: a clone has another (`hardware.py`).
    `limits`: when a device counts as away. `seal` signs the heads.
    """

    store: str
    instance: str
    reader: Callable[[], AbstractContextManager[sqlite3.Connection]]
    writer: Writes
    ring: Rings
    clock: Clock
    replica: ReplicaStore
    hardware: str = ""
    limits: Limits = DEFAULT_LIMITS
    seal: Seal | None = None
    bytes_per_hour: int = 0


class Conversation(Protocol):
    """One of the loops."""

    def poke(self) -> None: ...


class Line:
    """Lets a conversation that finds the line open, or cut, make the others look as well."""

    def __init__(self, bytes_per_hour: int = 0) -> None:
        self.conversations: Sequence[Conversation] = ()
        self._budget = Budget(bytes_per_hour, at=time.monotonic())
        self._lock = threading.Lock()

    def spend(self, size: int) -> None:
        """So many bytes went over the line."""
        with self._lock:
            self._budget = self._budget.spent(size, time.monotonic())

    def wait_s(self, conversation: str) -> float:
        """Return how long `conversation` has to wait for the hour's bytes."""
        with self._lock:
            return self._budget.wait_s(conversation, time.monotonic())

    def opened(self, by: Conversation) -> None:
        self._poke_others(by)

    def lost(self, by: Conversation) -> None:
        self._poke_others(by)

    def _poke_others(self, by: Conversation) -> None:
        for other in self.conversations:
            if other is not by:
                other.poke()
