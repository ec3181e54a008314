"""Looks things up in the hub's journal for the protocol, and carries a rebase out on the writer.

It must never leave a journal half of the one history and half of the other: one transaction.
"""

import sqlite3
from dataclasses import dataclass

from hub import journal
from hub.chain import Pair
from hub.ingest.tables import complete_seen
from hub.journal import Transaction

from . import tables
from .protocol import Rebase, merge


@dataclass(frozen=True)
class LiveChain:
    """The hub's journal, as `sync.protocol` looks things up in it."""

    conn: sqlite3.Connection

    def head(self) -> Pair:
        return journal.head(self.conn)

    def floor(self) -> Pair:
        return journal.floor(self.conn)

    def pair_at(self, seq: int) -> Pair | None:
        return journal.pair_at(self.conn, seq)

    def contents(self, after: int, limit: int) -> list[bytes]:
        return [content for _, content in journal.entries(self.conn, after, limit)]


@dataclass(frozen=True)
class Joined:
    """What a rebase did, in entries."""

    came: int
    stayed: int
    dropped: int


def perform(tx: Transaction, effect: Rebase) -> Joined | None:
    """Join the journal with what was staged; None, and nothing done, without the ancestor."""
    if journal.pair_at(tx.conn, effect.ancestor.seq) != effect.ancestor:
        return None
    theirs = tables.staged(tx.conn)
    if effect.ancestor.seq + len(theirs) != effect.end.seq:
        return None
    merged = merge(effect.ancestor, theirs, journal.tail(tx.conn, effect.ancestor.seq))
    tx.rebase(effect.ancestor, merged.contents)
    tables.stage(tx.conn, 0, (), first=True)
    complete_seen(tx.conn, effect.ancestor.seq, round(tx.now.timestamp() * 1000))
    return Joined(len(theirs), len(merged.contents) - len(theirs), len(merged.dropped))
