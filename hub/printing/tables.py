"""The printers' queue: one row a job, a record and no fact. What a store chose stands beside it.

It must never lose a job that is not on paper, and never hold a name.
"""

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.database import TableClass
from hub.printing.rules import Job

MIGRATIONS: Final = Migrations("printing")
TABLES: Final[dict[str, TableClass]] = {"print_job": "record", "print_choice": "record"}


@MIGRATIONS()
def m001_print_job(db: sqlite_utils.Database) -> None:
    """`n` is the order in which a printer's jobs come out; `document` is what was asked for."""
    db.execute(
        "CREATE TABLE print_job (n INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT UNIQUE NOT NULL,"
        " kind TEXT NOT NULL, ref TEXT NOT NULL, printer TEXT NOT NULL, lang TEXT NOT NULL,"
        " document BLOB NOT NULL, state TEXT NOT NULL, detail TEXT, made_at TEXT NOT NULL,"
        " changed_at TEXT NOT NULL, until TEXT NOT NULL, by TEXT NOT NULL, again_of TEXT)"
    )
    db.execute("CREATE INDEX print_job_ref ON print_job (kind, ref, n)")
    db.execute("CREATE INDEX print_job_state ON print_job (state, n)")
    db.execute("CREATE TABLE print_choice (name TEXT PRIMARY KEY, value TEXT NOT NULL)")


def keep_choices(conn: Connection, values: Mapping[str, str]) -> None:
    for row in values.items():
        conn.execute("INSERT OR REPLACE INTO print_choice (name, value) VALUES (?, ?)", row)


def add(conn: Connection, job: Job, document: bytes) -> int:
    """Write a new job and return its number in the queue; `job.n` is drawn here."""
    cursor = conn.execute(
        "INSERT INTO print_job (job, kind, ref, printer, lang, document, state, detail, made_at,"
        " changed_at, until, by, again_of) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            job.job, job.kind, job.ref, job.printer, job.lang, document, job.state.value,
            job.detail, job.made_at, job.changed_at, job.until, job.by, job.again_of,
        ),
    )  # fmt: skip
    return cursor.lastrowid or 0


def change(conn: Connection, job: str, state: str, detail: str | None, at: str) -> None:
    conn.execute(
        "UPDATE print_job SET state = ?, detail = ?, changed_at = ? WHERE job = ?",
        (state, detail, at, job),
    )


def forget(conn: Connection, before: str) -> int:
    """Drop jobs that are over since before that stamp; return how many."""
    cursor = conn.execute(
        "DELETE FROM print_job WHERE changed_at < ?"
        " AND state IN ('printed', 'failed', 'canceled', 'expired')",
        (before,),
    )
    return cursor.rowcount
