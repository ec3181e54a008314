"""The rows of endless-aisle orders and of this store's rights to the distribution centre's units.

It must never refuse a fact: rights that a repair overdrew are shown as they are.
"""

from sqlite3 import Connection
from typing import Final

from hub.aisle.facts import (
    AisleOrderConfirmed,
    AisleOrderDeclined,
    AisleOrderPlaced,
    SupplyLent,
    SupplyReturned,
)
from hub.aisle.rules import Status
from hub.chain import Entry
from hub.database import TableClass
from hub.projections import Projection

SCHEMA: Final = """
CREATE TABLE aisle_order (
  order_id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  deliver TEXT NOT NULL,
  conditional INTEGER NOT NULL,
  customer_ref TEXT,
  reason TEXT,
  placed_at TEXT NOT NULL,
  changed_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX aisle_order_board ON aisle_order (state, placed_at);
CREATE TABLE aisle_line (
  order_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  line_id TEXT NOT NULL,
  sku TEXT NOT NULL,
  name TEXT NOT NULL,
  qty INTEGER NOT NULL,
  unit_price_minor INTEGER,
  currency TEXT,
  PRIMARY KEY (order_id, n)
) WITHOUT ROWID;
CREATE TABLE aisle_rights (
  sku TEXT PRIMARY KEY,
  granted INTEGER NOT NULL DEFAULT 0,
  reclaimed INTEGER NOT NULL DEFAULT 0,
  asked INTEGER NOT NULL DEFAULT 0,
  answered INTEGER NOT NULL DEFAULT 0,
  returned INTEGER NOT NULL DEFAULT 0,
  spent INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""

_LENT: Final = """
INSERT INTO aisle_rights (sku, granted, reclaimed, asked) VALUES (?, ?, ?, ?)
ON CONFLICT (sku) DO UPDATE SET granted = max(granted, excluded.granted),
  reclaimed = max(reclaimed, excluded.reclaimed), asked = max(asked, excluded.asked)
"""
_RETURNED: Final = """
INSERT INTO aisle_rights (sku, returned, answered) VALUES (?, ?, ?)
ON CONFLICT (sku) DO UPDATE SET returned = max(returned, excluded.returned),
  answered = max(answered, excluded.answered)
"""
# Spending is added up order by order: after a repair the orders of both histories count.
_SPENT: Final = """
INSERT INTO aisle_rights (sku, spent) VALUES (?, ?)
ON CONFLICT (sku) DO UPDATE SET spent = spent + excluded.spent
"""


def _placed(conn: Connection, entry: Entry, fact: AisleOrderPlaced) -> None:
    state = Status.CONDITIONAL if fact.conditional else Status.CONFIRMED
    new = conn.execute(
        "INSERT INTO aisle_order (order_id, state, deliver, conditional, customer_ref, placed_at,"
        " changed_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO NOTHING",
        (
            fact.order_id,
            state.value,
            fact.deliver,
            int(fact.conditional),
            fact.customer_ref,
            entry.recorded_at,
            entry.recorded_at,
        ),
    ).rowcount
    if not new:
        return
    for n, line in enumerate(fact.lines):
        conn.execute(
            "INSERT INTO aisle_line (order_id, n, line_id, sku, name, qty, unit_price_minor,"
            " currency) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                fact.order_id,
                n,
                line.line_id,
                line.sku,
                line.name,
                line.qty,
                line.unit_price_minor,
                line.currency,
            ),
        )
        if not fact.conditional:
            conn.execute(_SPENT, (line.sku, line.qty))


def _confirmed(conn: Connection, entry: Entry, fact: AisleOrderConfirmed) -> None:
    _change(conn, entry, fact.order_id, Status.CONFIRMED, None)


def _declined(conn: Connection, entry: Entry, fact: AisleOrderDeclined) -> None:
    _change(conn, entry, fact.order_id, Status.DECLINED, fact.reason)


def _change(
    conn: Connection, entry: Entry, order_id: str, state: Status, reason: str | None
) -> None:
    conn.execute(
        "UPDATE aisle_order SET state = ?, reason = ?, changed_at = ? WHERE order_id = ?",
        (state.value, reason, entry.recorded_at, order_id),
    )


def _lent(conn: Connection, entry: Entry, fact: SupplyLent) -> None:
    conn.execute(_LENT, (fact.sku, fact.granted, fact.reclaimed, fact.asked))


def _returned(conn: Connection, entry: Entry, fact: SupplyReturned) -> None:
    conn.execute(_RETURNED, (fact.sku, fact.returned, fact.answered))


PROJECTION: Final = Projection(
    room="aisle",
    schema=SCHEMA,
    apply={
        AisleOrderPlaced: _placed,
        AisleOrderConfirmed: _confirmed,
        AisleOrderDeclined: _declined,
        SupplyLent: _lent,
        SupplyReturned: _returned,
    },
)

TABLES: Final[dict[str, TableClass]] = {
    "aisle_order": "projection",
    "aisle_line": "projection",
    "aisle_rights": "projection",
}
