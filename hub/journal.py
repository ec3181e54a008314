"""The append-only, hash-chained journal: the store's truth, read here and appended here.

It must never change or remove an entry, and never append outside the writer's transaction.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, Protocol

import msgspec
import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub import chain
from hub.chain import BrokenChain, Entry, Pair
from hub.clock import Clock, Quality, stamp
from hub.database import TableClass
from hub.errors import Refusal
from hub.projections import Projections

Types = Mapping[tuple[str, int], type]

MIGRATIONS: Final = Migrations("journal")
TABLES: Final[dict[str, TableClass]] = {
    "journal": "journal",
    "journal_floor": "journal",
    "journal_fork": "record",
    "journal_doubt": "record",
}

_CREATE: Final = """
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY,
    id TEXT GENERATED ALWAYS AS (
        CASE WHEN json_valid(CAST(entry AS TEXT))
             THEN json_extract(CAST(entry AS TEXT), '$.id') END) VIRTUAL,
    cause TEXT GENERATED ALWAYS AS (
        CASE WHEN json_valid(CAST(entry AS TEXT))
             THEN json_extract(CAST(entry AS TEXT), '$.cause') END) VIRTUAL,
    entry BLOB NOT NULL,
    hash BLOB NOT NULL
)
"""


@MIGRATIONS()
def m001_journal(db: sqlite_utils.Database) -> None:
    """The journal and its floor: where verify, rebuild and sync begin."""
    db.execute(_CREATE)
    db.execute("CREATE UNIQUE INDEX journal_id ON journal (id)")
    db.execute("CREATE TABLE journal_floor (seq INTEGER NOT NULL, hash BLOB NOT NULL)")
    db.execute("INSERT INTO journal_floor VALUES (0, zeroblob(32))")


@MIGRATIONS()
def m002_fork(db: sqlite_utils.Database) -> None:
    """Rows that a rebase replaced: nothing that was ever appended is destroyed."""
    db.execute(
        "CREATE TABLE journal_fork (n INTEGER PRIMARY KEY, at TEXT NOT NULL, seq INTEGER NOT NULL,"
        " entry BLOB NOT NULL, hash BLOB NOT NULL)"
    )


@MIGRATIONS()
def m003_doubt(db: sqlite_utils.Database) -> None:
    """One row while this file is a restored backup whose newest facts may be missing."""
    db.execute("CREATE TABLE journal_doubt (since TEXT NOT NULL)")


class Fact(Protocol):
    """What happened: a frozen msgspec.Struct whose class name is its type."""

    def topics(self) -> tuple[str, ...]:
        """Name what changed, as screens subscribe to it: `pickup:R-1`, `stock:4711`."""
        ...


class CauseUsed(Exception):
    """A cause has at most one append; this one has had it. A bug of the caller."""


class Journal:
    """Appends facts and folds them at once. Lives on the writer thread alone."""

    def __init__(self, types: Types, projections: Projections) -> None:
        for kind in types.values():
            if chain.holds_float(kind):
                raise TypeError(f"{kind.__name__} holds a float; facts hold integers and text.")
        self._types = types
        self._names = {kind: name for name, kind in types.items()}
        self.projections = projections
        self._seq = 0
        self._hash = chain.GENESIS

    @property
    def head(self) -> Pair:
        return Pair(self._seq, self._hash.hex())

    def load(self, connection: sqlite3.Connection) -> None:
        """Read where the journal ends: at start, and after a rollback."""
        at = head(connection)
        self._seq, self._hash = at.seq, bytes.fromhex(at.hash)

    def mark(self) -> tuple[int, bytes]:
        return self._seq, self._hash

    def reset(self, mark: tuple[int, bytes]) -> None:
        self._seq, self._hash = mark

    def append(
        self,
        connection: sqlite3.Connection,
        facts: Sequence[Fact],
        *,
        cause: str,
        actor: str,
        occurred_at: str,
        recorded_at: str,
    ) -> list[Entry]:
        """Append `facts` as one append of `cause` and project them; return their entries."""
        if knows(connection, cause):
            raise CauseUsed(cause)
        entries, rows = [], []
        seq, digest, size = self._seq, self._hash, len(facts)
        for i, fact in enumerate(facts):
            name, version = self._names[type(fact)]
            # The fact itself is the body: msgspec writes it as the object that it is.
            entry = Entry(
                chain.entry_id(cause, i, size),
                name,
                version,
                occurred_at,
                recorded_at,
                actor,
                cause,
                fact,  # type: ignore[arg-type]
            )
            content = chain.encode(entry)
            seq += 1
            digest = chain.link(digest, seq, content)
            entries.append(entry)
            rows.append((seq, content, digest))
        connection.executemany("INSERT INTO journal (seq, entry, hash) VALUES (?, ?, ?)", rows)
        for entry, fact in zip(entries, facts, strict=True):
            self.projections.apply(connection, entry, fact)
        self._seq, self._hash = seq, digest
        return entries

    def rebase(
        self, connection: sqlite3.Connection, ancestor: Pair, contents: Sequence[bytes], at: str
    ) -> None:
        """Let `contents` follow `ancestor` instead of what does, and fold everything again.

        The one exception to append-only; what was there is kept in `journal_fork`.
        """
        connection.execute(
            "INSERT INTO journal_fork (at, seq, entry, hash)"
            " SELECT ?, seq, entry, hash FROM journal WHERE seq > ?",
            (at, ancestor.seq),
        )
        connection.execute("DELETE FROM journal WHERE seq > ?", (ancestor.seq,))
        pairs = chain.follow(ancestor, contents)
        connection.executemany(
            "INSERT INTO journal (seq, entry, hash) VALUES (?, ?, ?)",
            (
                (pair.seq, content, bytes.fromhex(pair.hash))
                for pair, content in zip(pairs, contents, strict=True)
            ),
        )
        self.load(connection)
        everything = self.facts(connection)
        self.projections.refold(connection, self.projections.tables, everything)

    def fact(self, entry: Entry) -> object | None:
        """Return the typed body; None for a type that a later release wrote."""
        kind = self._types.get((entry.type, entry.version))
        return None if kind is None else msgspec.convert(entry.body, kind)

    def facts(
        self, connection: sqlite3.Connection, schema: str = "main"
    ) -> Iterator[tuple[Entry, object]]:
        """Yield each entry that this release can read, in order, with its typed body.

        Bytes that were damaged say nothing; `verify` names them, and a scrub has them mended.
        """
        for (content,) in connection.execute(f"SELECT entry FROM {schema}.journal ORDER BY seq"):
            try:
                entry = chain.decode(content)
                fact = self.fact(entry)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            if fact is not None:
                yield entry, fact


class Transaction:
    """What an action gets. It lives inside one savepoint of the writer and dies with it."""

    __slots__ = (
        "_clock",
        "_journal",
        "conn",
        "has_room",
        "now",
        "rebased",
        "topics",
        "wants_clean_wal",
    )

    def __init__(
        self, connection: sqlite3.Connection, journal: Journal, clock: Clock, has_room: bool
    ) -> None:
        self.conn = connection
        self.now = clock.now()
        self._clock = clock
        self.has_room = has_room
        self.topics: list[str] = []
        self.wants_clean_wal = False
        self.rebased = False
        self._journal = journal

    @property
    def quality(self) -> Quality:
        """How far `now` can be trusted; nothing expires while it is `unknown`."""
        return self._clock.quality()

    def append(
        self,
        facts: Sequence[Fact],
        *,
        cause: str,
        actor: str,
        occurred_at: datetime | None = None,
    ) -> list[Entry]:
        """Append what happened, once for each cause. Raises CauseUsed."""
        recorded = stamp(self.now)
        occurred = recorded if occurred_at is None else stamp(occurred_at)
        for fact in facts:
            self.topics.extend(fact.topics())
        return self._journal.append(
            self.conn,
            facts,
            cause=cause,
            actor=actor,
            occurred_at=occurred,
            recorded_at=recorded,
        )

    def rebase(self, ancestor: Pair, contents: Sequence[bytes]) -> None:
        """Let `contents` follow `ancestor` in the journal (`Journal.rebase`): a new epoch."""
        self._journal.rebase(self.conn, ancestor, contents, stamp(self.now))
        self.rebased = True

    def knows(self, cause: str) -> bool:
        return knows(self.conn, cause)

    def touch(self, *topics: str) -> None:
        """Tell screens that a record changed; a fact tells them by itself."""
        self.topics.extend(topics)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the block wrote, facts and topics too, when it raises."""
        topics, mark = len(self.topics), self._journal.mark()
        self.conn.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            # A full disk makes SQLite undo the whole transaction, and this savepoint with it.
            if self.conn.in_transaction:
                self.conn.execute("ROLLBACK TO part")
                self.conn.execute("RELEASE part")
            self._journal.reset(mark)
            del self.topics[topics:]
            raise
        self.conn.execute("RELEASE part")

    def require_room(self) -> None:
        """Raise Refusal when the disk is full: new promises wait, accepted ones are kept."""
        if not self.has_room:
            raise Refusal(
                "The disk of this store's hub is full: nothing new can be promised until IT "
                "frees space. Picking and handing over go on.",
                slug="disk-full",
            )

    def clean_wal(self) -> None:
        """After the commit empty the write-ahead log: what was erased must not stay in it."""
        self.wants_clean_wal = True


def head(connection: sqlite3.Connection) -> Pair:
    """Return the last pair, or the floor of an empty journal."""
    row = connection.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    if row is None:
        row = connection.execute("SELECT seq, hash FROM journal_floor").fetchone()
    return Pair(row[0], bytes(row[1]).hex())


def floor(connection: sqlite3.Connection) -> Pair:
    """Return the pair before the first entry that this journal holds."""
    seq, digest = connection.execute("SELECT seq, hash FROM journal_floor").fetchone()
    return Pair(seq, bytes(digest).hex())


def tail(connection: sqlite3.Connection, after: int) -> list[tuple[Pair, bytes]]:
    """Return (pair as stored, C) of each entry that follows `after`."""
    rows = connection.execute(
        "SELECT seq, hash, entry FROM journal WHERE seq > ? ORDER BY seq", (after,)
    )
    return [(Pair(seq, bytes(digest).hex()), bytes(content)) for seq, digest, content in rows]


def entries(connection: sqlite3.Connection, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Return up to `limit` (seq, C) that follow `after`."""
    rows = connection.execute(
        "SELECT seq, entry FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
    )
    return [(seq, bytes(content)) for seq, content in rows]


def pair_at(connection: sqlite3.Connection, seq: int) -> Pair | None:
    """Return the pair at `seq`, or None when the journal does not hold it."""
    row = connection.execute("SELECT hash FROM journal WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        at = floor(connection)
        return at if at.seq == seq else None
    return Pair(seq, bytes(row[0]).hex())


def knows(connection: sqlite3.Connection, cause: str) -> bool:
    """Has this cause been appended already?"""
    # Entry 0 of an append is named `{cause}.0.{n}`; "/" is the character after ".".
    row = connection.execute(
        "SELECT cause FROM journal WHERE id >= ? AND id < ? LIMIT 1",
        (f"{cause}.0.", f"{cause}.0/"),
    ).fetchone()
    return row is not None and row[0] == cause


def of_cause(connection: sqlite3.Connection, cause: str) -> list[Entry]:
    """Return the entries of the one append that `cause` has had; none when it is not known."""
    rows = connection.execute(
        "SELECT entry FROM journal WHERE id >= ? AND id < ? ORDER BY seq",
        (f"{cause}.", f"{cause}/"),
    )
    found = [chain.decode(content) for (content,) in rows]
    return [entry for entry in found if entry.cause == cause]


def seq_of(connection: sqlite3.Connection, entry_id: str) -> int | None:
    """Return where the entry of that id stands now."""
    row = connection.execute("SELECT seq FROM journal WHERE id = ?", (entry_id,)).fetchone()
    return None if row is None else int(row[0])


def doubt(connection: sqlite3.Connection, since: str | None) -> None:
    """Note that this file is a backup of `since`; None: central and it are one again."""
    connection.execute("DELETE FROM journal_doubt")
    if since is not None:
        connection.execute("INSERT INTO journal_doubt (since) VALUES (?)", (since,))


def in_doubt(connection: sqlite3.Connection) -> bool:
    """May facts be missing here that happened? A person then confirms each handover."""
    return connection.execute("SELECT 1 FROM journal_doubt LIMIT 1").fetchone() is not None


def verify(connection: sqlite3.Connection, schema: str = "main") -> Pair:
    """Walk the whole chain and return its head. Raises BrokenChain with the seq at fault."""
    seq, raw = connection.execute(f"SELECT seq, hash FROM {schema}.journal_floor").fetchone()
    digest = bytes(raw)
    for at, content, stored in connection.execute(
        f"SELECT seq, entry, hash FROM {schema}.journal ORDER BY seq"
    ):
        seq += 1
        if at != seq:
            raise BrokenChain(seq, f"the entry is missing, {at} comes next")
        digest = blake2b(digest + seq.to_bytes(8, "big") + content, digest_size=32).digest()
        if digest != stored:
            raise BrokenChain(seq, "the stored hash is not the hash of these bytes")
    return Pair(seq, digest.hex())


def export(connection: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """Yield the journal row by row with all its columns, the entry as the object that it is."""
    for row in connection.execute("SELECT seq, id, cause, entry, hash FROM journal ORDER BY seq"):
        yield {
            "seq": row["seq"],
            "id": row["id"],
            "cause": row["cause"],
            "entry": msgspec.json.decode(row["entry"]),
            "hash": bytes(row["hash"]).hex(),
        }
