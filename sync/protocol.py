"""Both ends of the conversation between hub and central, as pure steps.

It must never read a clock, a database or a network: time and chance arrive inside messages, and
`step(state, message)` returns the new state and the one effect to carry out.

    hub                                              central
    Pusher ── Send(after, limit) ── push ──────────► verdict(head, push)
           ◄── Answered(head, known) ── 200 | 409 ──
    Puller ── Ask(generation, after) ── feed ──────► is_gone(…)
           ◄── Page(next, rows) | Gone ─── 200 | 410 ──
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec

from hub import chain
from hub.chain import ORIGIN, Pair

from .pace import Pace, Trouble

VERSION: Final = "1"
HEARTBEAT_S: Final = 60.0
BATCH_FIRST: Final = 500
BATCH_LEAST: Final = 50
BATCH_MOST: Final = 4000
SLOW_S: Final = 1.0
WAIT_S: Final = 25
QUIET_S: Final = 2.0


class _Named(msgspec.Struct):
    id: str


_named: Final = msgspec.json.Decoder(_Named)


# ── what the hub is told and what it then does ──────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed or the journal has grown; `head` is the journal's end."""

    now: float
    head: Pair


@dataclass(frozen=True, slots=True)
class Answered:
    """Central named its head. `known`: this very pair is in the hub's journal."""

    now: float
    asked: Pair
    head: Pair
    known: bool
    generation: str


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
class Send:
    """Push what follows `after`: at most `limit` entries, whole appends only; 0 is a heartbeat."""

    after: Pair
    limit: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`, unless something happens."""

    until: float


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
    pairs = tuple(chain.follow(head, push.contents))
    if push.reaches is not None and push.reaches != pairs[-1]:
        return Damaged(f"the entries after seq {head.seq} do not reach the hash that was announced")
    return Accepted(pairs, pairs[-1])


# ── pull ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a stream was taken in, and of which central. Saved with the rows, nowhere else."""

    generation: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """Fetch what follows `cursor`, waiting at most `wait` seconds for something to come."""

    cursor: Cursor
    wait: int


@dataclass(frozen=True, slots=True)
class Page:
    """Rows that follow the cursor `asked`; taking them all leads to `then`."""

    now: float
    asked: Cursor
    then: Cursor
    rows: int


@dataclass(frozen=True, slots=True)
class Gone:
    """Central cannot continue from `asked` (410)."""

    now: float
    asked: Cursor
    generation: str


@dataclass(frozen=True, slots=True)
class Saved:
    """The rows of the page are committed, together with this cursor."""

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Apply:
    """Commit the page's rows together with the cursor `then`, if the cursor is still `asked`."""

    asked: Cursor
    then: Cursor


@dataclass(frozen=True, slots=True)
class Puller:
    """The hub's end of one stream."""

    pace: Pace
    cursor: Cursor
    flight: Ask | None = None
    asked_at: float = 0.0
    online: bool = False


def pull_step(
    state: Puller, message: Tick | Page | Gone | Saved | Failed
) -> tuple[Puller, Ask | Apply | Wait | None]:
    """Advance the hub's end of one stream.

    An answer counts only for the cursor it was asked with; the question stays open until its page
    is committed.
    """
    if isinstance(message, Tick):
        if state.flight is not None:
            return state, None
        if message.now < state.pace.not_before:
            return state, Wait(state.pace.not_before)
        # The first question after trouble is answered at once, so that being online is known.
        ask = Ask(state.cursor, WAIT_S if state.online else 0)
        return replace(state, flight=ask, asked_at=message.now), ask
    if isinstance(message, Saved):
        return replace(state, cursor=message.cursor, flight=None), None
    if state.flight is None:
        return state, None
    if isinstance(message, Failed):
        pace = state.pace.troubled(
            message.trouble, message.now, draw=message.draw, retry_after_s=message.retry_after_s
        )
        return replace(state, pace=pace, flight=None, online=False), None
    if message.asked != state.flight.cursor:
        return state, None
    heard = replace(state, pace=state.pace.answered(message.now), online=True)
    done = replace(heard, flight=None)
    if isinstance(message, Gone):
        # No snapshot yet: the whole stream is read again, over what stands.
        return replace(done, cursor=Cursor(message.generation, 0)), None
    same_central = message.asked.generation in ("", message.then.generation)
    if not same_central or message.then.position < message.asked.position:
        return done, None
    if message.rows or message.then != message.asked:
        return heard, Apply(message.asked, message.then)
    if state.flight.wait and message.now - state.asked_at < QUIET_S:
        # Central had no place where we could wait: come again a little later, not at once.
        return replace(done, pace=done.pace.resting(message.now + QUIET_S)), None
    return done, None


def is_gone(generation: str, end: int, asked: Cursor) -> bool:
    """Central's side: can a reader at `asked` not simply go on? `end` is the newest position."""
    if asked.position == 0:
        return asked.generation not in ("", generation)
    return asked.generation != generation or not 0 <= asked.position <= end
