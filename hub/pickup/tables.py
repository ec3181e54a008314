"""The orders' rows: head, lines, timeline and conflicts, written by `order.evolve` alone.

It must never refuse a fact, and never read anything but this room's own rows.
"""

from sqlite3 import Connection
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
  shelf TEXT, -- with goods to hand over, like also_on
  claimed_by TEXT,
  claimed_from TEXT NOT NULL,
  held_from TEXT NOT NULL,
  reason TEXT,
  proof_kind TEXT,
  promise_at TEXT,
  accepted_at TEXT,
  picked_at TEXT,
  ready_at TEXT,
  kept_since TEXT, -- the term of a ready order runs from here
  buyer_on_the_way_at TEXT,
  buyer_arrived_at TEXT,
  picked_up_at TEXT,
  buyer_eta_minutes INTEGER,
  buyer_stall TEXT,
  has_delegate INTEGER NOT NULL,
  language TEXT,
  fallback TEXT,
  parcels TEXT NOT NULL,
  parcels_here TEXT NOT NULL,
  carrier TEXT,
  tracking TEXT,
  received_at TEXT,
  also_on TEXT NOT NULL,
  conflicts INTEGER NOT NULL,
  steps TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX pickup_order_board ON pickup_order (state, promise_at);
CREATE INDEX pickup_order_code ON pickup_order (short_code);
CREATE INDEX pickup_order_customer ON pickup_order (customer_ref);
CREATE INDEX pickup_order_day ON pickup_order (accepted_at);
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
  substitutes TEXT NOT NULL,
  storage TEXT NOT NULL,
  age_min INTEGER NOT NULL,
  shelf TEXT,
  to_put_back INTEGER NOT NULL, -- was off the floor when the order ended, or came after that
  PRIMARY KEY (order_id, n)
) WITHOUT ROWID;
CREATE INDEX pickup_line_lies ON pickup_line (shelf, order_id)
  WHERE shelf IS NOT NULL AND picked > handed_over;
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
CREATE INDEX pickup_event_short ON pickup_event (at) WHERE type = 'LineShorted';
CREATE INDEX pickup_event_broken ON pickup_event (at) WHERE type = 'PromiseBroken';
CREATE TABLE pickup_parcel (
  code TEXT NOT NULL, order_id TEXT NOT NULL, PRIMARY KEY (code, order_id)
) WITHOUT ROWID;
CREATE TABLE pickup_conflict (
  entry TEXT PRIMARY KEY, order_id TEXT NOT NULL, type TEXT NOT NULL
) WITHOUT ROWID;
"""

# The columns are the fields of the order and its lines, in their order.
_HEAD: Final = PickupOrder._fields[: PickupOrder._fields.index("lines")]
_LINE: Final = Line._fields
_ALL: Final = f"{', '.join(_HEAD)}, steps"
_INSERT: Final = f"INSERT INTO pickup_order ({_ALL}) VALUES ({', '.join('?' * (len(_HEAD) + 1))})"
_UPDATE: Final = (
    f"UPDATE pickup_order SET {', '.join(f'{name} = ?' for name in (*_HEAD, 'steps'))}"
    " WHERE order_id = ?"
)
_SAVE_LINE: Final = (
    f"INSERT OR REPLACE INTO pickup_line (order_id, n, {', '.join(_LINE)})"
    f" VALUES ({', '.join('?' * (len(_LINE) + 2))})"
)
_LOAD: Final = f"SELECT {_ALL} FROM pickup_order WHERE order_id = ?"
_LOAD_LINES: Final = f"SELECT {', '.join(_LINE)} FROM pickup_line WHERE order_id = ? ORDER BY n"
_EVENT: Final = "INSERT INTO pickup_event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_STATES: Final = [_HEAD.index(name) for name in ("state", "claimed_from", "held_from")]
_STEPS: Final = msgspec.json.Decoder(tuple[LineStep, ...])


def load(conn: Connection, order_id: str) -> PickupOrder:
    """The order as its facts left it; one of version 0 where none has come."""
    row = conn.execute(_LOAD, (order_id,)).fetchone()
    if row is None:
        return PickupOrder(order_id)
    *head, steps = row
    for index in _STATES:
        head[index] = Status(head[index])
    lines = tuple(map(Line._make, conn.execute(_LOAD_LINES, (order_id,))))
    return PickupOrder._make((*head, lines, _STEPS.decode(steps)))


def _apply(conn: Connection, entry: Entry, fact: Any) -> None:
    before = load(conn, fact.order_id)
    after = evolve(before, fact, entry.recorded_at)
    head = (*after[: len(_HEAD)], msgspec.json.encode(after.steps).decode())
    if before.version:
        conn.execute(_UPDATE, (*head, after.order_id))
    else:
        conn.execute(_INSERT, head)
    for n, line in enumerate(after.lines):
        if n >= len(before.lines) or line is not before.lines[n]:
            conn.execute(_SAVE_LINE, (after.order_id, n, *line))
    if after.parcels != before.parcels:
        for code in after.parcels.split():
            conn.execute(
                "INSERT OR IGNORE INTO pickup_parcel VALUES (?, ?)", (code, after.order_id)
            )
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
    if isinstance(fact, f.ParcelsNamed):
        return " ".join(fact.parcels) or fact.carrier
    if isinstance(fact, f.OrderReceived | f.GoodsToStock) and fact.lines:
        missing = sum(line.missing for line in fact.lines)
        return f"missing {missing}, damaged {sum(line.damaged for line in fact.lines)}"
    for name in ("reason", "shelf", "proof_kind", "step", "where", "by_hand", "parcel"):
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
    "pickup_parcel": "projection",
    "pickup_conflict": "projection",
}
