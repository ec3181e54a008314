"""Both ends of push: the journal goes to central, whole appends, one batch in flight.

It must never push over a journal that differs, and never compare by number alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec

from hub import chain
from hub.chain import ORIGIN, Pair

from ..pace import Pace
from .messages import Failed, Tick, Wait

HEARTBEAT_S: Final = 60.0
BATCH_FIRST: Final = 500
BATCH_LEAST: Final = 50
BATCH_MOST: Final = 4000
SLOW_S: Final = 1.0


class _Named(msgspec.Struct):
    id: str


_named: Final = msgspec.json.Decoder(_Named)


@dataclass(frozen=True, slots=True)
class Answered:
    """Central named its head. `known`: this very pair is in the hub's journal."""

    now: float
    asked: Pair
    head: Pair
    known: bool
    generation: str


@dataclass(frozen=True, slots=True)
class Send:
    """Push what follows `after`: at most `limit` entries, whole appends only; 0 is a heartbeat."""

    after: Pair
    limit: int


Standing = Literal["offline", "online", "forked", "held"]


@dataclass(frozen=True, slots=True)
class Pusher:
    """The hub's end of push. `cursor`: the last head that central named and the journal holds."""

    pace: Pace
    cursor: Pair = ORIGIN
    generation: str = ""
    agreed: bool = False
    standing: Standing = "offline"
    reason: str = ""
    limit: int = BATCH_FIRST
    beat_at: float = 0.0
    flight: Send | None = None
    sent_at: float = 0.0


def push_step(
    state: Pusher, message: Tick | Answered | Failed
) -> tuple[Pusher, Send | Wait | None]:
    """Advance the hub's end of push. One batch is in flight at most; a stale answer is ignored."""
    if isinstance(message, Tick):
        return _push_tick(state, message)
    if state.flight is None:
        return state, None
    if isinstance(message, Failed):
        return _push_failed(state, message), None
    if message.asked != state.flight.after:
        return state, None
    return _push_answered(state, state.flight, message), None


def _push_tick(state: Pusher, tick: Tick) -> tuple[Pusher, Send | Wait | None]:
    if state.flight is not None:
        return state, None
    if tick.now < state.pace.not_before:
        return state, Wait(state.pace.not_before)
    backlog = state.agreed and tick.head.seq > state.cursor.seq
    if not backlog and tick.now < state.beat_at:
        return state, Wait(state.beat_at)
    send = Send(state.cursor, state.limit if backlog else 0)
    return replace(state, flight=send, sent_at=tick.now), send


def _push_answered(state: Pusher, flight: Send, answer: Answered) -> Pusher:
    met_anew = answer.generation != state.generation
    heard = replace(
        state,
        pace=state.pace.answered(answer.now),
        generation=answer.generation,
        flight=None,
        reason="",
        # A new generation may hold an older copy: offer the head again at once.
        beat_at=answer.now if met_anew else answer.now + HEARTBEAT_S,
    )
    if not answer.known:
        # Rule 6: a restored backup, a lost tail or a cloned card. Nothing is pushed over it.
        return replace(
            heard,
            agreed=False,
            standing="forked",
            reason=f"central holds entry {answer.head.seq}, which this journal does not have",
        )
    took = answer.now - state.sent_at
    if flight.limit and answer.head == flight.after:
        # It was heard and not taken: asking again at once would only be heard again.
        heard = replace(heard, pace=heard.pace.resting(answer.now + SLOW_S))
    return replace(
        heard,
        cursor=answer.head,
        agreed=True,
        standing="online",
        limit=_next_limit(state.limit, flight.limit, took),
    )


def _next_limit(limit: int, asked: int, took: float) -> int:
    if asked == 0:
        return limit
    if took > SLOW_S:
        return max(1, limit // 2)
    return min(BATCH_MOST, limit * 2) if took < SLOW_S / 4 else limit


def _push_failed(state: Pusher, failed: Failed) -> Pusher:
    held = failed.trouble in ("denied", "damaged") or (failed.too_large and state.limit == 1)
    standing: Standing = "held" if held else "offline"
    return replace(
        state,
        pace=state.pace.troubled(
            failed.trouble, failed.now, draw=failed.draw, retry_after_s=failed.retry_after_s
        ),
        standing="forked" if state.standing == "forked" else standing,
        reason=failed.reason,
        agreed=state.agreed and failed.too_large,
        beat_at=failed.now,
        limit=_limit_after(failed, state.limit),
        flight=None,
    )


def _limit_after(failed: Failed, limit: int) -> int:
    if failed.too_large:
        return max(1, limit // 2)
    if failed.trouble == "unavailable":
        return min(limit, max(BATCH_LEAST, limit // 2))
    return limit


def whole(contents: Sequence[bytes]) -> int:
    """Return how many leading entries form whole appends; `contents` are in journal order.

    A page border must not cut an append: after a rebase the halves would part.
    """
    count = len(contents)
    while count:
        cause, size = _append_of(contents[count - 1])
        run = 1
        while run < count and run < size and _append_of(contents[count - run - 1])[0] == cause:
            run += 1
        if run == size:
            return count
        count -= run
    return 0


def _append_of(content: bytes) -> tuple[str, int]:
    # Damaged bytes name nothing: they travel by themselves and central quarantines them.
    try:
        cause, _, size = chain.parse_id(_named.decode(content).id)
    except (msgspec.MsgspecError, ValueError):
        return "", 1
    return cause, size


# ── central's end of push ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Push:
    """One push as it arrived: `after` is what it claims to follow, `reaches` where it ends."""

    after: Pair
    contents: tuple[bytes, ...] = ()
    reaches: Pair | None = None


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
    pairs = tuple(chain.follow(head, push.contents))
    if push.reaches is not None and push.reaches != pairs[-1]:
        return Damaged(f"the entries after seq {head.seq} do not reach the hash that was announced")
    return Accepted(pairs, pairs[-1])
