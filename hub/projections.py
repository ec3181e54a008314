"""Turns facts into rows: each room declares its tables and how a fact changes them.

A projection must never read anything but its fact and its own room's projections, and never
refuse: what is folded again from the journal has to be equal, table by table.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any, Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.chain import Entry
from hub.database import TableClass

Apply = Callable[[sqlite3.Connection, Entry, Any], None]

MIGRATIONS: Final = Migrations("projections")
TABLES: Final[dict[str, TableClass]] = {"projection_digest": "record"}


@MIGRATIONS()
def m001_projection_digest(db: sqlite_utils.Database) -> None:
    """Which schema a room's projections were folded with, and the tables that it made."""
    db.table("projection_digest").create({"room": str, "digest": str, "tables": str}, pk="room")


@dataclass(frozen=True)
class Projection:
    """One room's tables. `schema` holds CREATE TABLE and CREATE INDEX statements only."""

    room: str
    schema: str
    apply: Mapping[type, Apply]

    def digest(self) -> str:
        return blake2b(self.schema.encode(), digest_size=16).hexdigest()


class Projections:
    """All rooms' projections; `apply` is called by the journal for each fact that it appends."""

    def __init__(self, rooms: Sequence[Projection]) -> None:
        self._rooms = {room.room: room for room in rooms}
        self._appliers: dict[type, list[Apply]] = {}
        for room in rooms:
            for kind, apply in room.apply.items():
                self._appliers.setdefault(kind, []).append(apply)
        self.tables = {room.room: _tables_of(room.schema) for room in rooms}

    def apply(self, connection: sqlite3.Connection, entry: Entry, fact: object) -> None:
        for apply in self._appliers.get(type(fact), ()):
            apply(connection, entry, fact)

    def stale(self, connection: sqlite3.Connection) -> list[str]:
        """Return the rooms whose tables are absent or were made by another schema."""
        digests = dict(connection.execute("SELECT room, digest FROM projection_digest").fetchall())
        return [name for name, room in self._rooms.items() if digests.get(name) != room.digest()]

    def refold(
        self,
        connection: sqlite3.Connection,
        rooms: Iterable[str],
        facts: Iterable[tuple[Entry, object]],
    ) -> None:
        """Make the tables of `rooms` anew from `facts`, in the caller's transaction."""
        chosen = [self._rooms[name] for name in rooms]
        for room in chosen:
            for table in self._made_by(connection, room.room):
                connection.execute(f'DROP TABLE IF EXISTS "{table}"')
            for statement in _statements(room.schema):
                connection.execute(statement)
            connection.execute(
                "INSERT OR REPLACE INTO projection_digest (room, digest, tables) VALUES (?, ?, ?)",
                (room.room, room.digest(), ",".join(self.tables[room.room])),
            )
        for entry, fact in facts:
            for room in chosen:
                apply = room.apply.get(type(fact))
                if apply is not None:
                    apply(connection, entry, fact)

    def _made_by(self, connection: sqlite3.Connection, room: str) -> set[str]:
        # The schema of another release may have had tables that this one no longer knows.
        row = connection.execute(
            "SELECT tables FROM projection_digest WHERE room = ?", (room,)
        ).fetchone()
        return {*self.tables[room], *(row[0].split(",") if row else ())}

    def differences(
        self, connection: sqlite3.Connection, facts: Iterable[tuple[Entry, object]], live: str
    ) -> list[str]:
        """Fold `facts` into `connection`'s empty main schema; name rows unlike those of `live`.

        At most three rows are named for each table and side. Tables that another release made
        cannot be compared; they are named instead.
        """
        stale = self.stale(connection)
        if stale:
            return [f"{room}: another release made these tables; start the hub" for room in stale]
        for room in self._rooms.values():
            for statement in _statements(room.schema):
                connection.execute(statement)
        for entry, fact in facts:
            self.apply(connection, entry, fact)
        found: list[str] = []
        for tables in self.tables.values():
            for table in tables:
                found += _unlike(connection, table, "main", live, "is missing")
                found += _unlike(connection, table, live, "main", "should not be there")
        return found


def _unlike(
    connection: sqlite3.Connection, table: str, one: str, other: str, why: str
) -> list[str]:
    rows = connection.execute(
        f'SELECT * FROM {one}."{table}" EXCEPT SELECT * FROM {other}."{table}" LIMIT 3'
    )
    return [f"{table}: row {tuple(row)} {why}" for row in rows]


def _statements(schema: str) -> list[str]:
    return [part.strip() for part in schema.split(";") if part.strip()]


@cache
def _tables_of(schema: str) -> tuple[str, ...]:
    with sqlite3.connect(":memory:") as scratch:
        scratch.executescript(schema)
        names = scratch.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
    scratch.close()
    return tuple(name for (name,) in names)
