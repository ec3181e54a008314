"""What every conversation of the hub is told, and what it may look up; shared by both ends.

It must never hold a clock or a database: time arrives inside messages, `Chain` is only read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hub.chain import ORIGIN, Pair

from ..pace import Trouble


class Chain(Protocol):
    """One store's journal as either end may look things up in it."""

    def head(self) -> Pair:
        """Return the last pair."""
        ...

    def floor(self) -> Pair:
        """Return the pair before the first entry."""
        ...

    def pair_at(self, seq: int) -> Pair | None:
        """Return the pair stored at `seq`, None when the journal does not reach there."""
        ...

    def contents(self, after: int, limit: int) -> Sequence[bytes]:
        """Return up to `limit` entries that follow `after`."""
        ...


def holds(chain: Chain, pair: Pair, upto: int | None = None) -> bool:
    """Is this very pair on the chain? Beyond `upto` nothing is trusted."""
    if upto is not None and pair.seq > upto:
        return False
    return chain.pair_at(pair.seq) == pair


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed or the journal has grown; `head` is the journal's end."""

    now: float
    head: Pair = ORIGIN


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer. `draw` is chance in [0, 1)."""

    now: float
    trouble: Trouble
    draw: float
    retry_after_s: float | None = None
    too_large: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`, unless something happens."""

    until: float
