"""The orders' rows: head, lines, timeline and conflicts, written by `order.evolve` alone.

It must never refuse a fact, and never read anything but this room's own rows.
"""

from sqlite3 import Connection, Row
from typing import Any, Final

import msgspec

from hub.chain import Entry
from hub.database import TableClass
from hub.pickup import facts as f
from hub.pickup.lifecycle import Status
from hub.pickup.order import Line, LineStep, PickupOrder, evolve
from hub.projections import Projection

SCHEMA: Final = """
CREATE TABLE pickup_order (
  order_id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  version INTEGER NOT NULL,
  short_code TEXT NOT NULL,
  channel TEXT NOT NULL,
  supply TEXT NOT NULL,
  origin TEXT NOT NULL,
  customer_ref TEXT,
  currency TEXT,
  shelf TEXT,
  claimed_by TEXT,
  claimed_from TEXT NOT NULL,
  held_from TEXT NOT NULL,
  reason TEXT,
  proof_kind TEXT,
  promise_at TEXT,
  accepted_at TEXT,
  picked_at TEXT,
  ready_at TEXT,
  buyer_on_the_way_at TEXT,
  buyer_arrived_at TEXT,
  picked_up_at TEXT,
  steps TEXT NOT NULL,
  conflicts INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX pickup_order_board ON pickup_order (state, promise_at);
CREATE INDEX pickup_order_code ON pickup_order (short_code);
CREATE TABLE pickup_line (
  order_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  line_id TEXT NOT NULL,
  sku TEXT NOT NULL,
  ordered INTEGER NOT NULL,
  name TEXT NOT NULL,
  picked INTEGER NOT NULL,
  short INTEGER NOT NULL,
  substituted INTEGER NOT NULL,
  canceled INTEGER NOT NULL,
  handed_over INTEGER NOT NULL,
  substitute_for TEXT,
  unit_price_minor INTEGER,
  currency TEXT,
  PRIMARY KEY (order_id, n)
) WITHOUT ROWID;
CREATE TABLE pickup_event (
  order_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  entry TEXT NOT NULL,
  type TEXT NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  line_id TEXT,
  qty INTEGER,
  note TEXT,
  PRIMARY KEY (order_id, n)
) WITHOUT ROWID;
CREATE TABLE pickup_conflict (
  entry TEXT PRIMARY KEY, order_id TEXT NOT NULL, type TEXT NOT NULL
) WITHOUT ROWID;
"""

_HEAD: Final = (
    "order_id",
    "state",
    "version",
    "short_code",
    "channel",
    "supply",
    "origin",
    "customer_ref",
    "currency",
    "shelf",
    "claimed_by",
    "claimed_from",
    "held_from",
    "reason",
    "proof_kind",
    "promise_at",
    "accepted_at",
    "picked_at",
    "ready_at",
    "buyer_on_the_way_at",
    "buyer_arrived_at",
    "picked_up_at",
)
_LINE: Final = (
    "line_id",
    "sku",
    "ordered",
    "name",
    "picked",
    "short",
    "substituted",
    "canceled",
    "handed_over",
    "substitute_for",
    "unit_price_minor",
    "currency",
)
_SAVE_HEAD: Final = (
    f"INSERT OR REPLACE INTO pickup_order ({', '.join(_HEAD)}, steps, conflicts)"
    f" VALUES ({', '.join('?' * (len(_HEAD) + 2))})"
)
_SAVE_LINE: Final = (
    f"INSERT OR REPLACE INTO pickup_line (order_id, n, {', '.join(_LINE)})"
    f" VALUES ({', '.join('?' * (len(_LINE) + 2))})"
)
_LOAD_HEAD: Final = f"SELECT {', '.join(_HEAD)}, steps, conflicts FROM pickup_order"
_LOAD_LINES: Final = f"SELECT {', '.join(_LINE)} FROM pickup_line WHERE order_id = ? ORDER BY n"
_EVENT: Final = "INSERT INTO pickup_event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_STEPS: Final = msgspec.json.Decoder(tuple[LineStep, ...])


def load(conn: Connection, order_id: str) -> PickupOrder:
    """The order as its facts left it; one of version 0 where none has come."""
    row = conn.execute(f"{_LOAD_HEAD} WHERE order_id = ?", (order_id,)).fetchone()
    if row is None:
        return PickupOrder(order_id)
    return read(conn, row)


def read(conn: Connection, row: Row) -> PickupOrder:
    head = dict(zip(_HEAD, row, strict=False))
    for name in ("state", "claimed_from", "held_from"):
        head[name] = Status(head[name])
    lines = conn.execute(_LOAD_LINES, (head["order_id"],))
    return PickupOrder(
        **head,
        lines=tuple(Line(*line) for line in lines),
        steps=_STEPS.decode(row["steps"]),
        conflicts=row["conflicts"],
    )


def _apply(conn: Connection, entry: Entry, fact: Any) -> None:
    before = load(conn, fact.order_id)
    after = evolve(before, fact, entry.recorded_at)
    steps = msgspec.json.encode(after.steps).decode()
    head = [getattr(after, name) for name in _HEAD]
    conn.execute(_SAVE_HEAD, (*head, steps, after.conflicts))
    for n, line in enumerate(after.lines):
        if n >= len(before.lines) or line is not before.lines[n]:
            values = [getattr(line, name) for name in _LINE]
            conn.execute(_SAVE_LINE, (after.order_id, n, *values))
    line_id = getattr(fact, "line_id", None)
    qty = getattr(fact, "qty", None)
    event = (after.order_id, after.version, entry.id, entry.type, entry.occurred_at, entry.actor)
    conn.execute(_EVENT, (*event, line_id, qty, _note(fact)))
    if after.conflicts > before.conflicts:
        conn.execute(
            "INSERT OR IGNORE INTO pickup_conflict (entry, order_id, type) VALUES (?, ?, ?)",
            (entry.id, after.order_id, entry.type),
        )


def _note(fact: Any) -> str | None:
    """The one word that a timeline shows beside a fact."""
    for name in ("reason", "shelf", "proof_kind", "step", "where"):
        value = getattr(fact, name, None)
        if value is not None:
            return str(value)
    if isinstance(fact, f.OrderProposed):
        return fact.channel
    return None


PROJECTION: Final = Projection(room="pickup", schema=SCHEMA, apply=dict.fromkeys(f.ALL, _apply))

TABLES: Final[dict[str, TableClass]] = {
    "pickup_order": "projection",
    "pickup_line": "projection",
    "pickup_event": "projection",
    "pickup_conflict": "projection",
}
