"""Central's end: what becomes of a push, which page answers an offer, when it has gone back.

It must never take an entry that the chain does not lead to, never refuse a fact for what it says,
and never keep its generation after it lost something that it had acknowledged.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from hub import chain as hashes
from hub.chain import Pair

from .about import About
from .fence import Badge, Fence, Passed, judge
from .messages import Chain, holds
from .repair import JournalPage, newest_common
from .whole import reach, whole

PAGE_ENTRIES: Final = 2000
PAGE_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Push:
    """One push as it arrived: `after` is what it claims to follow, `reaches` where it ends.

    `shown`: the generation of central's that named `after` as its head.
    """

    after: Pair
    contents: tuple[bytes, ...] = ()
    reaches: Pair | None = None
    badge: Badge = field(default_factory=Badge)
    shown: str = ""
    about: About | None = None


Status = Literal["taken", "behind", "damaged", "hello", "held"]


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """Central's word on a push, given after the commit: its head for this store, whatever came."""

    status: Status
    head: Pair
    generation: str
    passed: Passed = field(default_factory=lambda: Passed("ok", None, 0))
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """What central does with a push: store `pairs` and the push's contents, keep the fence."""

    answer: PushAnswer
    fence: Fence
    pairs: tuple[Pair, ...] = ()


def has_gone_back(generation: str, push: Push, chain: Chain) -> bool:
    """Does the hub show an answer of this very generation that central no longer has?

    Then central was put back to an older copy without noticing: it draws a new generation.
    """
    return push.shown == generation and not holds(chain, push.after)


def receive(generation: str, fence: Fence, push: Push, chain: Chain) -> Received:
    """Judge a push. A hub of an older release shows no badge, and is not fenced."""
    fenced, passed = fence, Passed("ok", None, 0)
    if push.badge != Badge():
        fenced, passed = judge(fence, push.badge, generation)

    def told(status: Status, head: Pair, reason: str = "") -> PushAnswer:
        return PushAnswer(status, head, generation, passed, reason)

    head = chain.head()
    if passed.standing == "hello":
        return Received(told("hello", head), fenced)
    if passed.standing == "held":
        return Received(told("held", head), fenced)
    judged = verdict(head, push)
    if isinstance(judged, Damaged):
        return Received(told("damaged", head, judged.reason), fenced)
    if isinstance(judged, Behind):
        return Received(told("behind", head), fenced)
    return Received(told("taken", judged.head), fenced, judged.pairs)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The push follows the head; `pairs` names each of its entries."""

    pairs: tuple[Pair, ...]
    head: Pair


@dataclass(frozen=True, slots=True)
class Behind:
    """The push follows something else. The hub is told the head and offers again (409)."""

    head: Pair


@dataclass(frozen=True, slots=True)
class Damaged:
    """The bytes are not those that the hub hashed, or an append is cut (422)."""

    reason: str


def verdict(head: Pair, push: Push) -> Accepted | Behind | Damaged:
    """Judge a push by central's head for that store: the *pair* is compared, never seq alone."""
    if push.after != head:
        return Behind(head)
    if not push.contents:
        return Accepted((), head)
    if whole(push.contents) != len(push.contents):
        return Damaged(f"the entries after seq {head.seq} end within an append")
    pairs = tuple(hashes.follow(head, push.contents))
    if push.reaches is not None and push.reaches != pairs[-1]:
        return Damaged(f"the entries after seq {head.seq} do not reach the hash that was announced")
    return Accepted(pairs, pairs[-1])


def page(
    pairs: tuple[Pair, ...],
    chain: Chain,
    entries: int = PAGE_ENTRIES,
    most_bytes: int = PAGE_BYTES,
) -> JournalPage | None:
    """Answer an offer: what follows the newest of `pairs` that central has; None if it has none."""
    after = newest_common(pairs, chain)
    if after is None:
        return None
    contents: tuple[bytes, ...] = ()
    limit = entries
    while not contents:
        found = tuple(chain.contents(after.seq, limit))
        weight, light = 0, 0
        while light < len(found) and (not light or weight + len(found[light]) <= most_bytes):
            weight += len(found[light])
            light += 1
        contents = found[: whole(found[:light])] or found[: whole(found)]
        if len(found) < limit:
            contents = contents or found
            break
        limit *= 2
    return JournalPage(after, contents, reach(after, contents), chain.head())
