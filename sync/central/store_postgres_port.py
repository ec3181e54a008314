"""PostgreSQL behind the port of `store_port`: one connection in one transaction, through psycopg.

It must never begin or end a transaction (`store_postgres` does), and never lose a fact for a
character that PostgreSQL's texts cannot hold.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import psycopg
from psycopg.adapt import Loader
from psycopg.types.string import StrDumper

from . import store_postgres_words as words
from .store_port import Rows, Tx

# U+0000 is the one character that a text of PostgreSQL cannot hold; its picture stands for it.
_NUL: Final = ("\x00", "\u2400")
WORTH_COPYING: Final = 200
Types = dict[tuple[str, str], str]
"""(table, column) → type."""


class Row(tuple[Any, ...]):
    """A row that is read by name or number, as `sqlite3.Row` is."""

    __slots__ = ()
    places: dict[str, int] = {}  # noqa: RUF012  each kind of row has its own

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.places[key] if isinstance(key, str) else key)

    def keys(self) -> Iterable[str]:
        return self.places.keys()


@lru_cache(maxsize=512)
def _kind(names: tuple[str, ...]) -> type[Row]:
    places = {name: n for n, name in enumerate(names)}
    return type("Row", (Row,), {"__slots__": (), "places": places})


def rows(cursor: "psycopg.Cursor[Any]") -> Callable[[Sequence[Any]], Row]:
    """Make rows of this cursor's columns (psycopg's `row_factory`)."""
    described = cursor.description or ()
    return _kind(tuple(column.name for column in described))


class _Text(StrDumper):
    oid = 0

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace(*_NUL) if _NUL[0] in obj else obj)


class _Whole(Loader):
    """`sum` of whole numbers is NUMERIC there; here are no other numbers than whole ones."""

    def load(self, data: Any) -> int:
        return int(bytes(data))


def prepare(raw: "psycopg.Connection[Any]") -> None:
    """Teach a connection how central writes and reads values."""
    raw.adapters.register_dumper(str, _Text)
    raw.adapters.register_loader("numeric", _Whole)


class PostgresConnection:
    """The statements of one transaction."""

    def __init__(self, raw: "psycopg.Connection[Any]", types: Types) -> None:
        self.raw = raw
        self._types = types

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        return self.raw.execute(words.statement(sql), parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> None:
        """Run a statement for each row; an INSERT takes all of them at once."""
        taken = list(parameters)
        if not taken:
            return
        insert = words.insert(sql)
        if insert is None:
            with self.raw.cursor() as cursor:
                cursor.executemany(words.statement(sql), taken)
            return
        types = tuple(self._types[insert.table, column] for column in insert.columns)
        arrays = [
            [value.replace(*_NUL) if isinstance(value, str) else value for value in column]
            for column in zip(*taken, strict=True)
        ]
        self.raw.execute(words.many(insert, types), arrays)

    def copy(self, table: str, columns: Sequence[str], taken: Iterable[Sequence[Any]]) -> None:
        """Bring rows in by COPY, the fastest way there is."""
        sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
        with self.raw.cursor() as cursor, cursor.copy(sql) as copy:
            copy.set_types([self._types[table, column] for column in columns])
            for row in taken:
                copy.write_row(row)


class PostgresTx(Tx):
    """A work's transaction on PostgreSQL: others go on beside it."""

    conn: PostgresConnection

    def hold(self, name: str) -> None:
        key = blake2b(name.encode(), digest_size=8).digest()
        number = int.from_bytes(key, "big", signed=True)
        self.conn.execute("SELECT pg_advisory_xact_lock(?::bigint)", (number,))

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        # COPY is three messages that are answered; a few rows go in by one.
        if isinstance(rows, list) and len(rows) < WORTH_COPYING:
            super().insert(table, columns, rows)
        else:
            self.conn.copy(table, columns, rows)
