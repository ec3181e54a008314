"""The port through which central's SQL reaches an engine: each statement is written once, for all.

Statements use `?` or `?1`, `INSERT … ON CONFLICT`, integers, texts and bytes; rows are read by name
or by number. It must never know an engine: what only one of them can do is a method of `Tx`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class Row(Protocol):
    """A row: by column name, by number, and as a mapping for `dict`."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def keys(self) -> Any: ...


class Rows(Protocol):
    """What a statement found or changed."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A view of central in one transaction."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows: ...
    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Any: ...


class Told(NamedTuple):
    """A command to one store that has no position yet."""

    store_id: str
    row: str
    customer_ref: str | None


class Feeds(NamedTuple):
    """What a work says on the two streams: written last, right before its commit.

    `rows`: by key the catalogue row's text, and whether it is known to differ from what is there.
    """

    commands: list[Told]
    rows: dict[str, tuple[str, bool]]

    @classmethod
    def empty(cls) -> "Feeds":
        return cls([], {})

    def copy(self) -> "Feeds":
        return Feeds(list(self.commands), dict(self.rows))


@dataclass(slots=True)
class Tx:
    """What a work gets. `grown` names the streams that got rows: told to readers after COMMIT.

    A work may be run again from its beginning when it met another one: it changes nothing but
    the database.
    """

    conn: Connection
    now: datetime
    grown: set[str] = field(default_factory=set)
    wants_clean_wal: bool = False
    feeds: Feeds = field(default_factory=Feeds.empty)

    def hold(self, name: str) -> None:
        """Let no other work that holds `name` go on until this one is committed.

        Here nothing is to do: SQLite has one writer.
        """

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert many rows by the fastest way of the engine."""
        marks = ", ".join("?" * len(columns))
        self.conn.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", list(rows)
        )
