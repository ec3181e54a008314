"""What the agent is given of the hub, and the line that its conversations share.

It must never hold state of its own: the journal and the cursors are the state.
"""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from hub.clock import Clock
from hub.journal import Transaction

from .replica import ReplicaStore

T = TypeVar("T")


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
    """

    store: str
    instance: str
    reader: Callable[[], AbstractContextManager[sqlite3.Connection]]
    writer: Writes
    ring: Rings
    clock: Clock
    replica: ReplicaStore
    hardware: str = ""


class Conversation(Protocol):
    """One of the loops."""

    def poke(self) -> None: ...


class Line:
    """Lets a conversation that finds the line open, or cut, make the others look as well."""

    def __init__(self) -> None:
        self.conversations: Sequence[Conversation] = ()

    def opened(self, by: Conversation) -> None:
        self._poke_others(by)

    def lost(self, by: Conversation) -> None:
        self._poke_others(by)

    def _poke_others(self, by: Conversation) -> None:
        for other in self.conversations:
            if other is not by:
                other.poke()
