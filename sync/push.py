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
from typing import Any, Final

import msgspec

from hub import chain, journal
from hub.clock import parse

from . import frames, protocol, tables
from .client import Client, Denied, Rejected, Trouble, Unanswered, Unreachable
from .hub import Hub, Line
from .pace import Pace
from .pace import Trouble as Kind
from .protocol import Answered, Failed, Pusher, Send, Tick

log = logging.getLogger(__name__)

BATCH_BYTES: Final = 4 << 20
NOTE_S: Final = 10.0
# When central has all, facts gather so long, for a request a commit is dear: at 200 sales a second
# central took 0.29 of a core without it and 0.05 with it, the hub 0.44 and 0.34.
GATHER_S: Final = 0.05


class Push:
    """One thread steps it; `wake` is set when the journal grew."""

    name = "push"

    def __init__(self, hub: Hub, client: Client, line: Line) -> None:
        self.wake = threading.Event()
        self.changed: Callable[[], None] = lambda: None
        self._hub = hub
        self._client = client
        self._line = line
        self._poked = False
        self._noted_at = 0.0
        self._gather_until = 0.0
        with hub.reader() as conn:
            cursor, generation = tables.pushed(conn)
            if journal.pair_at(conn, cursor.seq) != cursor:
                cursor, generation = journal.floor(conn), ""
        self._state = Pusher(Pace(time.monotonic()), cursor, generation)
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
        if self._poked:
            self._poked = False
            self._state = replace(self._state, pace=self._state.pace.poked(), beat_at=0.0)
        with self._hub.reader() as conn:
            head = journal.head(conn)
        self._state, effect = protocol.push_step(self._state, Tick(time.monotonic(), head))
        if not isinstance(effect, Send):
            return max(0.0, effect.until - time.monotonic()) if effect else 0.0
        before = self._state.standing
        self._state, _ = protocol.push_step(self._state, self._send(effect))
        if self._state.standing != before:
            self._tell(before)
        self._note()
        if self._state.cursor.seq >= head.seq:
            self._gather_until = time.monotonic() + GATHER_S
        return 0.0

    def _send(self, send: Send) -> Answered | Failed:
        try:
            answer = self._client.push(self._pack(send))
            central = answer.head.pair()
        except frames.Malformed as error:
            return failed(Unanswered(str(error)))
        except Trouble as error:
            return failed(error)
        with self._hub.reader() as conn:
            known = journal.pair_at(conn, central.seq) == central
        return Answered(time.monotonic(), send.after, central, known, answer.generation)

    def _pack(self, send: Send) -> bytes:
        if send.limit == 0:
            return frames.pack_push(send.after, ())
        with self._hub.reader() as conn:
            contents = _batch(conn, send.after.seq, send.limit)
            reaches = journal.pair_at(conn, send.after.seq + len(contents))
        return frames.pack_push(send.after, contents, reaches)

    def _tell(self, before: str) -> None:
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
        cursor, generation = self._state.cursor, self._state.generation
        self._noted, self._noted_at = cursor, time.monotonic()
        self._hub.writer.submit(lambda tx: tables.save_pushed(tx.conn, cursor, generation))

    def shown(self, conn: sqlite3.Connection) -> dict[str, Any]:
        """Return what screens show of the push."""
        state = self._state
        waiting = journal.entries(conn, state.cursor.seq, 1)
        return {
            "state": state.standing,
            "reason": state.reason or None,
            "pushed_seq": state.cursor.seq,
            "backlog": max(0, journal.head(conn).seq - state.cursor.seq),
            "lag_s": self._age(waiting[0][1]) if waiting else 0.0,
            "generation": state.generation or None,
        }

    def _age(self, content: bytes) -> float:
        try:
            recorded = parse(chain.decode(content).recorded_at)
        except (msgspec.MsgspecError, ValueError):
            return 0.0
        return max(0.0, round((self._hub.clock.now() - recorded).total_seconds(), 1))


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


def _batch(conn: sqlite3.Connection, after: int, limit: int) -> list[bytes]:
    """Return whole appends that follow `after`: about `limit` entries, at least one append."""
    while True:
        contents = [content for _, content in journal.entries(conn, after, limit)]
        count = protocol.whole(contents)
        if count or len(contents) < limit:
            break
        limit *= 2
    light, weight = 0, 0
    for content in contents[:count]:
        weight += len(content)
        if weight > BATCH_BYTES:
            break
        light += 1
    return contents[: protocol.whole(contents[:light]) or count or len(contents)]
