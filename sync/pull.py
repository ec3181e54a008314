"""The loop that takes in one of central's streams, and where each stream's rows go.

It must never advance a cursor that is not on disk together with its rows.
"""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol

from hub.clock import stamp
from hub.errors import Unavailable

from . import commands, protocol, tables
from .client import Client, Trouble
from .commands import Handler
from .frames import FeedPage
from .hub import Hub, Line
from .pace import Pace
from .protocol import Apply, Ask, Cursor, Failed, Gone, Page, Puller, Saved, Tick, Wait
from .protocol.pull import Effect
from .push import failed

log = logging.getLogger(__name__)

AT_ONCE: Final = 50
NOTE_S: Final = 60.0


class Sink(Protocol):
    """Where a stream's rows go. Raises Unavailable when they cannot be kept now."""

    stream: str

    def cursor(self) -> Cursor: ...
    def apply(self, page: FeedPage, effect: Apply) -> Cursor: ...
    def start_over(self, generation: str) -> Cursor: ...
    def complete(self) -> None: ...


class Pull:
    """One thread steps it."""

    def __init__(self, sink: Sink, client: Client, line: Line) -> None:
        self.name = f"pull-{sink.stream}"
        self.wake = threading.Event()
        self._sink = sink
        self._client = client
        self._line = line
        self._poked = False
        self._state = Puller(Pace(time.monotonic()), sink.cursor())

    def poke(self) -> None:
        """Try the line now."""
        self._poked = True
        self.wake.set()

    def step(self) -> float:
        """Ask central and take in what it answers; return how long there is nothing to do."""
        if self._poked:
            self._poked = False
            self._state = replace(self._state, pace=self._state.pace.poked())
        self._state, effect = protocol.pull_step(self._state, Tick(time.monotonic()))
        if not isinstance(effect, Ask):
            return max(0.0, effect.until - time.monotonic()) if isinstance(effect, Wait) else 0.0
        was_online = self._state.online
        self._converse(effect)
        if self._state.online != was_online:
            (self._line.opened if self._state.online else self._line.lost)(self)
        return 0.0

    def _converse(self, ask: Ask) -> None:
        try:
            answer = self._client.feed(self._sink.stream, ask.cursor, ask.wait)
        except Trouble as error:
            self._take(failed(error))
            return
        try:
            if isinstance(answer, str):
                self._begin_again(ask, answer)
            else:
                self._take_in(ask, answer)
        except Unavailable as error:
            log.warning("%s cannot be taken in: %s", self._sink.stream, error.sentence)
            again_s = error.retry_after_s
            self._take(Failed(time.monotonic(), "unavailable", 0.5, retry_after_s=again_s))

    def _begin_again(self, ask: Ask, generation: str) -> None:
        log.warning("Central cannot go on with %s: it is read again.", self._sink.stream)
        at = self._sink.start_over(generation)
        self._take(Gone(time.monotonic(), ask.cursor, generation))
        self._state = replace(self._state, cursor=at)

    def _take_in(self, ask: Ask, page: FeedPage) -> None:
        asked = Cursor(ask.cursor.generation, page.after)
        effect = self._take(Page(time.monotonic(), asked, page.then(), len(page.rows)))
        if page.next >= page.end or not page.rows:
            self._sink.complete()
        if isinstance(effect, Apply):
            self._take(Saved(self._sink.apply(page, effect)))

    def _take(self, message: Page | Gone | Saved | Failed) -> Effect | None:
        self._state, effect = protocol.pull_step(self._state, message)
        return effect


class CommandSink:
    """Commands enter hub.db with the facts that they cause, some at a time."""

    stream = "commands"

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
        done = self._hub.writer.submit(lambda tx: commands.take(tx, handlers, asked, rows, then))
        return done.result()

    def start_over(self, generation: str) -> Cursor:
        self._hub.writer.submit(lambda tx: commands.start_over(tx, generation)).result()
        return self.cursor()

    def complete(self) -> None:
        """Nothing is shown of how old the commands are."""


class ReplicaSink:
    """Catalogue rows enter replica.db."""

    stream = "replica"

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._replica = hub.replica
        self.as_of = hub.replica.as_of()
        self._noted_at = 0.0

    def cursor(self) -> Cursor:
        return self._replica.cursor()

    def apply(self, page: FeedPage, effect: Apply) -> Cursor:
        rows = [row.row for row in page.rows]
        refused = self._replica.apply(effect.asked, effect.then, rows, self.as_of)
        if refused:
            self._quarantine(page, refused)
        self._hub.writer.submit(lambda tx: tx.touch("catalog"))
        return self.cursor()

    def _quarantine(self, page: FeedPage, refused: list[tuple[int, str]]) -> None:
        self._hub.writer.submit(
            lambda tx: commands.quarantine_rows(
                tx, [(page.rows[index].row, reason) for index, reason in refused]
            )
        ).result()

    def start_over(self, generation: str) -> Cursor:
        self._replica.start_over(generation)
        return self.cursor()

    def complete(self) -> None:
        """All that central has is here, as of now."""
        self.as_of = stamp(self._hub.clock.now())
        if time.monotonic() - self._noted_at > NOTE_S:
            self._noted_at = time.monotonic()
            self._replica.note(self.as_of)
