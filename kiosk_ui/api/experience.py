"""How customers felt about their pickup, as figures of a day; it must never show who said it."""

from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import request
from msgspec import Struct

from hub.errors import Invalid, NotFound
from hub.experience import queries, rules
from hub.pickup import queries as pickup
from kiosk_ui.api.contract import Query, read
from kiosk_ui.session import hub

DAY: Final = timedelta(days=1)
# A lead looks whether it became better: longer ago the staff and the season were others.
WEEKS: Final = 4
# One screen without scrolling.
LATEST: Final = 10


class Felt(Struct):
    count: int
    mean_hundredths: int | None
    scores: dict[str, int]
    felt: dict[str, int]


class Experience(Felt):
    day: str


class WeekFelt(Felt):
    first_day: str
    last_day: str


class Said(Struct):
    order_id: str
    short_code: str
    score: int
    felt: list[str]
    at: str


class Feedback(Struct):
    today: Experience
    weeks: list[WeekFelt]
    latest: list[Said]


@read(
    "/experience",
    "What customers said of their pickups on one day of the store: how many, the mean of 1 to 5 in"
    " hundredths, and how often each thing was good.",
    step="orders",
    answer=Experience,
    queries=(Query("day", "The day, such as 2026-11-29; today unless told."),),
)
def experience() -> Any:
    return of_day(request.args.get("day", ""))


@read(
    "/experience/feedback",
    "For a lead: what customers said of their pickups today, in each of the last four weeks (the"
    " one that ends today first), and the latest ones with their orders; nobody's name and words.",
    step="feedback",
    answer=Feedback,
)
def feedback() -> Any:
    return lately()


def lately() -> dict[str, Any]:
    """Return `{"today","weeks","latest"}`: figures as `of_day` says, and the latest by order."""
    today = hub().clock.now().astimezone(zone()).date()
    with hub().reader() as connection:
        weeks = [
            {
                "first_day": first.isoformat(),
                "last_day": last.isoformat(),
                **queries.between(connection, begin(first), begin(last + DAY)),
            }
            for first, last in rules.weeks(today, WEEKS)
        ]
        latest = [
            {**said, "short_code": _short_code(connection, said["order_id"])}
            for said in queries.latest(connection, LATEST)
        ]
    return {"today": of_day(), "weeks": weeks, "latest": latest}


def of_day(day: str = "") -> dict[str, Any]:
    """Return the figures of a day in the store's zone; today for "". Raises Invalid."""
    try:
        asked = date.fromisoformat(day) if day else hub().clock.now().astimezone(zone()).date()
        with hub().reader() as connection:
            found = queries.between(connection, begin(asked), begin(asked + DAY))
    except (ValueError, OverflowError):
        raise Invalid("day is a date such as 2026-11-29.", field="day") from None
    return {"day": asked.isoformat(), **found}


def _short_code(connection: Any, order_id: str) -> str:
    """Return the order's; its id for one that a restored hub does not have again yet."""
    try:
        return pickup.load(connection, order_id).label
    except NotFound:
        return order_id


def begin(day: date) -> datetime:
    """Return when a day of the store begins."""
    return datetime.combine(day, time(), zone())


def zone() -> ZoneInfo:
    return ZoneInfo(hub().options.timezone)
