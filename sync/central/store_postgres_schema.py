"""Makes and migrates central's tables on PostgreSQL, by the same steps as on SQLite.

It must never run twice at once: workers that start together wait for the first one's lock.
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from hub.clock import SystemClock, stamp
from hub.database import FORMAT
from hub.errors import Refusal

from . import store_postgres_words as words
from .store_port import Connection
from .store_postgres_port import PostgresConnection, PostgresTx, Types
from .store_postgres_snapshots import TABLES
from .store_schema import MIGRATIONS

_OWN: Final = (
    "CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, at TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS release (id INTEGER PRIMARY KEY, min_reader INTEGER NOT NULL)",
    *TABLES,
)


class _Steps:
    """Carries the steps' statements out."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        said = words.ddl(sql) if sql.lstrip().startswith(("CREATE", "ALTER")) else sql
        return self._conn.execute(said, parameters)


def migrate(raw: "psycopg.Connection[Any]") -> None:
    """Make or migrate the tables. Raises Refusal when a later release must read them."""
    conn = PostgresConnection(raw, {})
    raw.execute("BEGIN")
    now = SystemClock().now()
    PostgresTx(conn, now).hold("migrations")
    steps = _Steps(conn)
    for sql in _OWN:
        steps.execute(sql)
    needed = conn.execute("SELECT min_reader FROM release WHERE id = 1").fetchone()
    if needed is None:
        conn.execute("INSERT INTO release (id, min_reader) VALUES (1, ?)", (FORMAT,))
    elif needed[0] > FORMAT:
        raise Refusal(
            f"This database needs a release that reads format {needed[0]}; this one reads up to"
            f" {FORMAT}. Install the newer release again.",
            slug="file-too-new",
        )
    known = {row["name"] for row in conn.execute("SELECT name FROM migration")}
    for name, step in MIGRATIONS.named():
        if name not in known:
            step(steps)
            conn.execute("INSERT INTO migration (name, at) VALUES (?, ?)", (name, stamp(now)))
    raw.execute("COMMIT")


def columns(raw: "psycopg.Connection[Any]") -> Types:
    """Return the type of each column of central's tables."""
    found = raw.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema()"
    )
    return {(row[0], row[1]): row[2] for row in found}
