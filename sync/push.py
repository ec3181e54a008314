"""The loop that brings the journal to central, one batch after the other.

It must never skip an entry, never cut an append, and never push over a journal that differs.
"""

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from hub import journal
from hub.chain import BrokenChain, Pair
from hub.errors import Unavailable

from . import frames, protocol, rebase, tables
from .about import Portrait, age_s
from .client import Client, Denied, Rejected, Trouble, Unanswered, Unreachable
from .hub import Hub, Line
from .pace import Pace
from .pace import Trouble as Kind
from .protocol import (
    Answered,
    Badge,
    Failed,
    Offer,
    Paged,
    Pusher,
    Rebase,
    Rebased,
    Scrubbed,
    Send,
    Stage,
    Stop,
    Tick,
    Wait,
)
from .protocol.push import Effect, Flight, Message
from .rebase import LiveChain

log = logging.getLogger(__name__)

NOTE_S: Final = 10.0
# The chain is walked once the hub serves, and then nightly: it reads the whole journal.
SCRUB_AFTER_S: Final = 5.0
# When central has all, facts gather so long, for a request a commit is dear: at 200 sales a second
# central took 0.29 of a core without it and 0.05 with it, the hub 0.44 and 0.34.
GATHER_S: Final = 0.05


class Push:
    """One thread steps it; `wake` is set when the journal grew."""

    name = "push"

    def __init__(self, hub: Hub, client: Client, line: Line) -> None:
        self.wake = threading.Event()
        self.changed: Callable[[], None] = lambda: None
        self.closing: Callable[[], None] = lambda: None
        self.retired: Callable[[], None] = lambda: None
        self._hub = hub
        self._client = client
        self._line = line
        self._portrait = Portrait(hub.clock, hub.store, hub.seal)
        self._poked = False
        self._noted_at = 0.0
        self._gather_until = 0.0
        self.drained = False
        with hub.reader() as conn:
            cursor, generation = tables.pushed(conn)
            if journal.pair_at(conn, cursor.seq) != cursor:
                cursor, generation = journal.floor(conn), ""
        now = time.monotonic()
        self._state = Pusher(
            Pace(now),
            cursor,
            shown=generation,
            badge=Badge(hardware=hub.hardware),
            scrub_at=now + SCRUB_AFTER_S,
        )
        self._noted = cursor

    def poke(self) -> None:
        """Try the line now, even if there is nothing to send."""
        self._poked = True
        self.wake.set()

    def step(self) -> float:
        """Send what is due and take the answer in; return how long there is nothing to do."""
        gathering = self._gather_until - time.monotonic()
        if gathering > 0 and not self._poked:
            return gathering
        frugal = self._line.wait_s("push")
        if frugal:
            return frugal
        if self._poked:
            self._poked = False
            self._state = replace(self._state, pace=self._state.pace.poked(), beat_at=0.0)
        effect = self._take(Tick(time.monotonic(), self._head()))
        if effect is None or isinstance(effect, Wait):
            return max(0.0, effect.until - time.monotonic()) if effect else 0.0
        if isinstance(effect, Stop):
            self._drained()
            return protocol.HEARTBEAT_S
        before, met = self._state.standing, self._state.agreed
        assert not isinstance(effect, Stage)
        then = self._take(self._perform(effect))
        if isinstance(then, Stage):
            self._stage(then)
        if self._state.standing != before:
            self._tell(before)
        if self._state.agreed and not met:
            self._hub.writer.submit_sync(lambda tx: journal.doubt(tx.conn, None))
        self._note()
        if self._state.cursor.seq >= self._head().seq:
            self._gather_until = max(self._gather_until, time.monotonic() + GATHER_S)
        return 0.0

    def _take(self, message: Message) -> Effect | None:
        with self._hub.reader() as conn:
            self._state, effect = protocol.push_step(self._state, message, LiveChain(conn))
        return effect

    def _head(self) -> Pair:
        with self._hub.reader() as conn:
            return journal.head(conn)

    def _drained(self) -> None:
        if not self.drained:
            self.drained = True
            log.warning("This hub was retired and central has all that it knew: it stops.")
            self.retired()

    def _perform(self, effect: Flight) -> Message:
        """Do what the protocol wants done, and return what it is told of it."""
        try:
            if isinstance(effect, Send):
                return self._send(effect)
            if isinstance(effect, Offer):
                return self._ask(effect)
            if isinstance(effect, Rebase):
                return Rebased(time.monotonic(), self._rebase(effect))
        except frames.Malformed as error:
            return failed(Unanswered(str(error)))
        except Trouble as error:
            return failed(error)
        except Unavailable as error:
            self._no_room(error)
            return failed(Unanswered(error.sentence, error.retry_after_s))
        return Scrubbed(time.monotonic(), self._scrub())

    def _send(self, send: Send) -> Answered:
        with self._hub.reader() as conn:
            push = protocol.packed(self._state, send, LiveChain(conn))
            reaches = push.after.seq + len(push.contents)
            push = replace(push, about=self._portrait.said(conn, reaches))
        answer = self._client.push(frames.pack_push(push)).answer()
        return Answered(time.monotonic(), send.after, answer)

    def _ask(self, offer: Offer) -> Paged:
        found = self._client.journal(offer.pairs)
        page, generation = found or (None, self._state.generation)
        return Paged(time.monotonic(), offer, page, generation)

    def _stage(self, stage: Stage) -> None:
        work = partial(tables.stage, after=stage.after.seq, contents=stage.contents)
        try:
            self._hub.writer.submit_sync(lambda tx: work(tx.conn, first=stage.first)).result()
        except Unavailable as error:
            # The rebase finds too little put aside, and the repair begins anew.
            self._no_room(error)

    def _no_room(self, error: Unavailable) -> None:
        log.warning("The journal cannot be mended now: %s", error.sentence)
        self._gather_until = time.monotonic() + error.retry_after_s

    def _rebase(self, effect: Rebase) -> bool:
        done = self._hub.writer.submit_sync(lambda tx: rebase.perform(tx, effect)).result()
        if done is not None:
            log.warning(
                "The journal was joined with central's after entry %s: %s came, %s own stayed, "
                "%s were replaced.", effect.ancestor.seq, done.came, done.stayed, done.dropped,
            )  # fmt: skip
        return done is not None

    def _scrub(self) -> Pair | None:
        with self._hub.reader() as conn:
            try:
                journal.verify(conn)
            except BrokenChain as broken:
                log.error("%s", broken)
                return journal.pair_at(conn, broken.seq - 1)
        return None

    def _tell(self, before: str) -> None:
        if self._state.standing == "retired":
            # It brings what it has; new things are the other one's.
            self.closing()
        if self._state.standing == "online":
            log.info("Central is heard again.")
            self._line.opened(self)
        else:
            log.warning("Central: %s (%s).", self._state.standing, self._state.reason)
        self.changed()

    def _note(self) -> None:
        cursor, now = self._state.cursor, time.monotonic()
        if cursor != self._noted and now - self._noted_at >= NOTE_S:
            self.note()

    def note(self) -> None:
        """Remember central's head for the next start: central itself says where to go on."""
        cursor, generation = self._state.cursor, self._state.shown
        self._noted, self._noted_at = cursor, time.monotonic()
        self._hub.writer.submit_sync(lambda tx: tables.save_pushed(tx.conn, cursor, generation))

    @property
    def agreed(self) -> bool:
        """Is central's head in the journal, and nothing under way?"""
        return self._state.agreed and self._state.standing == "online"

    def idle(self) -> bool:
        """Does central have every fact that this journal has?"""
        return self.agreed and self._state.cursor == self._head()

    @property
    def may_pull(self) -> bool:
        """Who is held or retired takes no new orders."""
        return self._state.standing not in ("held", "retired")

    def shown(self, conn: sqlite3.Connection) -> dict[str, Any]:
        """Return what screens show of the push."""
        state = self._state
        waiting = journal.entries(conn, state.cursor.seq, 1)
        return {
            "state": state.standing,
            "reason": state.reason or None,
            "pushed_seq": state.cursor.seq,
            "backlog": max(0, journal.head(conn).seq - state.cursor.seq),
            "lag_s": age_s(waiting[0][1], self._hub.clock) if waiting else 0.0,
            "generation": state.generation or None,
            "hardware": self._hub.hardware or None,
        }


def failed(trouble: Trouble) -> Failed:
    """Return what the protocol is told of a failure."""
    now, draw, reason = time.monotonic(), random.random(), str(trouble)
    if isinstance(trouble, Unreachable):
        return Failed(now, "unreachable", draw, reason=reason)
    if isinstance(trouble, Denied):
        return Failed(now, "denied", draw, reason=reason)
    if isinstance(trouble, Rejected):
        large = trouble.status == 413
        kind: Kind = "unavailable" if large else "damaged"
        return Failed(now, kind, draw, too_large=large, reason=reason)
    retry = trouble.retry_after_s if isinstance(trouble, Unanswered) else None
    return Failed(now, "unavailable", draw, retry_after_s=retry, reason=reason)
