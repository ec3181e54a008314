"""Lets old observations go: telemetry first, and all of it that the disk needs.

It must never touch what is not yet committed, nor an id that may still be sent again.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from hub import outbox, quarantine
from hub.clock import stamp
from hub.ingest import tables
from hub.journal import Transaction
from hub.settings import Settings
from hub.wire import DAY_MS

ROWS: Final = 2_000
# One run makes at most so many commits, each short, so that no command waits behind it.
TURNS: Final = 50
MIB: Final = 1024 * 1024


class Writes(Protocol):
    def submit(self, work: Callable[[Transaction], Any], *, bulk: bool = False) -> Future[Any]: ...


@dataclass
class Retention:
    """A job of the schedule; `full` says whether the disk is."""

    writer: Writes
    settings: Settings
    full: Callable[[], bool]
    _after: tuple[str, str] = ("", "")

    def run(self, now: datetime) -> None:
        """Prune what is due. Raises Unavailable when the disk allows no write at all."""
        now_ms = round(now.timestamp() * 1000)
        for _ in range(TURNS):
            if not self.writer.submit(lambda tx: self._prune(tx, now_ms), bulk=True).result():
                break
        self.writer.submit(lambda tx: self._forget(tx, now, now_ms), bulk=True).result()

    def _prune(self, tx: Transaction, now_ms: int) -> bool:
        """Delete one piece; return whether there is more."""
        kept = self.settings
        most = kept.observation_mib * MIB
        business = tables.size_bytes(tx.conn, "observation")
        room = 0 if self.full() else max(0, most - business)
        before = now_ms - kept.telemetry_days * DAY_MS
        if tables.prune(tx.conn, "telemetry", before, room, ROWS) == ROWS:
            return True
        before = now_ms - kept.business_days * DAY_MS
        return tables.prune(tx.conn, "observation", before, most, ROWS) == ROWS

    def _forget(self, tx: Transaction, now: datetime, now_ms: int) -> None:
        kept = self.settings
        after = tables.forget_seen(
            tx.conn,
            self._after,
            telemetry_ms=now_ms - kept.seen_telemetry_days * DAY_MS,
            business_ms=now_ms - kept.seen_days * DAY_MS,
            rows=ROWS,
        )
        self._after = after or ("", "")
        quarantine.forget(tx, stamp(_days_before(now, kept.quarantine_days)))
        outbox.forget(tx, stamp(_days_before(now, kept.quarantine_days)))


def _days_before(now: datetime, days: int) -> datetime:
    return datetime.fromtimestamp(now.timestamp() - days * 86_400, now.tzinfo)
