"""The ingest thread: reads the broker, fills one commit while the last one is being written.

It must never acknowledge before the commit's future says so, and never hold more in memory than
its bound: beyond it the broker has to wait.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, Protocol, TypeVar

import msgspec

from hub import quarantine, wire
from hub.clock import Clock
from hub.errors import HubError, Unavailable
from hub.ingest.corked import Message
from hub.ingest.inbox import Item, Received, receive
from hub.ingest.link import Address, Connection, Link, OnMessage, wait
from hub.ingest.record import Folds, Handlers, Recorder
from hub.ingest.travels import Travel, Travels
from hub.journal import Transaction

log = logging.getLogger(__name__)
T = TypeVar("T")

# Bytes of messages that wait for their commit; beyond, the socket is not read.
WAITING_MOST: Final = 4 * 1024 * 1024
IDLE_S: Final = 1.0
# While more waits than one commit takes, commits grow: each fsync then carries more. A command
# waits behind one, so its work may last so long, and it holds at most so many times the cap.
WORK_S: Final = 0.015
GROWN: Final = 5
# With their reasons so many acks stay below the limit of one message.
ACKS_A_MESSAGE: Final = 200


class Writes(Protocol):
    """The one writer; `bulk` work joins a group last and never two at once."""

    def submit(self, work: Callable[[Transaction], T], *, bulk: bool = False) -> Future[T]: ...


class Counters(msgspec.Struct):
    """Since the start of the process."""

    messages: int = 0
    commits: int = 0
    committed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    refused: int = 0
    retained: int = 0
    stale_acks: int = 0
    reconnects: int = 0


class Ingest:
    """One thread runs `loop`; `travels`, `counters` and `replay` may be called from any."""

    def __init__(
        self,
        *,
        store: str,
        address: Address,
        writer: Writes,
        clock: Clock,
        handlers: Handlers,
        folds: Folds | None = None,
        batch_cap: int = 500,
        quarantine_bound: int = 1000,
        connection: Callable[[Address, Sequence[str], OnMessage], Connection] = Link,
    ) -> None:
        self.counters = Counters()
        self._store = store
        self._writer = writer
        self._clock = clock
        self._cap = self._most = batch_cap
        self._worked_s = 0.0
        self._recorder = Recorder(
            handlers,
            quarantine_bound,
            trusted=lambda: clock.quality() != "unknown",
            folds=folds or {},
        )
        self._travels = Travels()
        self._waiting: deque[Received] = deque()
        self._waiting_bytes = 0
        self._commit: list[Received] = []
        self._future: Future[None] | None = None
        self._retry_at = 0.0
        self._now_ms = self._now_ns = 0
        self._full = False
        self._alone: deque[Received] = deque()
        self._condemned: Item | None = None
        self._outgoing: deque[tuple[str, bytes]] = deque()
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_in, False)
        os.set_blocking(self._wake_out, False)
        self._link = connection(address, wire.hub_filters(store), self._on_message)

    # --- for other threads

    @property
    def connected(self) -> bool:
        return self._link.connected

    def travels(self) -> list[Travel]:
        """Return the way of the last business observations, newest first."""
        return self._travels.latest()

    def replay(self, tx: Transaction, row: quarantine.Row) -> str:
        """The way of `hub.quarantine.replay` for the source `mqtt`."""
        return self._recorder.replay(tx, row)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Publish a device command, at least once from here; False without a connection."""
        if not self.connected:
            return False
        self._outgoing.append((topic, payload))
        self._wake()
        return True

    def loop(self, stop: threading.Event) -> None:
        """Run until `stop` is set; acknowledge what is committed, leave the rest to the broker."""
        try:
            while not stop.is_set():
                self.step(IDLE_S)
            if self._future is not None:
                self._future.exception(timeout=10)
                self._finish()
        finally:
            self._link.close()
            os.close(self._wake_in)
            os.close(self._wake_out)

    # --- one turn

    def step(self, timeout_s: float) -> None:
        """Wait for news at most `timeout_s`, then read, commit and acknowledge."""
        link = self._link
        link.connect()
        flushed = link.flush()
        room = self._waiting_bytes < WAITING_MOST
        idle = not (room and link.pending()) and not (self._waiting and self._may_commit())
        wait(
            link,
            self._wake_out,
            writing=not flushed,
            reading=room,
            timeout_s=min(timeout_s, self._patience()) if idle else 0.0,
        )
        self._drain_wake()
        if room:
            self._now_ms = round(self._clock.now().timestamp() * 1000)
            self._now_ns = time.perf_counter_ns()
            link.read(self._cap)
        if self._future is not None and self._future.done():
            self._finish()
        if self._may_commit():
            self._begin()
        while self._outgoing:
            link.publish(*self._outgoing.popleft())
        link.flush()
        link.keep_alive()
        self.counters.reconnects = link.reconnects

    def _patience(self) -> float:
        if not self._link.connected:
            return 0.1
        return max(0.01, self._retry_at - time.monotonic()) if self._retry_at else IDLE_S

    def _wake(self) -> None:
        try:
            os.write(self._wake_in, b"!")
        except (BlockingIOError, OSError):
            return

    def _drain_wake(self) -> None:
        try:
            os.read(self._wake_out, 4096)
        except BlockingIOError:
            return

    # --- receiving

    def _on_message(self, message: Message, generation: int) -> None:
        received = receive(message, generation, self._now_ms, self._now_ns)
        self.counters.messages += 1
        self.counters.retained += message.retain and not received.items
        self._waiting.append(received)
        self._waiting_bytes += received.size

    # --- committing

    def _may_commit(self) -> bool:
        return self._future is None and time.monotonic() >= self._retry_at

    def _begin(self) -> None:
        """Submit one commit: what failed before, else what has come since."""
        if not self._commit:
            self._take()
        if not self._commit:
            return
        items = [item for message in self._commit for item in message.items]

        def work(tx: Transaction) -> None:
            began = time.perf_counter()
            self._recorder.record(tx, items)
            self._worked_s = time.perf_counter() - began

        self._future = self._writer.submit(work, bulk=True)
        self._future.add_done_callback(lambda _: self._wake())

    def _take(self) -> None:
        source = self._alone or self._waiting
        weight, most = 0, self._most
        while source:
            if source[0].weight > len(source[0].items):
                # What business does in the store takes as long as it takes: no more than ever.
                most = self._cap
            if weight and weight + source[0].weight > most:
                return
            message = source.popleft()
            self._commit.append(message)
            weight += message.weight
            if source is self._alone:
                return
            self._waiting_bytes -= message.size

    def _finish(self) -> None:
        """The commit came to an end: acknowledge, or try again, or look for the one at fault."""
        assert self._future is not None
        error = self._future.exception()
        self._future = None
        if error is None:
            self._acknowledge()
        elif isinstance(error, Unavailable):
            self._postpone(error)
        elif isinstance(error, HubError):
            raise error
        else:
            self._isolate(error)

    def _postpone(self, error: Unavailable) -> None:
        if not self._full:
            log.error("Observations wait, unacknowledged: %s", error.sentence)
        self._full = True
        self._retry_at = time.monotonic() + error.retry_after_s

    def _isolate(self, bug: BaseException) -> None:
        """A bug undid the whole commit: record each by itself, quarantine the one at fault."""
        self._commit, failed = [], self._commit
        if len(failed) > 1 or len(failed[0].items) > 1:
            for message in failed:
                self._alone.extend(message.parts())
            return
        (message,) = failed
        item = message.items[0]
        if item is self._condemned:
            # Even putting it away fails: no observation is at fault then.
            raise bug
        self._condemned = item
        log.error("%s of %s is quarantined for a bug", item.topic, item.device, exc_info=bug)
        self._commit = failed
        self._future = self._writer.submit(lambda tx: self._recorder.condemn(tx, item, bug))
        self._future.add_done_callback(lambda _: self._wake())

    # --- acknowledging

    def _acknowledge(self) -> None:
        if self._full:
            log.info("Observations are stored again")
        self._full, self._retry_at = False, 0.0
        done, self._commit = self._commit, []
        self._grow(sum(message.weight for message in done))
        committed_ns = time.perf_counter_ns()
        acks: dict[str, list[wire.Ack]] = {}
        for message in done:
            for item in message.items:
                if item.ack is not None:
                    acks.setdefault(item.device, []).append(item.ack)
        for device, told in acks.items():
            self._tell(device, told)
        for message in done:
            if message.mid and not self._link.ack(message.mid, message.generation):
                self.counters.stale_acks += 1
        self._link.flush()
        self._count(done, committed_ns)

    def _grow(self, weight: int) -> None:
        """Let the next commit hold as much as may be worked off in time, while more waits."""
        if not self._waiting:
            self._most = self._cap
        elif self._worked_s > 0:
            fits = int(weight * WORK_S / self._worked_s)
            self._most = max(self._cap, min(GROWN * self._cap, 2 * self._most, fits))

    def _tell(self, device: str, acks: list[wire.Ack]) -> None:
        topic = wire.topic(self._store, device, "ack")
        for start in range(0, len(acks), ACKS_A_MESSAGE):
            self._link.publish(topic, wire.write_acks(acks[start : start + ACKS_A_MESSAGE]))

    def _count(self, done: list[Received], committed_ns: int) -> None:
        acked_ns = time.perf_counter_ns()
        counters = self.counters
        counters.commits += 1
        travels = []
        for message in done:
            for item in message.items:
                status = item.ack.status if item.ack else "quarantined"
                if isinstance(item.what, wire.Status):
                    continue
                setattr(counters, status, getattr(counters, status) + 1)
                if item.travel is not None:
                    item.travel.outcome = status
                    item.travel.commit_ms = (committed_ns - item.received_ns) / 1e6
                    item.travel.ack_ms = (acked_ns - item.received_ns) / 1e6
                    travels.append(item.travel)
        self._travels.add(travels)
