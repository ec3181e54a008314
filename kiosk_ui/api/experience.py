"""How customers felt about their pickup, as figures of a day; it must never show who said it."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import request

from hub.errors import Invalid
from hub.experience import queries
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import Query, read
from kiosk_ui.session import hub


@read(
    "/experience",
    "What customers said of their pickups on one day of the store: how many, the mean of 1 to 5 in"
    " hundredths, and how often each thing was good.",
    step="orders",
    answer=bodies.Experience,
    queries=(Query("day", "The day, such as 2026-11-29; today unless told."),),
)
def experience() -> Any:
    return of_day(request.args.get("day", ""))


def of_day(day: str = "") -> dict[str, Any]:
    """Return the figures of a day in the store's zone; today for "". Raises Invalid."""
    zone = ZoneInfo(hub().options.timezone)
    try:
        asked = date.fromisoformat(day) if day else hub().clock.now().astimezone(zone).date()
        begin = datetime.combine(asked, time(), zone)
        end = begin + timedelta(days=1)
        with hub().reader() as connection:
            found = queries.between(connection, begin, end)
    except (ValueError, OverflowError):
        raise Invalid("day is a date such as 2026-11-29.", field="day") from None
    return {"day": asked.isoformat(), **found}
