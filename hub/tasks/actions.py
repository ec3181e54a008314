"""Opens, claims, finishes and drops work: load, decide, append.

It must never append more than once for one action.
"""

from collections.abc import Sequence

from hub.journal import Transaction
from hub.tasks import queries, rules
from hub.tasks.rules import Kind


def open_task(
    tx: Transaction,
    kind: Kind,
    subject: str,
    reason: str,
    *,
    actor: str,
    cause: str,
    sku: str | None = None,
    order_id: str | None = None,
) -> None:
    """Open work about `subject`; nothing happens when its task is unfinished."""
    unfinished = queries.unfinished(tx.conn, kind, subject)
    facts = rules.decide_open(
        unfinished, kind, subject, reason, cause=cause, sku=sku, order_id=order_id
    )
    _append(tx, facts, actor, cause)


def claim(
    tx: Transaction, task_id: str, *, actor: str, cause: str, holder: str | None = None
) -> None:
    """`holder` is the display name of the one who has it, for the sentence of a refusal."""
    task = queries.task(tx.conn, task_id)
    name = holder or task.claimed_by or "Somebody else"
    _append(tx, rules.decide_claim(task, actor, name), actor, cause)


def release(tx: Transaction, task_id: str, *, actor: str, cause: str) -> None:
    _append(tx, rules.decide_release(queries.task(tx.conn, task_id)), actor, cause)


def done(tx: Transaction, task_id: str, *, actor: str, cause: str) -> None:
    _append(tx, rules.decide_done(queries.task(tx.conn, task_id), actor), actor, cause)


def drop(tx: Transaction, task_id: str, reason: str, *, actor: str, cause: str) -> None:
    _append(tx, rules.decide_drop(queries.task(tx.conn, task_id), reason), actor, cause)


def _append(tx: Transaction, facts: Sequence[rules.TaskFact], actor: str, cause: str) -> None:
    if facts:
        tx.append(facts, cause=cause, actor=actor)
