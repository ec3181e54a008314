"""When an order can be ready that comes now: what waits to be picked, by how many, at which pace.

It must never promise what the order's own lines do not fit into.
"""

from datetime import datetime
from sqlite3 import Connection

from hub.house import queries as house
from hub.pickup.day import queries as day
from hub.stock import queries as stock


def minutes(conn: Connection, now: datetime, own: int = 1) -> int:
    """Return in how many minutes an order of `own` lines is due."""
    usual = stock.policy(conn).promise_minutes
    return house.due_minutes(conn, usual, now, day.lines_to_pick(conn) + own)


def told(conn: Connection, now: datetime) -> int:
    """Return the minutes that head office may promise; 0: picking is paused, nobody says how long.

    A pause with an end is part of the minutes.
    """
    pace = house.pace(conn, now)
    if pace["pace"] == "paused" and pace["until"] is None:
        return 0
    return minutes(conn, now)
