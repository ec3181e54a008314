"""Finds where hub and central parted, and what the journal becomes when they meet again.

It must never compare by number alone, never drop a fact that central lacks, and never mix the
halves of two decisions with one cause: an append is taken whole, from one side.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hub import chain as hashes
from hub.chain import Pair

from .messages import Chain, holds
from .whole import append_of, appends, reach


@dataclass(frozen=True, slots=True)
class Repair:
    """How far the hub came: `matched` is known to be common, `ancestor` to `end` is staged.

    `head`: central's own, as the last page named it; all is staged when `end` is there.
    """

    matched: Pair | None = None
    ancestor: Pair | None = None
    end: Pair | None = None
    head: Pair | None = None
    offered: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """Ask central which of these pairs is the newest on its chain, and for what follows it."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class JournalPage:
    """What follows `after` on central's chain, whole appends only, up to the pair `reaches`."""

    after: Pair
    contents: tuple[bytes, ...]
    reaches: Pair
    head: Pair


@dataclass(frozen=True, slots=True)
class Stage:
    """Put these entries aside; they follow `after`. `first`: forget what was put aside before."""

    after: Pair
    contents: tuple[bytes, ...]
    first: bool


@dataclass(frozen=True, slots=True)
class Rebase:
    """In one transaction: the journal up to `ancestor`, what was staged up to `end`, and the own
    appends after `ancestor` that central lacks (`merge`)."""

    ancestor: Pair
    end: Pair


@dataclass(frozen=True, slots=True)
class Same:
    """Central's whole chain is in the journal: there is nothing to repair."""

    head: Pair


def offer(repair: Repair, chain: Chain, upto: int | None) -> Offer:
    """Return which pairs to show: head, −1, −3, −7 … start, and where the last page ended."""
    if repair.end is not None:
        return Offer((repair.end,))
    top = chain.head().seq if upto is None else min(upto, chain.head().seq)
    pairs = [pair for seq in _steps(top, chain.floor().seq) if (pair := chain.pair_at(seq))]
    if repair.matched is not None:
        pairs.append(repair.matched)
    return Offer(tuple(sorted(set(pairs), reverse=True)))


def _steps(top: int, floor: int) -> Iterator[int]:
    back = 0
    while top - back > floor:
        yield top - back
        back = 2 * back + 1
    yield floor


def take_page(
    repair: Repair, page: JournalPage, chain: Chain, upto: int | None
) -> tuple[Repair, Stage | Rebase | Same | None]:
    """Judge a page by the journal as it is now; another page, or one that does not chain, is none.

    A `Stage` that completes the picture is followed by `ready`.
    """
    if page.after not in repair.offered or not _chains(page):
        return Repair(), None
    pairs = tuple(hashes.follow(page.after, page.contents))
    if repair.end is not None and page.after == repair.end:
        if not page.contents and page.reaches != page.head:
            return Repair(), None
        onward = replace(repair, end=page.reaches, head=page.head)
        return onward, Stage(page.after, page.contents, first=False)
    if not holds(chain, page.after, upto):
        return Repair(), None
    known = 0
    while known < len(pairs) and holds(chain, pairs[known], upto):
        known += 1
    matched = pairs[known - 1] if known else page.after
    if known == len(pairs):
        if page.reaches != page.head:
            return Repair(matched=matched), None
        if upto is None:
            return Repair(), Same(page.head)
        return Repair(matched, matched, matched, page.head), Stage(matched, (), first=True)
    staged = Repair(matched, matched, page.reaches, page.head)
    return staged, Stage(matched, page.contents[known:], first=True)


def ready(repair: Repair) -> Rebase | None:
    """Return the rebase once all of central's entries after the ancestor are staged."""
    if repair.ancestor is None or repair.end is None or repair.end != repair.head:
        return None
    return Rebase(repair.ancestor, repair.end)


def _chains(page: JournalPage) -> bool:
    return reach(page.after, page.contents) == page.reaches


@dataclass(frozen=True, slots=True)
class Merged:
    """What follows the ancestor after a rebase. `dropped`: own entries that central's replace."""

    contents: tuple[bytes, ...]
    dropped: tuple[bytes, ...]


def merge(ancestor: Pair, theirs: Sequence[bytes], own: Sequence[tuple[Pair, bytes]]) -> Merged:
    """Join central's entries and the own ones after `ancestor`, the same ids and bytes.

    An own append stays unless central has an append of the same cause, acknowledged or not: the
    decision that central knows is the one that counts. `own` are (pair as stored, bytes); where
    central has this very pair its bytes are the good ones.
    """
    pairs = set(hashes.follow(ancestor, theirs))
    causes = {append_of(content)[0] for content in theirs}
    kept: list[bytes] = []
    dropped: list[bytes] = []
    unlike = [content for pair, content in own if pair not in pairs]
    dropped.extend(content for pair, content in own if pair in pairs)
    for cause, contents in appends(unlike):
        (dropped if cause and cause in causes else kept).extend(contents)
    return Merged((*theirs, *kept), tuple(dropped))


# ── central's end ───────────────────────────────────────────────────────────────────────────────


def newest_common(pairs: Sequence[Pair], chain: Chain) -> Pair | None:
    """Return the newest of the offered pairs that is on central's chain."""
    for pair in sorted(set(pairs), reverse=True):
        if holds(chain, pair):
            return pair
    return None
