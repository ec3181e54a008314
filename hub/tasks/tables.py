"""The board of work: one row a task, written by its facts alone.

It must never refuse a fact: a task that was never opened gets a row all the same.
"""

from sqlite3 import Connection
from typing import Final

from hub.chain import Entry
from hub.database import TableClass
from hub.projections import Projection
from hub.tasks.facts import TaskClaimed, TaskDone, TaskDropped, TaskOpened, TaskReleased

SCHEMA: Final = """
CREATE TABLE task (
  task_id TEXT PRIMARY KEY,
  kind TEXT NOT NULL DEFAULT '',
  subject TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL,
  claimed_by TEXT,
  sku TEXT,
  order_id TEXT,
  due_at TEXT,
  opened_at TEXT NOT NULL,
  closed_at TEXT
) WITHOUT ROWID;
CREATE INDEX task_unfinished ON task (kind, subject) WHERE state IN ('OPEN', 'CLAIMED');
CREATE INDEX task_board ON task (state, opened_at);
"""

_OPEN: Final = """
INSERT INTO task (task_id, kind, subject, reason, state, sku, order_id, due_at, opened_at)
VALUES (?, ?, ?, ?, 'OPEN', ?, ?, ?, ?)
ON CONFLICT (task_id) DO UPDATE SET kind = excluded.kind, subject = excluded.subject,
  reason = excluded.reason, sku = excluded.sku, order_id = excluded.order_id,
  due_at = excluded.due_at
"""

_CHANGE: Final = """
INSERT INTO task (task_id, state, claimed_by, opened_at, closed_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (task_id) DO UPDATE SET state = excluded.state,
  claimed_by = coalesce(excluded.claimed_by, CASE excluded.state WHEN 'OPEN' THEN NULL
    ELSE claimed_by END), closed_at = excluded.closed_at
"""


def _opened(conn: Connection, entry: Entry, fact: TaskOpened) -> None:
    row = (fact.task_id, fact.kind, fact.subject, fact.reason)
    conn.execute(_OPEN, (*row, fact.sku, fact.order_id, fact.due_at, entry.recorded_at))


def _claimed(conn: Connection, entry: Entry, fact: TaskClaimed) -> None:
    conn.execute(_CHANGE, (fact.task_id, "CLAIMED", fact.by, entry.recorded_at, None))


def _released(conn: Connection, entry: Entry, fact: TaskReleased) -> None:
    conn.execute(_CHANGE, (fact.task_id, "OPEN", None, entry.recorded_at, None))


def _done(conn: Connection, entry: Entry, fact: TaskDone) -> None:
    at = entry.recorded_at
    conn.execute(_CHANGE, (fact.task_id, "DONE", fact.by, at, at))


def _dropped(conn: Connection, entry: Entry, fact: TaskDropped) -> None:
    at = entry.recorded_at
    conn.execute(_CHANGE, (fact.task_id, "DROPPED", None, at, at))


PROJECTION: Final = Projection(
    room="tasks",
    schema=SCHEMA,
    apply={
        TaskOpened: _opened,
        TaskClaimed: _claimed,
        TaskReleased: _released,
        TaskDone: _done,
        TaskDropped: _dropped,
    },
)

TABLES: Final[dict[str, TableClass]] = {"task": "projection"}
