"""Opens and ends the call for an order that nobody picks: load, decide, append.

It must never open a call by a clock that nobody trusts; one that is over it ends at any time.
"""

import secrets
from datetime import datetime, tzinfo
from sqlite3 import Connection

from hub.clock import parse
from hub.house import hours
from hub.house import queries as house
from hub.journal import Fact, Transaction, knows
from hub.pickup import accepting, queries
from hub.pickup.accepting import Call
from hub.pickup.day import queries as days
from hub.pickup.lifecycle import Status
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind, Task, decide_drop, decide_finish, decide_open


def due(conn: Connection, now: datetime, zone: tzinfo, *, trusted: bool) -> bool:
    """Is there a call to open or to end?"""
    calling = _calling(conn)
    if not calling and not house.number(conn, "accept_minutes"):
        return False
    waits = dict(days.unclaimed_since(conn))
    return bool(accepting.over(waits, calling) or (trusted and _new(conn, waits, now, zone)))


def call(tx: Transaction, zone: tzinfo) -> None:
    """End what is over, open what is due; each call is an append of its own, made once."""
    waits, calling = dict(days.unclaimed_since(tx.conn)), _calling(tx.conn)
    for task in accepting.over(waits, calling):
        _end(tx, task)
    if tx.quality == "unknown":
        return
    for one in _new(tx.conn, waits, tx.now, zone):
        subject = f"order:{one.order_id}"
        facts: list[Fact] = []
        # The later step replaces the earlier one: an order calls in one voice.
        for task in calling:
            if task.order_id == one.order_id:
                facts += decide_drop(task, one.reason)
        facts += decide_open(
            None, Kind.UNCLAIMED, subject, one.reason, cause=one.cause, order_id=one.order_id
        )
        tx.append(facts, cause=one.cause, actor="hub")
        tx.touch("pickup", f"pickup:{one.order_id}")


def _end(tx: Transaction, task: Task) -> None:
    order = queries.load(tx.conn, task.order_id or "")
    facts: list[Fact] = (
        [*decide_finish([task], order.claimed_by)]
        if order.state is Status.PICKING and order.claimed_by
        else [*decide_drop(task, "NO_LONGER_WAITS")]
    )
    tx.append(facts, cause=f"hub:{secrets.token_hex(16)}", actor="hub")
    tx.touch("pickup", f"pickup:{order.order_id}")


def _new(conn: Connection, waits: dict[str, str], now: datetime, zone: tzinfo) -> list[Call]:
    minutes = house.number(conn, "accept_minutes")
    # Who paused picking knows that nobody picks.
    if not minutes or not waits or house.pace(conn, now)["pace"] == "paused":
        return []
    week = hours.read(house.word(conn, "opening_hours"))
    steps = {
        order_id: accepting.step(week, parse(since), now, minutes, zone)
        for order_id, since in waits.items()
    }
    return [one for one in accepting.calls(waits, steps) if not knows(conn, one.cause)]


def _calling(conn: Connection) -> list[Task]:
    found = tasks.board(conn, kinds=[Kind.UNCLAIMED.value], limit=1000)
    return [tasks.task(conn, one["task_id"]) for one in found]
