"""The give and take of one connection: what waits goes out in packs, what is acked is let go.

It must never send more than a window ahead of the hub's word, and never wait for ever for one:
what waits of a device that nobody here speaks for any more gets none, and holds up nobody.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from devices.outbox import Outbox, Waiting
from devices.pacing import Patience
from devices.session import Command, Session, Word
from hub import wire

WINDOW: Final = wire.BATCH_MOST
# A batch stays well below the hub's limit.
BATCH_BYTES: Final = 200 * 1024
IDLE_S: Final = 30.0

Key = tuple[str, str]


class Exchange:
    """Runs on the client's thread until the session is lost or `stopping` says so."""

    def __init__(
        self,
        session: Session,
        outbox: Outbox,
        patience: Patience,
        news: threading.Condition,
        stopping: Callable[[], bool],
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._patience = patience
        self._news = news
        self._stopping = stopping
        # What was sent and has no ack: its number and when it was sent, oldest first.
        self._flying: dict[Key, tuple[int, float]] = {}
        self._sent_n = 0
        self._speaks_for = session.speaks_for

    @property
    def over(self) -> bool:
        return not self._session.open or self._stopping()

    def send(self) -> None:
        """Publish what waits, as far as the window is open."""
        if self._speaks_for != self._session.speaks_for:
            self._speaks_for = self._session.speaks_for
            self._begin_anew()
        room = WINDOW - len(self._flying)
        if room <= WINDOW // 2:
            return
        pack = self._outbox.after(self._sent_n, room)
        if not pack:
            return
        self._sent_n = pack[-1].n
        now = time.monotonic()
        by_device: dict[str, list[Waiting]] = {}
        for one in pack:
            if one.device not in self._speaks_for:
                continue
            self._flying[one.device, one.id] = (one.n, now)
            by_device.setdefault(one.device, []).append(one)
        for device, some in by_device.items():
            bodies = [one.body for one in some]
            self._session.publish(device, some[0].kind, bodies, BATCH_BYTES)

    def hear(self, until_s: float) -> tuple[Sequence[Word], Sequence[Command]]:
        """Wait for news, at most until that time; return what was heard."""
        session = self._session
        overdue = self._overdue_at()
        end = until_s if overdue is None else min(until_s, overdue)
        with self._news:
            self._news.wait_for(self._any_news, max(0.0, end - time.monotonic()))
            words, session.words = session.words, []
            commands = list(session.commands)
            session.commands.clear()
        return words, commands

    def _any_news(self) -> bool:
        session = self._session
        if session.words or session.commands or self.over:
            return True
        if self._speaks_for != session.speaks_for:
            return True
        return len(self._flying) < WINDOW // 2 and self._outbox.has_after(self._sent_n)

    def settle(self, words: Sequence[Word]) -> None:
        """Let go what the hub has; send everything again when it owes a word for too long."""
        now = time.monotonic()
        gone = []
        for word in words:
            flew = self._flying.pop((word.device, word.id), None)
            if flew is not None:
                gone.append(flew[0])
                self._patience.heard(now - flew[1])
        if gone:
            self._outbox.confirmed(gone)
        overdue = self._overdue_at()
        if overdue is not None and now >= overdue:
            self._patience.in_vain()
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._flying.clear()
        self._sent_n = 0

    def _overdue_at(self) -> float | None:
        for _, sent_s in self._flying.values():
            return sent_s + self._patience.seconds
        return None
