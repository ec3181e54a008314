"""Says opening hours in words: each weekday's, and whether the store is open now and until when.

It must never reckon them itself: `hub.house.hours` does.
"""

from datetime import datetime, tzinfo
from typing import NamedTuple

from babel.dates import get_day_names
from flask_babel import get_locale

from hub.house import hours
from kiosk_ui.words import _


class Day(NamedTuple):
    """A weekday as people read it; `today` is the day that the store has now."""

    name: str
    spans: tuple[str, ...]
    today: bool


def week(text: str, now: datetime, zone: tzinfo) -> list[Day]:
    """Return each day from Monday on. Raises Invalid for a text that is none."""
    spans = hours.read(text) or tuple(((0, 1440),) for _day in hours.DAYS)
    names, today = get_day_names("wide", locale=get_locale()), now.astimezone(zone).weekday()
    return [
        Day(names[n], tuple(f"{_clock(begin)}–{_clock(end)}" for begin, end in day), n == today)
        for n, day in enumerate(spans)
    ]


def now_said(text: str, now: datetime, zone: tzinfo) -> tuple[bool, str]:
    """Return whether the store is open, and a sentence that says until when it is so."""
    spans = hours.read(text)
    opened, turn = hours.is_open(spans, now, zone), hours.turn(spans, now, zone)
    if turn is None:
        return True, _("Always open.")
    local = turn.astimezone(zone)
    clock = f"{local:%H:%M}"
    if local.date() == now.astimezone(zone).date():
        if opened:
            return True, _("Open now until %(time)s.", time=clock)
        return False, _("Closed now. It opens at %(time)s.", time=clock)
    day = get_day_names("wide", locale=get_locale())[local.weekday()]
    if opened:
        return True, _("Open now until %(day)s at %(time)s.", day=day, time=clock)
    return False, _("Closed now. It opens on %(day)s at %(time)s.", day=day, time=clock)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
