"""When an order can be ready that comes now: what waits to be picked, by how many, at which pace.

It must never promise what the order's own lines do not fit into, nor a time when nobody is there.
"""

from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import NamedTuple

from hub.house import queries as house
from hub.pickup.day import queries as day
from hub.stock import queries as stock


class Told(NamedTuple):
    """What head office may promise: in so many minutes; 0: picking is paused, nobody says how long.

    A pause with an end, or a slow pace (`house.rules.PACES`), is part of the minutes. Opening hours
    and their time zone tell it which of those minutes count.
    """

    minutes: int
    opening_hours: str
    time_zone: str
    pace: str


def due(conn: Connection, now: datetime, own: int = 1) -> datetime:
    """Return when an order of `own` lines is due."""
    usual = stock.policy(conn).promise_minutes
    return house.due(conn, usual, now, day.lines_to_pick(conn) + own)


def told(conn: Connection, now: datetime) -> Told:
    """Return what goes to head office."""
    pace = house.pace(conn, now)
    said = house.word(conn, "opening_hours"), house.zone(conn).key, pace["pace"]
    if pace["pace"] == "paused" and pace["until"] is None:
        return Told(0, *said)
    return Told(-((now - due(conn, now)) // timedelta(minutes=1)), *said)
