"""Reads opening hours, and counts time in them; pure: the store's time zone is an argument.

It must never read a clock. Written as `mo-fr 08:00-20:00, sa 09:00-18:00`; empty: always open.
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from hub.errors import Invalid

DAYS: Final = ("mo", "tu", "we", "th", "fr", "sa", "su")
_PART: Final = re.compile(
    r"(mo|tu|we|th|fr|sa|su)(?:-(mo|tu|we|th|fr|sa|su))?"
    r" ([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])",
    re.ASCII,
)
# A store that opens on no day of a year ahead never opens again.
_LOOK_AHEAD: Final = 366
# Who opens in a week at all turns within it; a day more for the span that begins today.
_WEEK_AHEAD: Final = 9
# From and to, in minutes of the day; 1440 is midnight at its end.
Week = tuple[tuple[tuple[int, int], ...], ...]


def read(text: str) -> Week:
    """Return the spans of each day from Monday on; () for a store that is always open."""
    cleaned = " ".join(text.lower().split())
    if not cleaned:
        return ()
    week: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for part in cleaned.split(","):
        found = _PART.fullmatch(part.strip())
        if found is None:
            raise Invalid(
                "Opening hours are written like mo-fr 08:00-20:00, sa 09:00-18:00.", field="value"
            )
        first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
        begins = int(found[3]) * 60 + int(found[4])
        ends = int(found[5]) * 60 + int(found[6])
        if last < first or not begins < ends <= 1440:
            raise Invalid(f"{part.strip()} ends before it begins.", field="value")
        for day in range(first, last + 1):
            if any(begins < end and start < ends for start, end in week[day]):
                raise Invalid(f"{DAYS[day]} is open twice at one time.", field="value")
            week[day].append((begins, ends))
    return tuple(tuple(sorted(day)) for day in week)


def is_open(week: Week, at: datetime, zone: tzinfo) -> bool:
    if not week:
        return True
    return any(opens <= at < closes for opens, closes in _spans(week, _day(at, zone), zone))


def turn(week: Week, at: datetime, zone: tzinfo) -> datetime | None:
    """Return when the store closes that is open at `at`, or opens that is closed; None: never."""
    if not week or not any(week):
        return None
    opened, found = is_open(week, at, zone), at
    for days in range(_WEEK_AHEAD):
        for opens, closes in _spans(week, _day(at, zone) + timedelta(days=days), zone):
            if not opened and opens > at:
                return opens.astimezone(at.tzinfo)
            if opened and opens <= found < closes:
                # What goes on at once, as after midnight, is one span.
                found = closes
            elif opened and opens > found:
                return found.astimezone(at.tzinfo)
    return None


def ready(week: Week, begin: datetime, work: timedelta, zone: tzinfo) -> datetime:
    """Return when work is done that goes on in open time only, and the store is open.

    What is done as the store closes is ready when it opens again.
    """
    done = after(week, begin, work, zone)
    if not any(week) or is_open(week, done, zone):
        return done
    return turn(week, done, zone) or done


def after(week: Week, begin: datetime, length: timedelta, zone: tzinfo) -> datetime:
    """Return when `length` of open time has passed since `begin`."""
    if not week or not any(week):
        return begin + length
    left, day = length, _day(begin, zone)
    for _ in range(_LOOK_AHEAD * 10):
        for opens, closes in _spans(week, day, zone):
            start = max(opens, begin)
            if start < closes and (left := left - (closes - start)) <= timedelta(0):
                return (closes + left).astimezone(begin.tzinfo)
        day += timedelta(days=1)
    return begin + length


def between(week: Week, begin: datetime, end: datetime, zone: tzinfo) -> timedelta:
    """Return how much open time lies between two moments; they may be one, and never turned."""
    if not any(week):
        return end - begin
    found, day = timedelta(0), _day(begin, zone)
    while day <= _day(end, zone):
        for opens, closes in _spans(week, day, zone):
            found += max(timedelta(0), min(closes, end) - max(opens, begin))
        day += timedelta(days=1)
    return found


def before(week: Week, end: datetime, length: timedelta, zone: tzinfo) -> datetime:
    """Return since when `length` of open time has passed, seen from `end`."""
    if not week or not any(week):
        return end - length
    left, day = length, _day(end, zone)
    for _ in range(_LOOK_AHEAD * 10):
        for opens, closes in reversed(_spans(week, day, zone)):
            stop = min(closes, end)
            if opens < stop and (left := left - (stop - opens)) <= timedelta(0):
                return (opens - left).astimezone(end.tzinfo)
        day -= timedelta(days=1)
    return end - length


def _day(at: datetime, zone: tzinfo) -> date:
    return at.astimezone(zone).date()


def _spans(week: Week, day: date, zone: tzinfo) -> list[tuple[datetime, datetime]]:
    # Reckoned in UTC, so that the hour that a summer lacks or has twice is counted as it passes.
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    found = []
    for start, end in week[day.weekday()]:
        opens, closes = (_at(midnight, minute) for minute in (start, end))
        found.append((opens, closes))
    return found


def _at(midnight: datetime, minute: int) -> datetime:
    return (midnight + timedelta(minutes=minute)).astimezone(UTC)
