"""Decides when an order that nobody picks calls for somebody, and when the call is over; pure.

It must never call twice for one step of one wait, and never while the store is closed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from hub.house import hours
from hub.tasks.rules import Task

# Why a task of kind UNCLAIMED was opened, by step: after the policy's minutes, after twice those.
REASONS: Final = ("UNCLAIMED", "STILL_UNCLAIMED")


class Call(NamedTuple):
    """One step of one order's wait; `cause` names it, so that it is called once for ever."""

    order_id: str
    step: int
    cause: str

    @property
    def reason(self) -> str:
        return REASONS[self.step - 1]


def step(week: hours.Week, since: datetime, now: datetime, minutes: int, zone: tzinfo) -> int:
    """Return how often an order has called that waits `since`: 0, 1 or 2. Closed hours are none."""
    if not minutes or not hours.is_open(week, now, zone):
        return 0
    marks = (
        hours.before(week, now, timedelta(minutes=minutes * (n + 1)), zone)
        for n in range(len(REASONS))
    )
    return sum(since <= mark for mark in marks)


def calls(waits: Mapping[str, str], steps: Mapping[str, int]) -> list[Call]:
    """Return the calls that are due: `waits` (order → since when), `steps` (order → step)."""
    return [
        Call(order_id, steps[order_id], f"hub:unclaimed:{order_id}:{since}:{steps[order_id]}")
        for order_id, since in waits.items()
        if steps.get(order_id)
    ]


def over(waits: Mapping[str, str], tasks: Sequence[Task]) -> list[Task]:
    """Return the calls whose orders nobody has to pick any more: claimed, held, given up."""
    return [task for task in tasks if task.order_id not in waits]
