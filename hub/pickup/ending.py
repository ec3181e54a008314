"""The steps off the straight way: hold, resume, cancel, expire, and conflicts to be settled.

It must never leave units promised to an order that has ended.
"""

from datetime import UTC, timedelta, tzinfo
from typing import Final

from hub.chain import Entry
from hub.clock import stamp
from hub.house import queries as house
from hub.journal import Fact, Transaction
from hub.pickup import moves, queries, rules, watching
from hub.pickup.day import queries as days
from hub.pickup.facts import CancelRefused
from hub.pickup.intake import read_reason
from hub.pickup.lifecycle import Status
from hub.pickup.loading import append, holds, pick_tasks
from hub.pickup.order import PickupOrder
from hub.stock.work import trusted_now
from hub.tasks import queries as tasks
from hub.tasks.facts import TaskOpened
from hub.tasks.rules import Kind, decide_drop, decide_open

# How long goods stand on the staging shelf for a customer who doesn't come.
KEPT: Final = timedelta(days=7)
# Who says "I'm here" is waited for, whatever the term: an expired order has no way back.
ARRIVED: Final = timedelta(days=1)


def hold(tx: Transaction, order_id: str, reason: str, *, actor: str, cause: str) -> list[Entry]:
    order = queries.load(tx.conn, order_id)
    return append(tx, rules.decide_hold(order, read_reason(reason)), actor, cause)


def resume(tx: Transaction, order_id: str, *, actor: str, cause: str) -> list[Entry]:
    return append(tx, rules.decide_resume(queries.load(tx.conn, order_id)), actor, cause)


def cancel(tx: Transaction, order_id: str, reason: str, *, actor: str, cause: str) -> list[Entry]:
    """Give the order up: its units are free again, and what was picked goes back to its shelf."""
    order = queries.load(tx.conn, order_id)
    reason = read_reason(reason)
    facts: list[Fact] = [*rules.decide_cancel(order, reason)]
    return _give_up(tx, order, facts, reason, actor, cause)


def refuse_cancel(
    tx: Transaction, order_id: str, reason: str, *, actor: str, cause: str
) -> list[Entry]:
    """Tell central that its cancel is refused: it hears facts, and nothing else."""
    return append(tx, [CancelRefused(order_id=order_id, reason=reason)], actor, cause)


def expire(tx: Transaction, order_id: str, *, actor: str = "hub", cause: str) -> list[Entry]:
    """Nobody came in time."""
    order = queries.load(tx.conn, order_id)
    facts: list[Fact] = [*rules.decide_expiry(order)]
    return _give_up(tx, order, facts, "BUYER_NO_SHOW", actor, cause)


def overdue(tx: Transaction, kept: timedelta = KEPT, zone: tzinfo = UTC) -> list[str]:
    """Ids of the orders to expire now (the scheduler's job); none by a clock nobody trusts.

    `kept` counts where the store has no policy of its own.
    """
    if trusted_now(tx) is None:
        return []
    since = watching.ago(tx.conn, tx.now, watching.kept(tx.conn, kept), zone)
    arrived = stamp(watching.ago(tx.conn, tx.now, ARRIVED, zone))
    due = queries.due_to_expire(tx.conn, stamp(since), arrived)
    held = house.number(tx.conn, "hold_hours")
    if held:
        since = watching.ago(tx.conn, tx.now, timedelta(hours=held), zone)
        due += days.held_since(tx.conn, stamp(since), arrived)
    return due


def settle(tx: Transaction) -> int:
    """Ask a person about each fact that the lifecycle did not foresee; return how many are new.

    Each task is an append of its own with cause `conflict:{entry id}`, so it is made only once.
    """
    new = 0
    for entry, order_id, kind in queries.conflicts(tx.conn):
        cause = f"conflict:{entry}"
        if tx.knows(cause):
            continue
        facts = decide_open(
            None, Kind.CONFIRM, f"conflict:{entry}", kind, cause=cause, order_id=order_id
        )
        tx.append(facts, cause=cause, actor="hub")
        new += 1
    return new


def _give_up(
    tx: Transaction, order: PickupOrder, facts: list[Fact], reason: str, actor: str, cause: str
) -> list[Entry]:
    if not facts:
        return []
    order_id = order.order_id
    facts += moves.given_up(holds(tx, order_id), reason)
    stands = order.held_from if order.state is Status.ON_HOLD else order.state
    if stands is Status.IN_TRANSIT:
        facts += moves.not_coming(order)
    for task in pick_tasks(tx, order_id):
        facts += decide_drop(task, reason)
    broken = tasks.unfinished(tx.conn, Kind.BROKEN, f"order:{order_id}")
    if broken is not None:
        facts += decide_drop(broken, reason)
    if order.parcels_here and order.received_at is None:
        subject = f"order:{order_id}"
        waits = tasks.unfinished(tx.conn, Kind.PARCEL, subject)
        facts += decide_open(
            waits, Kind.PARCEL, subject, "PUT_ASIDE", cause=cause, order_id=order_id
        )
    # What came together for it stands in the back, where nobody looks for goods to sell.
    together = order.supply == "ship_to_store" and order.received_at is not None
    if any(line.to_hand_over > 0 or (together and line.pending > 0) for line in order.lines):
        facts += reshelve(tx, order_id, reason, cause)
    return append(tx, facts, actor, cause)


def reshelve(tx: Transaction, order_id: str, reason: str, cause: str) -> list[TaskOpened]:
    """Somebody is to put goods back; nothing new where that work waits already."""
    subject = f"order:{order_id}"
    waits = tasks.unfinished(tx.conn, Kind.RESHELVE, subject)
    return decide_open(waits, Kind.RESHELVE, subject, reason, cause=cause, order_id=order_id)
