"""What a counter looks at besides the board: who did not come, what is overdue, today's figures.

It must never write.
"""

from datetime import datetime, timedelta, tzinfo
from sqlite3 import Connection
from typing import Any, Final

from hub.clock import parse, stamp
from hub.house import hours
from hub.house import queries as house
from hub.pickup import queries
from hub.pickup.board import queries as boards
from hub.pickup.day import figures
from hub.pickup.day import queries as days

# An order that is older than this has long expired.
_OLDEST: Final = timedelta(days=60)


def today(now: datetime, zone: tzinfo) -> datetime:
    """Return when the store's day began."""
    local = now.astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(now.tzinfo)


def day(conn: Connection, begin: datetime) -> dict[str, Any]:
    """The figures since `begin`; `figures.whole` says which."""
    since = stamp(begin)
    times = days.times_since(conn, since, stamp(begin - _OLDEST))
    return figures.whole(
        times,
        since,
        boards.counts(conn),
        days.shorts_since(conn, since),
        days.ended_since(conn, since),
    )


def no_shows(conn: Connection, now: datetime, zone: tzinfo) -> list[dict[str, Any]]:
    """Ready orders whose customers should have come by now, the longest waiting first."""
    since = ago(conn, now, timedelta(hours=house.number(conn, "no_show_hours")), zone)
    found = []
    for order_id in days.waiting_since(conn, stamp(since)):
        order = queries.order(conn, order_id)
        waited = now - parse(order["ready_at"])
        found.append(order | {"waited_s": round(waited.total_seconds())})
    return found


def ago(conn: Connection, now: datetime, length: timedelta, zone: tzinfo) -> datetime:
    """Return since when `length` has passed, by the clock that the store decided for."""
    if house.word(conn, "clocks_run") != "open":
        return now - length
    return hours.before(hours.read(house.word(conn, "opening_hours")), now, length, zone)


def kept(conn: Connection, default: timedelta) -> timedelta:
    """Return how long a ready order is kept: the store's policy, else the setting."""
    decided = house.number(conn, "ready_hours")
    return timedelta(hours=decided) if decided else default
