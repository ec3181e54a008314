"""The hub's end of push: the journal goes to central, whole appends, one batch in flight.

It must never push over a journal that differs, and never compare by number alone. Where central's
head is not in the journal it repairs first: see `repair`.
"""

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from hub.chain import ORIGIN, Pair

from ..pace import Pace
from .central import Push, PushAnswer
from .fence import Badge, take_told
from .messages import Chain, Failed, Tick, Wait, holds
from .repair import JournalPage, Offer, Rebase, Repair, Same, Stage, offer, ready, take_page
from .whole import whole

HEARTBEAT_S: Final = 60.0
HELD_S: Final = 10.0
"""Who is held asks so often whether a person has decided."""
SCRUB_S: Final = 24 * 3600.0
BATCH_FIRST: Final = 500
BATCH_LEAST: Final = 50
BATCH_MOST: Final = 4000
BATCH_BYTES: Final = 4 << 20
SLOW_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Answered:
    """Central answered the push that followed `asked`."""

    now: float
    asked: Pair
    answer: PushAnswer


@dataclass(frozen=True, slots=True)
class Paged:
    """Central answered an offer; `page` is None where it knows none of the pairs."""

    now: float
    asked: Offer
    page: JournalPage | None
    generation: str


@dataclass(frozen=True, slots=True)
class Rebased:
    """The rebase is committed, or, not `done`, the journal no longer holds its ancestor."""

    now: float
    done: bool


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """The chain was walked. `good` is the last pair before the damage, None where there is none."""

    now: float
    good: Pair | None


@dataclass(frozen=True, slots=True)
class Send:
    """Push what follows `after`: at most `limit` entries, whole appends only; 0 is a heartbeat."""

    after: Pair
    limit: int


@dataclass(frozen=True, slots=True)
class Scrub:
    """Walk the chain and look for damaged bytes."""


@dataclass(frozen=True, slots=True)
class Stop:
    """This process was retired and central has all that it knew: end it."""


Standing = Literal["offline", "online", "forked", "held", "retired"]
Flight = Send | Offer | Rebase | Scrub
Effect = Flight | Stage | Stop | Wait


@dataclass(frozen=True, slots=True)
class Pusher:
    """The hub's end of push. `cursor`: the last head that central named and the journal holds,
    `shown` the generation that named it. `upto`: where the scrub found the last good entry."""

    pace: Pace
    cursor: Pair = ORIGIN
    generation: str = ""
    shown: str = ""
    agreed: bool = False
    standing: Standing = "offline"
    reason: str = ""
    limit: int = BATCH_FIRST
    beat_at: float = 0.0
    scrub_at: float = float("inf")
    flight: Flight | None = None
    sent_at: float = 0.0
    badge: Badge = field(default_factory=Badge)
    repair: Repair | None = None
    upto: int | None = None


Message = Tick | Answered | Paged | Rebased | Scrubbed | Failed


def push_step(state: Pusher, message: Message, chain: Chain) -> tuple[Pusher, Effect | None]:
    """Advance the hub's end of push. One batch is in flight at most; a stale answer is ignored."""
    if isinstance(message, Tick):
        return _ticked(state, message, chain)
    if isinstance(message, Failed):
        return (state if state.flight is None else _failed(state, message)), None
    if isinstance(message, Answered):
        flight = state.flight
        if not isinstance(flight, Send) or message.asked != flight.after:
            return state, None
        return _answered(state, flight, message, chain), None
    if isinstance(message, Paged):
        return _paged(state, message, chain)
    if isinstance(message, Rebased):
        return _rebased(state, message), None
    return _scrubbed(state, message), None


def _ticked(state: Pusher, tick: Tick, chain: Chain) -> tuple[Pusher, Effect | None]:
    if state.flight is not None:
        return state, None
    if tick.now >= state.scrub_at:
        return _fly(replace(state, scrub_at=tick.now + SCRUB_S), Scrub(), tick.now)
    repair = state.repair
    rebase = ready(repair) if repair is not None else None
    if rebase is not None:
        return _fly(state, rebase, tick.now)
    if tick.now < state.pace.not_before:
        return state, Wait(min(state.pace.not_before, state.scrub_at))
    if repair is not None and state.standing != "held":
        asked = offer(repair, chain, state.upto)
        return _fly(replace(state, repair=replace(repair, offered=asked.pairs)), asked, tick.now)
    backlog = state.agreed and tick.head.seq > state.cursor.seq
    if state.standing == "retired" and state.agreed and tick.head == state.cursor:
        return state, Stop()
    if not backlog and tick.now < state.beat_at:
        return state, Wait(min(state.beat_at, state.scrub_at))
    return _fly(state, Send(state.cursor, state.limit if backlog else 0), tick.now)


def _fly(state: Pusher, flight: Flight, now: float) -> tuple[Pusher, Effect]:
    return replace(state, flight=flight, sent_at=now), flight


def _answered(state: Pusher, flight: Send, message: Answered, chain: Chain) -> Pusher:
    now, answer = message.now, message.answer
    met_anew = answer.generation != state.generation
    heard = replace(
        state,
        pace=state.pace.answered(now),
        generation=answer.generation,
        badge=take_told(state.badge, answer.passed),
        flight=None,
        reason="",
        # A new generation may hold an older copy: offer the head again at once.
        beat_at=now if met_anew else now + HEARTBEAT_S,
    )
    if answer.status == "hello":
        return replace(heard, beat_at=now)
    if answer.status == "held":
        told = "another hub of this store is on line; a person has to say which one stays"
        return replace(heard, agreed=False, standing="held", reason=told, beat_at=now + HELD_S)
    if state.repair is not None:
        # Nothing is settled before the repair is through.
        return replace(heard, agreed=False, standing="forked", reason=state.reason)
    if not holds(chain, answer.head):
        # Rule 6: a restored backup, a lost tail or a cloned card. Nothing is pushed over it.
        told = f"central holds entry {answer.head.seq}, which this journal does not have"
        return replace(heard, agreed=False, standing="forked", reason=told, repair=Repair())
    if flight.limit and answer.head == flight.after:
        # It was heard and not taken: asking again at once would only be heard again.
        heard = replace(heard, pace=heard.pace.resting(now + SLOW_S))
    return replace(
        heard,
        cursor=answer.head,
        shown=answer.generation,
        agreed=True,
        standing="retired" if answer.passed.standing == "retired" else "online",
        limit=_next_limit(state.limit, flight.limit, now - state.sent_at),
    )


def _next_limit(limit: int, asked: int, took: float) -> int:
    if asked == 0:
        return limit
    if took > SLOW_S:
        return max(1, limit // 2)
    return min(BATCH_MOST, limit * 2) if took < SLOW_S / 4 else limit


def _paged(state: Pusher, message: Paged, chain: Chain) -> tuple[Pusher, Effect | None]:
    if state.flight != message.asked or state.repair is None:
        return state, None
    heard = replace(state, flight=None, pace=state.pace.answered(message.now))
    if message.page is None:
        told = "central has another history of this store, without a common beginning"
        pace = heard.pace.resting(message.now + HEARTBEAT_S)
        return replace(heard, repair=Repair(), pace=pace, standing="forked", reason=told), None
    repair, effect = take_page(state.repair, message.page, chain, state.upto)
    heard = replace(heard, generation=message.generation)
    if isinstance(effect, Same):
        settled = replace(heard, repair=None, cursor=effect.head, shown=message.generation)
        return replace(settled, agreed=True, standing="online", reason=""), None
    if effect is None and repair == Repair():
        # A page that cannot be taken: not at once again.
        heard = replace(heard, pace=heard.pace.resting(message.now + SLOW_S))
    return replace(heard, repair=repair), effect


def _rebased(state: Pusher, message: Rebased) -> Pusher:
    if not isinstance(state.flight, Rebase):
        return state
    done = replace(state, flight=None, repair=None, beat_at=message.now)
    if not message.done:
        return replace(done, repair=Repair())
    end = state.flight.end
    return replace(
        done,
        cursor=end,
        shown=state.generation,
        agreed=True,
        upto=None,
        standing="online",
        reason="",
    )


def _scrubbed(state: Pusher, message: Scrubbed) -> Pusher:
    if not isinstance(state.flight, Scrub):
        return state
    done = replace(state, flight=None)
    if message.good is None:
        return done
    told = f"the journal is damaged after entry {message.good.seq}"
    return replace(
        done, upto=message.good.seq, repair=Repair(), agreed=False, standing="forked", reason=told
    )


def _failed(state: Pusher, failed: Failed) -> Pusher:
    held = failed.trouble in ("denied", "damaged") or (failed.too_large and state.limit == 1)
    standing: Standing = "held" if held else "offline"
    return replace(
        state,
        pace=state.pace.troubled(
            failed.trouble, failed.now, draw=failed.draw, retry_after_s=failed.retry_after_s
        ),
        standing=state.standing if state.standing in ("forked", "retired") else standing,
        reason=failed.reason,
        agreed=state.agreed and failed.too_large,
        beat_at=failed.now,
        # Central says that bytes are damaged: look at once whether they are ours.
        scrub_at=failed.now if failed.trouble == "damaged" else state.scrub_at,
        limit=_limit_after(failed, state.limit),
        flight=None,
    )


def _limit_after(failed: Failed, limit: int) -> int:
    if failed.too_large:
        return max(1, limit // 2)
    # Who is told when to come back did not bring too much: smaller pushes would only be more.
    if failed.trouble == "unavailable" and failed.retry_after_s is None:
        return min(limit, max(BATCH_LEAST, limit // 2))
    return limit


def packed(state: Pusher, send: Send, chain: Chain) -> Push:
    """Return the push that `send` means: whole appends, about `limit`, at least one of them."""
    contents = batch(chain, send.after.seq, send.limit) if send.limit else ()
    reaches = chain.pair_at(send.after.seq + len(contents)) if contents else None
    return Push(send.after, contents, reaches, state.badge, state.shown)


def batch(chain: Chain, after: int, limit: int, most_bytes: int = BATCH_BYTES) -> tuple[bytes, ...]:
    """Return whole appends that follow `after`: about `limit` entries, at least one append."""
    while True:
        contents = tuple(chain.contents(after, limit))
        count = whole(contents)
        if count or len(contents) < limit:
            break
        limit *= 2
    light, weight = 0, 0
    for content in contents[:count]:
        weight += len(content)
        if weight > most_bytes:
            break
        light += 1
    return contents[: whole(contents[:light]) or count or len(contents)]
