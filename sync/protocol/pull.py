"""Both ends of pull: a stream of central's is taken in, in commit order, cursor with the rows.

It must never take a page for another cursor than the one that it was asked with, and never let
go of what it has before a snapshot is here whole.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from ..pace import Pace
from .messages import Failed, Tick, Wait

WAIT_S: Final = 25
QUIET_S: Final = 2.0
FAR: Final = 20_000
"""Who is so many rows behind gets a snapshot: it is faster than the pages."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a stream was taken in, and of which central. Saved with the rows, nowhere else.

    `mark` is chance that central drew when it wrote what stands at `position`: an older copy of
    central that was written on has another one there.
    """

    generation: str = ""
    position: int = 0
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Fetch what follows `cursor`, waiting at most `wait` seconds for something to come."""

    cursor: Cursor
    wait: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch the snapshot `digest` ("": whichever is current) from byte `offset` on."""

    digest: str
    offset: int


@dataclass(frozen=True, slots=True)
class Page:
    """Rows that follow the cursor `asked`; taking them all leads to `then`."""

    now: float
    asked: Cursor
    then: Cursor
    rows: int


@dataclass(frozen=True, slots=True)
class Gone:
    """Central cannot continue from `asked` (410). Without a snapshot it goes on at `start`."""

    now: float
    asked: Cursor
    generation: str
    start: int = 0
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """`size` bytes of the snapshot `digest` from `offset` on; it has `total`."""

    now: float
    asked: Fetch
    digest: str
    offset: int
    size: int
    total: int


@dataclass(frozen=True, slots=True)
class Saved:
    """The rows of the page, or the snapshot, are committed together with this cursor."""

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Spoilt:
    """The snapshot that came is not what its digest promised, or could not be kept."""

    now: float


@dataclass(frozen=True, slots=True)
class Apply:
    """Commit the page's rows together with the cursor `then`, if the cursor is still `asked`."""

    asked: Cursor
    then: Cursor


@dataclass(frozen=True, slots=True)
class Keep:
    """Write this part of the snapshot at `offset`; 0 begins it anew."""

    digest: str
    offset: int


@dataclass(frozen=True, slots=True)
class Swap:
    """Check the snapshot against its digest and let it replace every row, and the cursor, at once.

    Until that is committed the old rows serve.
    """

    digest: str


@dataclass(frozen=True, slots=True)
class Puller:
    """The hub's end of one stream. `have` of `total` bytes of the snapshot `digest` are here."""

    pace: Pace
    cursor: Cursor
    flight: Ask | Fetch | Swap | None = None
    asked_at: float = 0.0
    online: bool = False
    fetching: bool = False
    digest: str = ""
    have: int = 0
    total: int = -1


Message = Tick | Page | Gone | Part | Saved | Spoilt | Failed
Effect = Ask | Fetch | Apply | Keep | Swap | Wait


def pull_step(state: Puller, message: Message) -> tuple[Puller, Effect | None]:
    """Advance the hub's end of one stream.

    An answer counts only for the cursor it was asked with; the question stays open until its page
    is committed.
    """
    if isinstance(message, Tick):
        return _ticked(state, message)
    if isinstance(message, Saved):
        done = replace(state, cursor=message.cursor, flight=None)
        return replace(done, fetching=False, digest="", have=0, total=-1), None
    if isinstance(message, Spoilt):
        pace = state.pace.troubled("unavailable", message.now, draw=0.5)
        return replace(state, pace=pace, flight=None, digest="", have=0, total=-1), None
    if state.flight is None:
        return state, None
    if isinstance(message, Failed):
        pace = state.pace.troubled(
            message.trouble, message.now, draw=message.draw, retry_after_s=message.retry_after_s
        )
        return replace(state, pace=pace, flight=None, online=False), None
    if isinstance(message, Part):
        return _part(state, message)
    if not isinstance(state.flight, Ask) or message.asked != state.flight.cursor:
        return state, None
    heard = replace(state, pace=state.pace.answered(message.now), online=True)
    if isinstance(message, Gone):
        done = replace(heard, flight=None)
        if message.snapshot:
            return replace(done, fetching=True), None
        # What was taken in is known by its cause, and is not done again.
        return replace(done, cursor=Cursor(message.generation, message.start)), None
    return _paged(state, heard, message)


def _ticked(state: Puller, tick: Tick) -> tuple[Puller, Effect | None]:
    if state.flight is not None:
        return state, None
    if tick.now < state.pace.not_before:
        return state, Wait(state.pace.not_before)
    flight: Ask | Fetch | Swap
    if state.fetching and state.have == state.total:
        flight = Swap(state.digest)
    elif state.fetching:
        flight = Fetch(state.digest, state.have)
    else:
        # The first question after trouble is answered at once: then being online is known.
        flight = Ask(state.cursor, WAIT_S if state.online else 0)
    return replace(state, flight=flight, asked_at=tick.now), flight


def _part(state: Puller, part: Part) -> tuple[Puller, Effect | None]:
    if state.flight != part.asked or not state.fetching:
        return state, None
    heard = replace(state, pace=state.pace.answered(part.now), online=True, flight=None)
    begun_anew = part.digest != state.digest
    if part.offset != (0 if begun_anew else state.have):
        # Central made another snapshot meanwhile: this piece has no beginning here.
        return replace(heard, digest="", have=0, total=-1), None
    onward = replace(heard, digest=part.digest, have=part.offset + part.size, total=part.total)
    return onward, Keep(part.digest, part.offset)


def _paged(state: Puller, heard: Puller, page: Page) -> tuple[Puller, Effect | None]:
    done = replace(heard, flight=None)
    same_central = page.asked.generation in ("", page.then.generation)
    if not same_central or page.then.position < page.asked.position:
        return done, None
    if page.rows or page.then != page.asked:
        return heard, Apply(page.asked, page.then)
    waited = isinstance(state.flight, Ask) and state.flight.wait
    if waited and page.now - state.asked_at < QUIET_S:
        # Central had no place where we could wait: come again a little later, not at once.
        return replace(done, pace=done.pace.resting(page.now + QUIET_S)), None
    return done, None


# ── central's end ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Stream:
    """What central holds of a stream: rows after `horizon`, up to `end`; older ones are gone.

    `mark` is the one that stands at the position that was asked for.
    """

    generation: str
    end: int
    horizon: int = 0
    has_snapshot: bool = False
    mark: str = ""


def feed_verdict(stream: Stream, asked: Cursor) -> Literal["page", "gone", "lost"]:
    """Can a reader at `asked` go on? `lost`: central itself has gone back to an older copy."""
    if asked.generation == stream.generation:
        other = asked.mark and asked.position > stream.horizon and asked.mark != stream.mark
        if asked.position > stream.end or other:
            return "lost"
    if asked.generation not in ("", stream.generation):
        return "gone"
    if asked.position < stream.horizon or (asked.position and not asked.generation):
        return "gone"
    far = stream.has_snapshot and stream.end - asked.position > FAR
    return "gone" if far else "page"
