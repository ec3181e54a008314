"""Both ends of pull: a stream of central's is taken in, in commit order, cursor with the rows.

It must never take a page for another cursor than the one that it was asked with.
"""

from dataclasses import dataclass, replace
from typing import Final

from ..pace import Pace
from .messages import Failed, Tick, Wait

WAIT_S: Final = 25
QUIET_S: Final = 2.0


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
