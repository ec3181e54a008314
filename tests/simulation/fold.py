"""What the simulation makes of facts: stock as a sum, handovers counted, conflicts named; total."""

from dataclasses import dataclass, field
from functools import lru_cache

import msgspec

from hub import chain
from hub.chain import Entry, Pair

from .world import Violation


@lru_cache(maxsize=20_000)
def read(content: bytes) -> Entry | None:
    """Return the entry; None where the bytes are damaged."""
    try:
        return chain.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


@dataclass
class Fold:
    """Projections of a store."""

    stock: dict[str, int] = field(default_factory=dict)
    handed: dict[str, int] = field(default_factory=dict)
    placed: dict[str, str] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    poison: int = 0

    def take(self, content: bytes) -> None:
        """Fold one entry. It never refuses."""
        entry = read(content)
        if entry is None or entry.type not in KINDS:
            self.poison += 1
            return
        body = entry.body
        sku, qty, order = body.get("sku"), body.get("qty"), body.get("order")
        if entry.type == "Moved" and isinstance(qty, int) and sku is not None:
            self.stock[sku] = self.stock.get(sku, 0) + qty
        elif entry.type == "Placed" and order is not None:
            self.placed[order] = "open"
        elif entry.type == "Canceled" and order is not None:
            self.placed[order] = "canceled"
        elif entry.type == "Handed" and order is not None:
            count = self.handed.get(order, 0) + 1
            self.handed[order] = count
            if count > 1:
                self.conflicts.append(entry.id)

    def copy(self) -> "Fold":
        return Fold(
            dict(self.stock), dict(self.handed), dict(self.placed), list(self.conflicts),
            self.poison,
        )  # fmt: skip


MOST_ROWS = 3000
KINDS = frozenset({"Moved", "Placed", "Canceled", "Handed", "Refused", "Task"})


def folded(rows: list[bytes]) -> Fold:
    """Fold a whole journal."""
    fold = Fold()
    for content in rows:
        fold.take(content)
    return fold


class Ledger:
    """A journal in memory, as `sync.protocol.Chain` looks things up in it."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.pairs: list[Pair] = [chain.ORIGIN]
        self.start = 0
        self.fold = Fold()

    def head(self) -> Pair:
        return self.pairs[-1]

    def floor(self) -> Pair:
        return self.pairs[self.start]

    def pair_at(self, seq: int) -> Pair | None:
        return self.pairs[seq] if self.start <= seq < len(self.pairs) else None

    def contents(self, after: int, limit: int) -> list[bytes]:
        return self.rows[after : after + limit] if after >= self.start else []

    def extend(self, contents: "list[bytes] | tuple[bytes, ...]") -> None:
        """Append entries, linked and folded."""
        if len(self.rows) + len(contents) > MOST_ROWS:
            raise Violation("a journal grows and grows")
        for pair, content in zip(chain.follow(self.head(), contents), contents, strict=True):
            self.pairs.append(pair)
            self.rows.append(content)
            self.fold.take(content)

    def cut(self, seq: int) -> list[tuple[Pair, bytes]]:
        """Take everything after `seq` away and return it; nothing is folded anew."""
        gone = list(zip(self.pairs[seq + 1 :], self.rows[seq:], strict=True))
        del self.pairs[seq + 1 :], self.rows[seq:]
        return gone

    def damage(self) -> int:
        """Return the seq of the first entry whose bytes are not those that were hashed; 0: none."""
        at = chain.GENESIS
        for seq, content in enumerate(self.rows, 1):
            at = chain.link(at, seq, content)
            if at.hex() != self.pairs[seq].hash:
                return seq
        return 0

    def copied(self, other: "Ledger") -> None:
        other.rows, other.pairs = list(self.rows), list(self.pairs)
        other.start, other.fold = self.start, self.fold.copy()
