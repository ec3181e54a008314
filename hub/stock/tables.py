"""The ledger's rows: balances, open holds, the evidence behind a record, documents already taken.

It must never refuse a fact and never clamp a balance: what is below zero is shown as it is.
This is the hot path: a till sale costs three small statements.
"""

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.chain import Entry
from hub.database import TableClass
from hub.projections import Projection
from hub.stock.facts import (
    HoldExtended,
    RightsGranted,
    RightsRecalled,
    RightsReclaimed,
    RightsTold,
    StockMoved,
    UnitsCounted,
)
from hub.stock.ledger import hold_change
from hub.stock.rules import AGAINST_THE_RECORD

SCHEMA: Final = """
CREATE TABLE stock_balance (
  sku TEXT NOT NULL, bucket TEXT NOT NULL, qty INTEGER NOT NULL,
  PRIMARY KEY (sku, bucket)
) WITHOUT ROWID;
CREATE INDEX stock_balance_below ON stock_balance (sku)
  WHERE qty < 0 AND bucket NOT IN ('supplier', 'customer', 'shrink');
CREATE TABLE stock_hold (
  ref TEXT PRIMARY KEY,
  sku TEXT NOT NULL,
  kind TEXT NOT NULL,
  open_qty INTEGER NOT NULL,
  staged_qty INTEGER NOT NULL,
  until TEXT,
  order_id TEXT,
  line_id TEXT
) WITHOUT ROWID;
CREATE INDEX stock_hold_sku ON stock_hold (sku) WHERE kind = 'HOLD' AND open_qty > 0;
CREATE INDEX stock_hold_promised ON stock_hold (sku)
  WHERE kind = 'ALLOCATION' AND open_qty > staged_qty;
CREATE INDEX stock_hold_until ON stock_hold (until) WHERE kind = 'HOLD' AND open_qty > 0;
CREATE INDEX stock_hold_order ON stock_hold (order_id) WHERE order_id IS NOT NULL;
CREATE TABLE stock_evidence (
  sku TEXT PRIMARY KEY,
  since TEXT NOT NULL,
  counted_at TEXT,
  sold INTEGER NOT NULL DEFAULT 0,
  adjustments INTEGER NOT NULL DEFAULT 0,
  agreed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE stock_sold (hour TEXT PRIMARY KEY, qty INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stock_rights (
  sku TEXT PRIMARY KEY,
  granted INTEGER NOT NULL DEFAULT 0,
  reclaimed INTEGER NOT NULL DEFAULT 0,
  asked INTEGER NOT NULL DEFAULT 0,
  answered INTEGER NOT NULL DEFAULT 0,
  returned INTEGER NOT NULL DEFAULT 0,
  spent INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE stock_demand (
  sku TEXT NOT NULL, day TEXT NOT NULL, qty INTEGER NOT NULL,
  PRIMARY KEY (sku, day)
) WITHOUT ROWID;
CREATE INDEX stock_demand_day ON stock_demand (day);
CREATE TABLE stock_document (
  kind TEXT NOT NULL, ref TEXT NOT NULL, sku TEXT NOT NULL, qty INTEGER NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (kind, ref, sku)
) WITHOUT ROWID;
"""

_BALANCE: Final = """
INSERT INTO stock_balance (sku, bucket, qty) VALUES (?1, ?2, -?4), (?1, ?3, ?4)
ON CONFLICT (sku, bucket) DO UPDATE SET qty = qty + excluded.qty
"""

_HOLD: Final = """
INSERT INTO stock_hold (ref, sku, kind, open_qty, staged_qty, until, order_id, line_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (ref) DO UPDATE SET open_qty = open_qty + excluded.open_qty,
  staged_qty = staged_qty + excluded.staged_qty
"""

_EVIDENCE: Final = """
INSERT INTO stock_evidence (sku, since, sold, adjustments, agreed) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (sku) DO UPDATE SET sold = sold + excluded.sold,
  adjustments = adjustments + excluded.adjustments, agreed = agreed + excluded.agreed
"""

_COUNTED: Final = """
INSERT INTO stock_evidence (sku, since, counted_at) VALUES (?1, ?2, ?2)
ON CONFLICT (sku) DO UPDATE SET since = excluded.since, counted_at = excluded.counted_at,
  sold = 0, adjustments = 0, agreed = 0
"""

_SOLD: Final = """
INSERT INTO stock_sold (hour, qty) VALUES (?, ?)
ON CONFLICT (hour) DO UPDATE SET qty = qty + excluded.qty
"""

_RIGHTS: Final = """
INSERT INTO stock_rights (sku, granted, reclaimed, asked, answered, returned, spent)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sku) DO UPDATE SET granted = max(granted, excluded.granted),
  reclaimed = max(reclaimed, excluded.reclaimed),
  asked = max(asked, excluded.asked), answered = max(answered, excluded.answered),
  returned = max(returned, excluded.returned),
  spent = max(spent, excluded.spent)
"""

_DEMAND: Final = """
INSERT INTO stock_demand (sku, day, qty) VALUES (?, ?, ?)
ON CONFLICT (sku, day) DO UPDATE SET qty = qty + excluded.qty
"""

# Channels that central sells through; their demand sizes the quota it is lent.
CENTRALS: Final = ("web", "phone")

_DOCUMENT: Final = """
INSERT INTO stock_document (kind, ref, sku, qty, entry) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (kind, ref, sku) DO UPDATE SET qty = qty + excluded.qty
"""


def _moved(conn: Connection, entry: Entry, move: StockMoved) -> None:
    kind, sku, qty = move.kind, move.sku, move.qty
    conn.execute(_BALANCE, (sku, move.source, move.target, qty))
    ref, opened, staged = hold_change(move)
    if ref is not None:
        what = "HOLD" if "held" in (move.source, move.target) else "ALLOCATION"
        row = (ref, sku, what, opened, staged, move.until, move.order_id, move.line_id)
        conn.execute(_HOLD, row)
    if kind == "SALE":
        conn.execute(_EVIDENCE, (sku, entry.recorded_at, qty, 0, 0))
        conn.execute(_SOLD, (entry.recorded_at[:13], qty))
    elif move.reason in AGAINST_THE_RECORD:
        conn.execute(_EVIDENCE, (sku, entry.recorded_at, 0, 1, 0))
    elif move.target == "staged":
        # The units were found, scanned and put aside: the record was right about them.
        conn.execute(_EVIDENCE, (sku, entry.recorded_at, 0, 0, 1))
    if move.channel in CENTRALS and kind == "ALLOCATION":
        conn.execute(_DEMAND, (sku, entry.recorded_at[:10], qty))
    if move.ref is not None and kind in ("SALE", "RECEIVE"):
        conn.execute(_DOCUMENT, (kind, move.ref, sku, qty, entry.id))


def _counted(conn: Connection, entry: Entry, fact: UnitsCounted) -> None:
    conn.execute(_COUNTED, (fact.sku, entry.recorded_at))


def _extended(conn: Connection, entry: Entry, fact: HoldExtended) -> None:
    conn.execute("UPDATE stock_hold SET until = ? WHERE ref = ?", (fact.until, fact.ref))


def _granted(conn: Connection, entry: Entry, fact: RightsGranted) -> None:
    conn.execute(_RIGHTS, (fact.sku, fact.granted, 0, 0, 0, 0, 0))


def _recalled(conn: Connection, entry: Entry, fact: RightsRecalled) -> None:
    conn.execute(_RIGHTS, (fact.sku, 0, 0, fact.asked, 0, 0, 0))


def _told(conn: Connection, entry: Entry, fact: RightsTold) -> None:
    conn.execute(_RIGHTS, (fact.sku, 0, 0, 0, fact.answered, fact.returned, fact.spent))


def _reclaimed(conn: Connection, entry: Entry, fact: RightsReclaimed) -> None:
    conn.execute(_RIGHTS, (fact.sku, 0, fact.reclaimed, 0, 0, 0, 0))


MIGRATIONS: Final = Migrations("stock")


@MIGRATIONS()
def m001_store_policy(db: sqlite_utils.Database) -> None:
    """What the store's settings say about promises, by name."""
    db.execute("CREATE TABLE store_policy (name TEXT PRIMARY KEY, value INTEGER NOT NULL)")


def keep_policy(conn: Connection, values: Mapping[str, int]) -> None:
    for row in values.items():
        conn.execute("INSERT OR REPLACE INTO store_policy (name, value) VALUES (?, ?)", row)


PROJECTION: Final = Projection(
    room="stock",
    schema=SCHEMA,
    apply={
        StockMoved: _moved,
        UnitsCounted: _counted,
        HoldExtended: _extended,
        RightsGranted: _granted,
        RightsRecalled: _recalled,
        RightsReclaimed: _reclaimed,
        RightsTold: _told,
    },
)

TABLES: Final[dict[str, TableClass]] = {
    "stock_balance": "projection",
    "stock_hold": "projection",
    "stock_evidence": "projection",
    "stock_sold": "projection",
    "stock_rights": "projection",
    "stock_demand": "projection",
    "stock_document": "projection",
    "store_policy": "record",
}
