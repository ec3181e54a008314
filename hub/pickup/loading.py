"""What every step loads before it decides, and the one append after.

It must never decide.
"""

from collections.abc import Iterable
from datetime import datetime

from hub.chain import Entry
from hub.journal import Fact, Transaction
from hub.pickup import queries
from hub.pickup.order import PickupOrder
from hub.staff import queries as staff
from hub.stock import queries as stock_queries
from hub.stock.rules import Hold
from hub.tasks import queries as tasks
from hub.tasks.facts import TaskOpened
from hub.tasks.rules import Kind, Task, decide_open


def load(tx: Transaction, order_id: str) -> tuple[PickupOrder, str]:
    """The order, and the name of who is picking it."""
    order = queries.load(tx.conn, order_id)
    return order, staff_name(tx, order.claimed_by)


def staff_name(tx: Transaction, actor: str | None) -> str:
    kind, _, who = (actor or "").partition(":")
    member = staff.member(tx.conn, who) if kind == "staff" else None
    return member.name if member is not None else who or "Nobody"


def is_lead(tx: Transaction, actor: str) -> bool:
    kind, _, who = actor.partition(":")
    member = staff.member(tx.conn, who) if kind == "staff" else None
    return member is not None and member.role != "associate"


def holds(tx: Transaction, order_id: str) -> dict[str, Hold]:
    return stock_queries.holds_of_order(tx.conn, order_id)


def pick_tasks(tx: Transaction, order_id: str) -> list[Task]:
    found = tasks.unfinished(tx.conn, Kind.PICK, f"order:{order_id}")
    return [found] if found is not None else []


def open_pick(
    tx: Transaction, order_id: str, reason: str, cause: str, due_at: str | None
) -> list[TaskOpened]:
    subject = f"order:{order_id}"
    return decide_open(
        tasks.unfinished(tx.conn, Kind.PICK, subject),
        Kind.PICK,
        subject,
        reason,
        cause=cause,
        order_id=order_id,
        due_at=due_at,
    )


def append(
    tx: Transaction,
    facts: Iterable[Fact],
    actor: str,
    cause: str,
    occurred_at: datetime | None = None,
) -> list[Entry]:
    listed = list(facts)
    if not listed:
        return []
    return tx.append(listed, cause=cause, actor=actor, occurred_at=occurred_at)
