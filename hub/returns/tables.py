"""Returns as rows; it must never refuse a fact, and never read another room's rows."""

from sqlite3 import Connection
from typing import Final

from hub.chain import Entry
from hub.database import TableClass
from hub.projections import Projection
from hub.returns.facts import (
    RefundSettled,
    ReturnCanceled,
    ReturnClosed,
    ReturnConfirmed,
    ReturnConflicted,
    ReturnedElsewhere,
    ReturnLineDisposed,
    ReturnOpened,
    brought_as,
)

SCHEMA: Final = """
CREATE TABLE goods_return (
  return_id TEXT PRIMARY KEY, state TEXT NOT NULL, refund TEXT NOT NULL, refund_minor INTEGER,
  currency TEXT, reason TEXT NOT NULL, order_id TEXT, sale_id TEXT, opened_at TEXT NOT NULL,
  ended_at TEXT, actor TEXT NOT NULL, origin TEXT, origin_name TEXT, word TEXT NOT NULL,
  conflict TEXT, came_back_at TEXT
) WITHOUT ROWID;
CREATE INDEX goods_return_order ON goods_return (order_id);
CREATE INDEX goods_return_sale ON goods_return (sale_id);
CREATE INDEX goods_return_opened ON goods_return (opened_at);
CREATE TABLE goods_return_line (
  return_id TEXT NOT NULL, line_id TEXT NOT NULL, sku TEXT NOT NULL, qty INTEGER NOT NULL,
  source_line TEXT, unit_price_minor INTEGER, disposition TEXT,
  PRIMARY KEY (return_id, line_id)
) WITHOUT ROWID;
CREATE TABLE returned_elsewhere (
  order_id TEXT NOT NULL, return_id TEXT NOT NULL, line_id TEXT NOT NULL, qty INTEGER NOT NULL,
  store TEXT NOT NULL, PRIMARY KEY (order_id, return_id, line_id)
) WITHOUT ROWID;
"""


def _opened(conn: Connection, entry: Entry, fact: ReturnOpened) -> None:
    word = "WAITS" if fact.provisional else "CLAIMED" if fact.origin else ""
    conn.execute(
        "INSERT OR IGNORE INTO goods_return (return_id, state, refund, currency, reason, order_id,"
        " sale_id, opened_at, actor, origin, origin_name, word)"
        " VALUES (?, 'OPEN', 'NONE', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (fact.return_id, fact.currency, fact.reason, fact.order_id, fact.sale_id,
         entry.recorded_at, entry.actor, fact.origin, fact.origin_name, word),
    )  # fmt: skip
    for line in fact.lines:
        conn.execute(
            "INSERT OR IGNORE INTO goods_return_line (return_id, line_id, sku, qty, source_line,"
            " unit_price_minor) VALUES (?, ?, ?, ?, ?, ?)",
            (fact.return_id, line.line_id, line.sku, line.qty, line.source_line,
             line.unit_price_minor),
        )  # fmt: skip


def _disposed(conn: Connection, entry: Entry, fact: ReturnLineDisposed) -> None:
    conn.execute(
        "UPDATE goods_return_line SET disposition = ? WHERE return_id = ? AND line_id = ?",
        (fact.disposition, fact.return_id, fact.line_id),
    )


def _closed(conn: Connection, entry: Entry, fact: ReturnClosed) -> None:
    conn.execute(
        "UPDATE goods_return SET state = 'CLOSED', refund_minor = ?1, ended_at = ?2, refund = CASE"
        " WHEN ?1 = 0 THEN 'NONE' WHEN word = 'WAITS' THEN 'WAITS_FOR_CENTRAL'"
        " WHEN word = 'CONFLICT' THEN 'HELD' ELSE 'REQUESTED' END WHERE return_id = ?3",
        (fact.refund_minor, entry.recorded_at, fact.return_id),
    )


def _canceled(conn: Connection, entry: Entry, fact: ReturnCanceled) -> None:
    conn.execute(
        "UPDATE goods_return SET state = 'CANCELED', ended_at = ? WHERE return_id = ?",
        (entry.recorded_at, fact.return_id),
    )


def _settled(conn: Connection, entry: Entry, fact: RefundSettled) -> None:
    conn.execute(
        "UPDATE goods_return SET refund = ? WHERE return_id = ?", (fact.state, fact.return_id)
    )


def _confirmed(conn: Connection, entry: Entry, fact: ReturnConfirmed) -> None:
    for line in fact.lines:
        # A further part of a line goes where the line goes.
        conn.execute(
            "INSERT INTO goods_return_line (return_id, line_id, sku, qty, source_line,"
            " unit_price_minor, disposition) VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT disposition"
            " FROM goods_return_line WHERE return_id = ?1 AND line_id = ?7))"
            " ON CONFLICT (return_id, line_id) DO UPDATE SET qty = excluded.qty,"
            " source_line = excluded.source_line, unit_price_minor = excluded.unit_price_minor",
            (fact.return_id, line.line_id, line.sku, line.qty, line.source_line,
             line.unit_price_minor, brought_as(line.line_id)),
        )  # fmt: skip
    conn.execute(
        "UPDATE goods_return SET word = 'CONFIRMED', conflict = NULL, came_back_at = NULL,"
        " origin = ?1, origin_name = ?2, currency = ?3, refund_minor = CASE WHEN state = 'CLOSED'"
        " THEN ?4 END, refund = CASE WHEN refund <> 'WAITS_FOR_CENTRAL' THEN refund"
        " WHEN ?4 = 0 THEN 'NONE' ELSE 'REQUESTED' END WHERE return_id = ?5",
        (fact.origin, fact.origin_name, fact.currency, fact.refund_minor, fact.return_id),
    )


def _conflicted(conn: Connection, entry: Entry, fact: ReturnConflicted) -> None:
    conn.execute(
        "UPDATE goods_return SET word = 'CONFLICT', conflict = ?, came_back_at = ?, refund = CASE"
        " WHEN refund IN ('WAITS_FOR_CENTRAL', 'REQUESTED') THEN 'HELD' ELSE refund END"
        " WHERE return_id = ?",
        (fact.reason, " · ".join(fact.stores) or None, fact.return_id),
    )


def _elsewhere(conn: Connection, entry: Entry, fact: ReturnedElsewhere) -> None:
    conn.execute(
        "DELETE FROM returned_elsewhere WHERE order_id = ? AND return_id = ?",
        (fact.order_id, fact.return_id),
    )
    conn.executemany(
        "INSERT OR REPLACE INTO returned_elsewhere (order_id, return_id, line_id, qty, store)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (fact.order_id, fact.return_id, line.line_id, line.qty, fact.store)
            for line in fact.lines
        ],
    )


PROJECTION: Final = Projection(
    room="returns",
    schema=SCHEMA,
    apply={
        ReturnOpened: _opened,
        ReturnLineDisposed: _disposed,
        ReturnClosed: _closed,
        ReturnCanceled: _canceled,
        RefundSettled: _settled,
        ReturnConfirmed: _confirmed,
        ReturnConflicted: _conflicted,
        ReturnedElsewhere: _elsewhere,
    },
)
TABLES: Final[dict[str, TableClass]] = {
    "goods_return": "projection",
    "goods_return_line": "projection",
    "returned_elsewhere": "projection",
}
