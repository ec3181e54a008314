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
    ReturnLineDisposed,
    ReturnOpened,
)

SCHEMA: Final = """
CREATE TABLE goods_return (
  return_id TEXT PRIMARY KEY, state TEXT NOT NULL, refund TEXT NOT NULL, refund_minor INTEGER,
  currency TEXT, reason TEXT NOT NULL, order_id TEXT, sale_id TEXT, opened_at TEXT NOT NULL,
  ended_at TEXT, actor TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX goods_return_order ON goods_return (order_id);
CREATE INDEX goods_return_sale ON goods_return (sale_id);
CREATE INDEX goods_return_opened ON goods_return (opened_at);
CREATE TABLE goods_return_line (
  return_id TEXT NOT NULL, line_id TEXT NOT NULL, sku TEXT NOT NULL, qty INTEGER NOT NULL,
  source_line TEXT, unit_price_minor INTEGER, disposition TEXT,
  PRIMARY KEY (return_id, line_id)
) WITHOUT ROWID;
"""


def _opened(conn: Connection, entry: Entry, fact: ReturnOpened) -> None:
    conn.execute(
        "INSERT OR IGNORE INTO goods_return (return_id, state, refund, currency, reason, order_id,"
        " sale_id, opened_at, actor) VALUES (?, 'OPEN', 'NONE', ?, ?, ?, ?, ?, ?)",
        (fact.return_id, fact.currency, fact.reason, fact.order_id, fact.sale_id,
         entry.recorded_at, entry.actor),
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
    refund = "REQUESTED" if fact.refund_minor != 0 else "NONE"
    conn.execute(
        "UPDATE goods_return SET state = 'CLOSED', refund = ?, refund_minor = ?, ended_at = ?"
        " WHERE return_id = ?",
        (refund, fact.refund_minor, entry.recorded_at, fact.return_id),
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


PROJECTION: Final = Projection(
    room="returns",
    schema=SCHEMA,
    apply={
        ReturnOpened: _opened,
        ReturnLineDisposed: _disposed,
        ReturnClosed: _closed,
        ReturnCanceled: _canceled,
        RefundSettled: _settled,
    },
)
TABLES: Final[dict[str, TableClass]] = {
    "goods_return": "projection",
    "goods_return_line": "projection",
}
