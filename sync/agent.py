"""The hub's side of the line: loops that push the journal, pull orders and catalogue, and tell.

It must never decide anything about stock or orders, and never keep a cursor apart from its rows.

Each loop is a `step() -> next_delay`; whoever runs it waits that long or until `wake` is set.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .client import Client
from .commands import Handler
from .elsewhere import Elsewhere
from .hub import Hub, Line
from .people import People
from .proof import Proof
from .pull import CommandSink, Pull, ReplicaSink
from .push import Push
from .telemetry import Telemetry
from .trust import Trust


@dataclass(frozen=True)
class Loop:
    """A thread's work: call `step`, wait its answer in seconds or until `wake`, and again."""

    name: str
    step: Callable[[], float]
    wake: threading.Event


class Agent:
    """The loops, each with a conversation of its own, and what screens may know of them."""

    def __init__(
        self,
        hub: Hub,
        central_url: str,
        credential: str | Callable[[], str],
        commands: Mapping[str, Handler],
        trust: Trust | None = None,
    ) -> None:
        line = Line(hub.bytes_per_hour)
        self._hub = hub
        self._clients: list[Client] = []

        def client() -> Client:
            made = Client(central_url, hub.store, credential, hub.instance, line.spend, trust)
            self._clients.append(made)
            return made

        self._replica = ReplicaSink(hub)
        self._push = Push(hub, client(), line)
        self._pulls = (
            Pull(CommandSink(hub, commands), client(), line, self._may_pull),
            Pull(self._replica, client(), line, self._may_pull),
        )
        line.conversations = (self._push, *self._pulls)
        self.proof = Proof(hub, client(), lambda: self._push.agreed)
        self.people = People(hub, client(), lambda: self._push.agreed)
        self.telemetry = Telemetry(hub, client(), line, self._push.idle)
        self.elsewhere = Elsewhere(client(), lambda: self._push.agreed)
        self.loops = tuple(
            Loop(f"sync-{part.name}", part.step, part.wake)
            for part in (self._push, *self._pulls, self.proof, self.people, self.telemetry)
        )
        self._unsubscribe = hub.ring.subscribe(self._committed)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def _may_pull(self) -> bool:
        return self._push.may_pull

    def on_retired(self, closing: Callable[[], None], drained: Callable[[], None]) -> None:
        """Call `closing` when this hub is to take nothing new, `drained` when it may stop."""
        self._push.closing, self._push.retired = closing, drained

    def _committed(self, ringing: Any) -> None:
        if ringing.has_facts:
            self._push.wake.set()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the line came or went; it must only take note."""
        self._push.changed = listener

    def state(self) -> dict[str, Any]:
        """Return `state`, `pushed_seq`, `backlog`, `lag_s`, and `as_of`: central's age here."""
        with self._hub.reader() as conn:
            shown = self._push.shown(conn)
        return {**shown, "as_of": self._replica.as_of, "differs": list(self.proof.differs)}

    def alive(self) -> bool:
        """Do all the agent's own threads run?"""
        return all(thread.is_alive() for thread in self._threads)

    def nudge(self) -> None:
        """Try the line now."""
        for part in (self._push, *self._pulls):
            part.poke()

    def start(self) -> None:
        """Run the loops in threads of the agent's own (`hub.app` runs them in its own)."""
        for loop in self.loops:
            thread = threading.Thread(target=self._run, args=(loop,), name=loop.name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _run(self, loop: Loop) -> None:
        while not self._stopping.is_set():
            loop.wake.wait(loop.step())
            loop.wake.clear()

    def close(self) -> None:
        """Break off what is under way and end the agent's own threads."""
        self._stopping.set()
        self._unsubscribe()
        for client in self._clients:
            client.close()
        for loop in self.loops:
            loop.wake.set()
        for thread in self._threads:
            thread.join(10)
        self._push.note()


def open(  # noqa: A001  the name that the design gives it
    hub: Hub,
    *,
    central_url: str,
    credential: str | Callable[[], str],
    commands: Mapping[str, Handler],
    trust: Trust | None = None,
) -> Agent:
    """Return the agent; nothing runs until its loops do."""
    return Agent(hub, central_url, credential, commands, trust)
