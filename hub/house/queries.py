"""Reads what the store decided: policies, staging shelves, pace; it must never write."""

from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from hub.clock import parse, stamp
from hub.house import hours, rules
from hub.house.rules import POLICIES, Shelf


def policies(conn: Connection) -> dict[str, int | str]:
    """Every policy with the value that counts. What a later release decided is left out."""
    told = {
        row["name"]: msgspec.json.decode(row["value"])
        for row in conn.execute("SELECT name, value FROM house_policy")
    }
    return {name: told.get(name, policy.default) for name, policy in POLICIES.items()}


def number(conn: Connection, name: str) -> int:
    value = policies(conn)[name]
    return value if isinstance(value, int) else 0


def word(conn: Connection, name: str) -> str:
    return str(policies(conn)[name])


def shown(conn: Connection) -> list[dict[str, Any]]:
    """Each policy as a person decides it: `{"name","value","default","unit","about",…}`."""
    values = policies(conn)
    told = {row["name"]: row for row in conn.execute("SELECT name, at, actor FROM house_policy")}
    return [
        {
            "name": name,
            "value": values[name],
            "default": policy.default,
            "unit": policy.unit,
            "about": policy.about,
            "least": policy.least,
            "most": policy.most,
            "choices": list(policy.choices),
            "set_at": told[name]["at"] if name in told else None,
            "set_by": told[name]["actor"] if name in told else None,
        }
        for name, policy in POLICIES.items()
    ]


def shelves(conn: Connection) -> list[Shelf]:
    """The planned staging shelves by number; how many orders stand there pickup knows."""
    rows = conn.execute("SELECT shelf, capacity, kind FROM staging_shelf ORDER BY shelf")
    return [Shelf(*tuple(row)) for row in rows]


def told_pace(conn: Connection) -> tuple[str, str | None]:
    """The pace as it was last set, with its end."""
    row = conn.execute("SELECT pace, until FROM pickup_pace").fetchone()
    return ("normal", None) if row is None else (row["pace"], row["until"])


def pace(conn: Connection, now: datetime) -> dict[str, Any]:
    """`{"pace","until","reason","at","by"}` as it counts now."""
    row = conn.execute("SELECT pace, until, reason, at, actor FROM pickup_pace").fetchone()
    if row is None or rules.pace_at(row["pace"], row["until"], stamp(now)) == "normal":
        return {"pace": "normal", "until": None, "reason": None, "at": None, "by": None}
    shown = {key: row[key] for key in ("pace", "until", "reason", "at")}
    return shown | {"by": row["actor"]}


def zone(conn: Connection) -> ZoneInfo:
    """The store's time zone (`actions.set_zone`)."""
    row = conn.execute("SELECT zone FROM house_zone").fetchone()
    return ZoneInfo("UTC" if row is None else row["zone"])


def due(conn: Connection, usual: int, now: datetime, lines: int = 0) -> datetime:
    """When an order is due that comes now; a pause without an end adds nothing.

    `usual`: minutes; `lines`: what is to be picked until then, its own lines included. Nobody
    works while the store is closed, and nobody collects.
    """
    told = pace(conn, now)
    paused = told["pace"] == "paused" and told["until"]
    begin = max(now, parse(told["until"])) if paused else now
    decided = policies(conn)
    work = rules.work_minutes(lines, int(decided["pickers"]), int(decided["line_minutes"]))
    length = timedelta(minutes=rules.due_minutes(usual, told["pace"], work))
    return hours.ready(hours.read(str(decided["opening_hours"])), begin, length, zone(conn))
