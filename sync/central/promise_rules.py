"""Which stores can give what a customer asks for, by the rights that central holds, and when; pure.

It must never count a unit that a store keeps for its own channels.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.errors import Invalid
from hub.house import hours

Word = Literal["has", "asks", "lacks"]
When = Literal["told", "silent", "paused", "unknown"]
# What a customer who waits may hear of a store.
Mood = Literal["normal", "slow", "paused", "silent", "unknown"]
_MOODS: Final[Mapping[str, Mood]] = {"normal": "normal", "slow": "slow", "paused": "paused"}
# Hubs speak each minute. Who has not for so long is promised later than it said: at least by an
# hour, and by as long as it has been silent, for nobody there knows of the order yet.
SILENT: Final = timedelta(minutes=10)
SILENCE_COSTS: Final = timedelta(hours=1)
STEP_MIN: Final = 5
# Whoever says more says nothing of use, and no hub may make central reckon through a century.
MOST_MIN: Final = 60 * 24 * 60


class Offer(NamedTuple):
    """A store, whether it can give all, and the units of each SKU that may be promised there."""

    store: str
    whole: bool
    units: Mapping[str, int]


class Ready(NamedTuple):
    """In how many minutes a store would have an order ready, and what that rests on."""

    minutes: int | None
    when: When


class Open(NamedTuple):
    """When a store is open, as its hub said; the plain one: always."""

    week: hours.Week = ()
    zone: tzinfo = UTC


ALWAYS: Final = Open()


def opened(opening_hours: str, time_zone: str) -> Open:
    """Read when a store is open; what this release cannot read counts as always."""
    try:
        return Open(hours.read(opening_hours), ZoneInfo(time_zone or "UTC"))
    except (Invalid, ZoneInfoNotFoundError, ValueError, OSError):
        return ALWAYS


def due(
    told: int | None, told_at: datetime | None, now: datetime, at: Open = ALWAYS
) -> tuple[datetime | None, When]:
    """Say when a store would have an order ready that comes now, and what that rests on.

    `told`: what its hub said last, at `told_at` (minutes; 0: picking is paused, nobody says how
    long; None: it says nothing of it). A longer silence never makes it sooner. Of the minutes only
    those are work in which the store is open.
    """
    if told is None or told_at is None or told < 0:
        return None, "unknown"
    if told == 0:
        return None, "paused"
    told_for = timedelta(minutes=min(told, MOST_MIN))
    work = hours.between(at.week, told_at, told_at + told_for, at.zone)
    silence = now - told_at
    if silence <= SILENT:
        return hours.ready(at.week, now, work, at.zone), "told"
    late = -(-max(silence, SILENCE_COSTS) // timedelta(minutes=STEP_MIN)) * STEP_MIN
    return hours.ready(at.week, now, work + timedelta(minutes=late), at.zone), "silent"


def mood(pace: str, told_at: datetime | None, now: datetime) -> Mood:
    """Say how a store does, by the pace that its hub told at `told_at` ("": it tells none)."""
    if told_at is None:
        return "unknown"
    if now - told_at > SILENT:
        return "silent"
    return _MOODS.get(pace, "unknown")


def ready(told: int | None, told_at: datetime | None, now: datetime, at: Open = ALWAYS) -> Ready:
    """Say it in minutes from now: `due`."""
    found, when = due(told, told_at, now, at)
    return Ready(None if found is None else -((now - found) // timedelta(minutes=1)), when)


def offers(
    wanted: Mapping[str, int], held: Mapping[str, Mapping[str, int]], near: str | None = None
) -> list[Offer]:
    """Return the stores that can give something: all of it first, then most lines, most units.

    `wanted`: units by SKU; `held`: the same by store. Among equals `near` comes first.
    """
    found = []
    for store, rights in held.items():
        units = {sku: min(qty, max(0, rights.get(sku, 0))) for sku, qty in wanted.items()}
        if any(units.values()):
            found.append(Offer(store, units == dict(wanted), units))
    return sorted(found, key=lambda one: _rank(one, wanted, near))


def _rank(
    one: Offer, wanted: Mapping[str, int], near: str | None
) -> tuple[bool, int, int, bool, str]:
    lines = sum(one.units[sku] == qty for sku, qty in wanted.items())
    return not one.whole, -lines, -sum(one.units.values()), one.store != near, one.store


def words(
    wanted: Mapping[str, int],
    held: Mapping[str, Mapping[str, int]],
    empty: Mapping[str, Iterable[str]],
) -> dict[str, Word]:
    """Say of each store whether it has all, has to be asked, or lacks something wholly.

    `empty`: by store the SKUs of which its own facts know no unit. That is a yes or no: how many
    units a store has is not told.
    """
    return {
        store: _word(wanted, held.get(store, {}), frozenset(gone)) for store, gone in empty.items()
    }


def _word(wanted: Mapping[str, int], rights: Mapping[str, int], gone: frozenset[str]) -> Word:
    open_ = [sku for sku, qty in wanted.items() if rights.get(sku, 0) < qty]
    if not open_:
        return "has"
    return "lacks" if gone.intersection(open_) else "asks"
