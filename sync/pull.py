"""The loop that takes in one of central's streams, and where each stream's rows go.

It must never advance a cursor that is not on disk together with its rows.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

from hub.clock import stamp
from hub.errors import Unavailable

from . import commands, protocol, tables
from .client import Client, Trouble, Unanswered
from .commands import Handler
from .download import Download
from .frames import FeedPage
from .hub import Hub, Line
from .pace import Pace
from .protocol import (
    Apply,
    Ask,
    Cursor,
    Failed,
    Fetch,
    Gone,
    Keep,
    Page,
    Part,
    Puller,
    Saved,
    Spoilt,
    Swap,
    Tick,
    Wait,
)
from .protocol.pull import Effect, Message
from .push import failed

log = logging.getLogger(__name__)

AT_ONCE: Final = 50
NOTE_S: Final = 60.0
# How often a hub that is held looks whether it may take orders again.
HELD_S: Final = 2.0


class Sink(Protocol):
    """Where a stream's rows go. Raises Unavailable when they cannot be kept now."""

    stream: str
    takes_snapshots: bool

    def cursor(self) -> Cursor: ...
    def apply(self, page: FeedPage, effect: Apply) -> Cursor: ...
    def start_over(self, at: Cursor) -> None: ...
    def complete(self) -> None: ...
    def keep(self, effect: Keep, data: bytes) -> None: ...
    def swap(self, effect: Swap) -> Cursor | None: ...


class Pull:
    """One thread steps it."""

    def __init__(
        self, sink: Sink, client: Client, line: Line, may: Callable[[], bool] = lambda: True
    ) -> None:
        self.name = f"pull-{sink.stream}"
        self.wake = threading.Event()
        self._sink = sink
        self._client = client
        self._line = line
        self._may = may
        self._poked = False
        self._state = Puller(Pace(time.monotonic()), sink.cursor())

    def poke(self) -> None:
        """Try the line now."""
        self._poked = True
        self.wake.set()

    def step(self) -> float:
        """Ask central and take in what it answers; return how long there is nothing to do."""
        if not self._may():
            return HELD_S
        frugal = self._line.wait_s(self._sink.stream)
        if frugal:
            return frugal
        if self._poked:
            self._poked = False
            self._state = replace(self._state, pace=self._state.pace.poked())
        self._state, effect = protocol.pull_step(self._state, Tick(time.monotonic()))
        if not isinstance(effect, Ask | Fetch | Swap):
            return max(0.0, effect.until - time.monotonic()) if isinstance(effect, Wait) else 0.0
        was_online = self._state.online
        self._converse(effect)
        if self._state.online != was_online:
            (self._line.opened if self._state.online else self._line.lost)(self)
        return 0.0

    def _converse(self, effect: Ask | Fetch | Swap) -> None:
        try:
            if isinstance(effect, Ask):
                self._feed(effect)
            elif isinstance(effect, Fetch):
                self._fetch(effect)
            else:
                self._swap(effect)
        except Trouble as error:
            self._take(failed(error))
        except Unavailable as error:
            log.warning("%s cannot be taken in: %s", self._sink.stream, error.sentence)
            again_s = error.retry_after_s
            self._take(Failed(time.monotonic(), "unavailable", 0.5, retry_after_s=again_s))

    def _feed(self, ask: Ask) -> None:
        answer = self._client.feed(self._sink.stream, ask.cursor, ask.wait)
        if isinstance(answer, FeedPage):
            self._take_in(ask, answer)
            return
        log.warning("Central cannot go on with %s: it begins anew.", self._sink.stream)
        if answer.generation != ask.cursor.generation:
            # An older copy of central may lack facts as well: the push is to look at once.
            self._line.opened(self)
        start, snapshot = answer.start, answer.snapshot and self._sink.takes_snapshots
        if not snapshot:
            self._sink.start_over(Cursor(answer.generation, start))
        gone = Gone(time.monotonic(), ask.cursor, answer.generation, start, snapshot)
        self._take(gone)

    def _fetch(self, fetch: Fetch) -> None:
        got = self._client.snapshot(fetch.digest, fetch.offset)
        now, size = time.monotonic(), len(got.data)
        if size == 0 and got.offset < got.total:
            raise Unanswered("an empty part of a snapshot")
        effect = self._take(Part(now, fetch, got.digest, got.offset, size, got.total))
        if isinstance(effect, Keep):
            try:
                self._sink.keep(effect, got.data)
            except Unavailable as error:
                log.warning("The snapshot cannot be kept: %s", error.sentence)
                self._take(Spoilt(now))

    def _swap(self, effect: Swap) -> None:
        at = self._sink.swap(effect)
        self._take(Spoilt(time.monotonic()) if at is None else Saved(at))

    def _take_in(self, ask: Ask, page: FeedPage) -> None:
        asked = replace(ask.cursor, position=page.after)
        effect = self._take(Page(time.monotonic(), asked, page.then(), len(page.rows)))
        if page.next >= page.end or not page.rows:
            self._sink.complete()
        if isinstance(effect, Apply):
            self._take(Saved(self._sink.apply(page, effect)))

    def _take(self, message: Message) -> Effect | None:
        self._state, effect = protocol.pull_step(self._state, message)
        return effect


class CommandSink:
    """Commands enter hub.db with the facts that they cause, some at a time."""

    stream = "commands"
    takes_snapshots = False

    def __init__(self, hub: Hub, handlers: Mapping[str, Handler]) -> None:
        self._hub = hub
        self._handlers = handlers

    def cursor(self) -> Cursor:
        with self._hub.reader() as conn:
            return tables.cursor(conn, self.stream)

    def apply(self, page: FeedPage, effect: Apply) -> Cursor:
        asked = effect.asked
        for start in range(0, len(page.rows), AT_ONCE):
            rows = page.rows[start : start + AT_ONCE]
            last = start + AT_ONCE >= len(page.rows)
            then = effect.then if last else Cursor(page.generation, rows[-1].position)
            if not self._commit(asked, page, start, then):
                return self.cursor()
            asked = then
        if not page.rows:
            self._commit(asked, page, 0, effect.then)
        return self.cursor()

    def _commit(self, asked: Cursor, page: FeedPage, start: int, then: Cursor) -> bool:
        rows, handlers = page.rows[start : start + AT_ONCE], self._handlers
        done = self._hub.writer.submit_sync(
            lambda tx: commands.take(tx, handlers, asked, rows, then)
        )
        return done.result()

    def start_over(self, at: Cursor) -> None:
        self._hub.writer.submit_sync(lambda tx: commands.start_over(tx, at)).result()

    def complete(self) -> None:
        """Nothing is shown of how old the commands are."""

    def keep(self, effect: Keep, data: bytes) -> None:
        """Commands have no snapshot."""

    def swap(self, effect: Swap) -> Cursor | None:
        """Commands have no snapshot."""
        return None


class ReplicaSink:
    """Catalogue rows enter replica.db."""

    stream = "replica"
    takes_snapshots = True

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._replica = hub.replica
        self._download = Download(hub.replica.path)
        self.as_of = hub.replica.as_of()
        self._noted_at = 0.0

    def cursor(self) -> Cursor:
        return self._replica.cursor()

    def apply(self, page: FeedPage, effect: Apply) -> Cursor:
        rows = [row.row for row in page.rows]
        refused = self._replica.apply(effect.asked, effect.then, rows, self.as_of)
        if refused:
            self._quarantine(page, refused)
        self._hub.writer.submit_sync(lambda tx: tx.touch("catalog"))
        return self.cursor()

    def _quarantine(self, page: FeedPage, refused: list[tuple[int, str]]) -> None:
        self._hub.writer.submit_sync(
            lambda tx: commands.quarantine_rows(
                tx, [(page.rows[index].row, reason) for index, reason in refused]
            )
        ).result()

    def start_over(self, at: Cursor) -> None:
        self._replica.start_over(at.generation)

    def keep(self, effect: Keep, data: bytes) -> None:
        """Write a part of a snapshot beside the replica; its file outlives a restart."""
        self._download.keep(effect.digest, effect.offset, data)

    def swap(self, effect: Swap) -> Cursor | None:
        """Let the snapshot replace everything; None where it is not what it should be."""
        with self._download.unpacked(effect.digest) as fresh:
            if fresh is None:
                return None
            at = self._replica.swap(fresh)
        self._download.forget()
        self._hub.writer.submit_sync(lambda tx: tx.touch("catalog"))
        return at

    def complete(self) -> None:
        """All that central has is here, as of now."""
        self.as_of = stamp(self._hub.clock.now())
        if time.monotonic() - self._noted_at > NOTE_S:
            self._noted_at = time.monotonic()
            self._replica.note(self.as_of)
