"""What one commit of observations does on the writer: dedupe, store, apply; and each one's ack.

It must never apply one observation twice, and never let a refused one undo its neighbours.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from hub import outbox, quarantine, wire
from hub.clock import parse
from hub.errors import Forbidden, Invalid, NotFound, Refusal
from hub.fleet.watch import tables as fleet_tables
from hub.ingest.inbox import Item
from hub.ingest.presence import Presence
from hub.ingest.travels import Travel
from hub.journal import CauseUsed, Transaction
from hub.wire import Ack, Observation, Status, Unreadable

# What a kind does in the store. It appends at most once, with `observation.cause`.
Handler = Callable[[Transaction, Observation, datetime], None]
Handlers = Mapping[str, Handler]
# What telemetry means is read in bulk, a kind at a time, after it is stored: (observation, when it
# happened in ms since 1970). Telemetry is never refused; a fold appends under causes of its own
# choosing, at most once each.
Fold = Callable[[Transaction, Sequence[tuple[Observation, int]]], None]
Folds = Mapping[str, Fold]

REUSED: Final = "id_reused"
TOO_OLD: Final = "too_old"
_WORST: Final = ("quarantined", "refused", "duplicate", "committed")


@dataclass(slots=True)
class Recorder:
    """Runs on the writer, whole commits at a time."""

    handlers: Handlers
    bound: int
    trusted: Callable[[], bool]
    folds: Folds = field(default_factory=dict)
    presence: Presence = field(default_factory=Presence)

    def record(self, tx: Transaction, items: Sequence[Item]) -> None:
        """Record `items` and set each one's ack. Raises Unavailable, or a handler's bug."""
        readable: list[tuple[Item, Observation]] = []
        for item in items:
            # The writer may run this a second time, after an attempt that was undone.
            item.ack = item.travel = None
            match item.what:
                case Observation() as seen if not self._too_old(item, seen):
                    readable.append((item, seen))
                case Observation():
                    self._quarantine(tx, item, TOO_OLD, "older than 400 days")
                case Unreadable() as bad:
                    self._quarantine(tx, item, bad.reason, bad.detail)
                case Status() as status:
                    self.presence.status(tx, item, status)
        fresh = self._fresh(tx, readable)
        # Whoever's last word in this commit is a last will is away; who said anything else is not.
        online = {item.device: getattr(item.what, "online", True) for item in items}
        self.presence.hear(tx, readable, online)
        self._store(tx, fresh)

    def replay(self, tx: Transaction, row: quarantine.Row) -> str:
        """Send a quarantined message the same way again; return its (worst) outcome.

        A person has looked at it, so its age no longer counts.
        """
        name = row.topic.rpartition("/")[2]
        received_ms = round(parse(row.first_at).timestamp() * 1000)
        items = [
            Item(row.device, row.topic, what, received_ms, 0, judged=True)
            for what in wire.read_kept(row.device, name, row.body)
        ]
        self.record(tx, items)
        outcomes = {item.ack.status if item.ack else "quarantined" for item in items}
        return next(one for one in _WORST if one in outcomes)

    def condemn(self, tx: Transaction, item: Item, bug: BaseException) -> None:
        """Quarantine an observation that this release cannot apply because of a bug of its own."""
        self._quarantine(tx, item, "bug", f"{type(bug).__name__}: {bug}")

    # --- dedupe

    def _fresh(
        self, tx: Transaction, readable: list[tuple[Item, Observation]]
    ) -> list[tuple[Item, Observation]]:
        """Enter each id in `seen`; return those that are new, having acked the others."""
        rows = [
            (seen.device, seen.id, seen.digest, item.received_ms, seen.business)
            for item, seen in readable
        ]
        connection = tx.conn
        # Nearly always all are new, and then one bulk insert has said so.
        connection.execute("SAVEPOINT dedupe")
        before = connection.total_changes
        connection.executemany(_SEE_NEW, rows)
        if connection.total_changes - before == len(rows):
            connection.execute("RELEASE dedupe")
            return readable
        connection.execute("ROLLBACK TO dedupe")
        connection.execute("RELEASE dedupe")
        fresh = []
        for (item, seen), row in zip(readable, rows, strict=True):
            known = connection.execute(_KNOWN, (seen.device, seen.id)).fetchone()
            if known is None:
                connection.execute(_SEE, row)
                fresh.append((item, seen))
            else:
                self._again(tx, item, seen, known, row[2])
        return fresh

    def _again(
        self, tx: Transaction, item: Item, seen: Observation, known: sqlite3.Row, digest: bytes
    ) -> None:
        # A row that was completed from the journal has no digest: any body matches.
        if known["digest"] is not None and known["digest"] != digest:
            self._quarantine(tx, item, REUSED, "this id came with another body before")
        elif known["outcome"] is not None:
            item.ack = Ack(seen.id, "refused", known["outcome"])
        else:
            item.ack = Ack(seen.id, "duplicate")

    # --- storing and applying

    def _store(self, tx: Transaction, fresh: list[tuple[Item, Observation]]) -> None:
        telemetry = []
        heard: dict[str, list[tuple[Observation, int]]] = {}
        for item, seen in fresh:
            occurred = wire.occurred_ms(
                seen, item.received_ms, self.presence.boots.get((seen.device, seen.boot))
            )
            row = _row(seen, occurred, item.received_ms)
            if seen.business:
                ack = self._apply(tx, item, seen, occurred)
                if ack.status != "quarantined":
                    tx.conn.execute(_OBSERVE, (*row, ack.reason))
                continue
            if seen.kind == "heartbeat":
                fleet_tables.health(tx.conn, seen.device, **msgspec.structs.asdict(seen.data))
            item.ack = Ack(seen.id, "committed")
            telemetry.append(row)
            if seen.kind in self.folds:
                heard.setdefault(seen.kind, []).append((seen, occurred))
        tx.conn.executemany(_TELEMETER, telemetry)
        for kind, sensed in heard.items():
            self.folds[kind](tx, sensed)

    def _apply(self, tx: Transaction, item: Item, seen: Observation, occurred_ms: int) -> Ack:
        began, topics = time.perf_counter_ns(), len(tx.topics)
        try:
            with tx.savepoint():
                self._handle(tx, seen, datetime.fromtimestamp(occurred_ms / 1000, UTC))
            ack = Ack(seen.id, "committed")
        except CauseUsed:
            ack = Ack(seen.id, "duplicate")
        except Invalid as error:
            # It may be sent or replayed under the same id once it can be applied.
            tx.conn.execute("DELETE FROM seen WHERE device = ? AND id = ?", (seen.device, seen.id))
            self._quarantine(tx, item, error.slug, error.sentence)
            ack = Ack(seen.id, "quarantined", error.slug)
        except (Refusal, NotFound, Forbidden) as error:
            # 200 acks with their sentences have to go into one message.
            sentence = error.sentence[:160]
            ack = Ack(seen.id, "refused", sentence)
            tx.conn.execute(
                "UPDATE seen SET outcome = ? WHERE device = ? AND id = ?",
                (sentence, seen.device, seen.id),
            )
        item.ack = ack
        item.travel = _travel(item, seen, began, tuple(tx.topics[topics:]))
        tx.touch("obs")
        return ack

    def _handle(self, tx: Transaction, seen: Observation, occurred_at: datetime) -> None:
        # `done` and `printed` answer a command of ours, whoever else listens.
        if seen.kind == "done":
            outbox.close(tx, device=seen.device, key=seen.data.key, outcome=seen.data.state)
        elif seen.kind == "printed" and seen.data.state not in wire.PRINT_WAITS:
            outbox.close(tx, device=seen.device, key=seen.data.job, outcome=seen.data.state)
        handler = self.handlers.get(seen.kind)
        if handler is not None:
            handler(tx, seen, occurred_at)

    # --- quarantine

    def _too_old(self, item: Item, seen: Observation) -> bool:
        return not item.judged and wire.too_old(seen, item.received_ms) and self.trusted()

    def _quarantine(self, tx: Transaction, item: Item, reason: str, detail: str) -> None:
        name: str | None = None
        body = b""
        match item.what:
            case Unreadable() as bad:
                name, body = bad.id, bad.raw
            case Observation() as seen:
                name, body = seen.id, wire.write(seen)
        quarantine.put(
            tx,
            source="mqtt",
            device=item.device,
            topic=item.topic,
            reason=reason,
            detail=detail,
            body=body,
            bound=self.bound,
        )
        if name is not None:
            item.ack = Ack(name, "quarantined", reason)


def replayer(handlers: Handlers, bound: int = 1000) -> quarantine.Replay:
    """Return the way of `hub.quarantine.replay` for the source `mqtt`, hub running or not."""
    return Recorder(handlers, bound, trusted=lambda: True).replay


def _row(seen: Observation, occurred_ms: int, received_ms: int) -> tuple[object, ...]:
    return (
        seen.device,
        seen.id,
        seen.kind,
        seen.boot,
        seen.seq,
        occurred_ms,
        received_ms,
        seen.quality,
        seen.body,
    )


def _travel(item: Item, seen: Observation, began_ns: int, topics: tuple[str, ...]) -> Travel:
    sent = None
    if seen.quality == "synced" and seen.at_ms is not None:
        sent = float(seen.at_ms - item.received_ms)
    return Travel(
        seen.device,
        seen.kind,
        seen.id,
        seen.body.decode()[:200],
        item.received_ms,
        sent_ms=sent,
        writer_ms=(began_ns - item.received_ns) / 1e6,
        fact_ms=(time.perf_counter_ns() - item.received_ns) / 1e6 if topics else None,
        topics=topics,
    )


_SEE: Final = "INSERT INTO seen (device, id, digest, received_ms, business) VALUES (?, ?, ?, ?, ?)"
_SEE_NEW: Final = _SEE.replace("INSERT", "INSERT OR IGNORE")
_KNOWN: Final = "SELECT digest, outcome FROM seen WHERE device = ? AND id = ?"
_COLUMNS: Final = "device, id, kind, boot, seq, occurred_ms, received_ms, quality, body"
_TELEMETER: Final = f"INSERT INTO telemetry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_OBSERVE: Final = (
    f"INSERT INTO observation ({_COLUMNS}, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
