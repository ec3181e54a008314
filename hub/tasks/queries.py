"""Reads the work that is to be done, for the board and for other rooms' decisions.

It must never write.
"""

from collections.abc import Sequence
from sqlite3 import Connection, Row
from typing import Any

from hub.errors import NotFound
from hub.tasks.rules import Kind, State, Task


def task(conn: Connection, task_id: str) -> Task:
    row = conn.execute("SELECT * FROM task WHERE task_id = ?", (task_id,)).fetchone()
    if row is None:
        raise NotFound(f"No task {task_id} in this store.")
    return _task(row)


def unfinished(conn: Connection, kind: Kind, subject: str) -> Task | None:
    """The open or claimed task of this kind about `subject`, the oldest when there are more."""
    row = conn.execute(
        "SELECT * FROM task WHERE kind = ? AND subject = ? AND state IN ('OPEN', 'CLAIMED')"
        " ORDER BY opened_at, task_id LIMIT 1",
        (kind.value, subject),
    ).fetchone()
    return None if row is None else _task(row)


def board(
    conn: Connection, *, kinds: Sequence[str] | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """Unfinished work, what is due first on top: `{"task_id","kind","subject","reason",…}`."""
    wanted = list(kinds) if kinds is not None else [kind.value for kind in Kind]
    marks = ",".join("?" * len(wanted))
    rows = conn.execute(
        "SELECT * FROM task WHERE state IN ('OPEN', 'CLAIMED')"
        f" AND kind IN ({marks}) ORDER BY due_at IS NULL, due_at, opened_at, task_id LIMIT ?",
        (*wanted, limit),
    )
    return [dict(row) for row in rows]


def _task(row: Row) -> Task:
    return Task(
        task_id=row["task_id"],
        kind=row["kind"],
        subject=row["subject"],
        reason=row["reason"],
        state=State(row["state"]),
        claimed_by=row["claimed_by"],
        sku=row["sku"],
        order_id=row["order_id"],
        due_at=row["due_at"],
    )
