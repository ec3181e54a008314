"""What customers said, one row an order; it must never read another room's rows."""

from sqlite3 import Connection
from typing import Final

from hub.chain import Entry
from hub.database import TableClass
from hub.experience.facts import FeedbackGiven
from hub.projections import Projection

SCHEMA: Final = """
CREATE TABLE feedback (
  order_id TEXT PRIMARY KEY, score INTEGER NOT NULL, felt TEXT NOT NULL, at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX feedback_at ON feedback (at);
"""


def _given(conn: Connection, entry: Entry, fact: FeedbackGiven) -> None:
    conn.execute(
        "INSERT OR IGNORE INTO feedback (order_id, score, felt, at) VALUES (?, ?, ?, ?)",
        (fact.order_id, fact.score, " ".join(fact.felt), entry.recorded_at),
    )


PROJECTION: Final = Projection(room="experience", schema=SCHEMA, apply={FeedbackGiven: _given})
TABLES: Final[dict[str, TableClass]] = {"feedback": "projection"}
