"""Decides which work is opened, who may claim it and when it is over.

It must never open a second task for a subject that still has one of the same kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from hub.errors import Refusal
from hub.tasks.facts import TaskClaimed, TaskDone, TaskDropped, TaskOpened, TaskReleased


class Kind(StrEnum):
    PICK = "pick"
    COUNT = "count"
    RESHELVE = "reshelve"
    REPLENISH = "replenish"
    CONFIRM = "confirm"
    BROKEN = "broken"
    UNCLAIMED = "unclaimed"
    RETURN = "return"
    PARCEL = "parcel"


class State(StrEnum):
    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    DONE = "DONE"
    DROPPED = "DROPPED"


UNFINISHED: Final = (State.OPEN, State.CLAIMED)


@dataclass(frozen=True, slots=True)
class Task:
    task_id: str
    kind: str
    subject: str
    reason: str
    state: State = State.OPEN
    claimed_by: str | None = None
    sku: str | None = None
    order_id: str | None = None
    due_at: str | None = None


TaskFact = TaskOpened | TaskClaimed | TaskReleased | TaskDone | TaskDropped


def task_id(kind: Kind, subject: str, cause: str) -> str:
    """The same work opened by the same cause has the same name at every replay."""
    return "T-" + blake2b(f"{kind}\n{subject}\n{cause}".encode(), digest_size=8).hexdigest()


def decide_open(
    unfinished: Task | None,
    kind: Kind,
    subject: str,
    reason: str,
    *,
    cause: str,
    sku: str | None = None,
    order_id: str | None = None,
    due_at: str | None = None,
) -> list[TaskOpened]:
    """Open the work, unless its subject has an unfinished task of this kind (`unfinished`)."""
    if unfinished is not None:
        return []
    opened = TaskOpened(
        task_id=task_id(kind, subject, cause),
        kind=kind,
        subject=subject,
        reason=reason,
        sku=sku,
        order_id=order_id,
        due_at=due_at,
    )
    return [opened]


def decide_claim(task: Task, by: str, holder: str) -> list[TaskClaimed]:
    """`holder` is the name to show when somebody else has it. Claiming twice is one fact."""
    if task.state is State.CLAIMED and task.claimed_by == by:
        return []
    if task.state is State.CLAIMED:
        raise Refusal(f"{holder} is already working on this.", slug="claimed-by-another")
    _refuse_finished(task)
    return [TaskClaimed(task_id=task.task_id, by=by)]


def decide_release(task: Task) -> list[TaskReleased]:
    return [TaskReleased(task_id=task.task_id)] if task.state is State.CLAIMED else []


def decide_done(task: Task, by: str) -> list[TaskDone]:
    if task.state is State.DONE:
        return []
    _refuse_finished(task)
    return [TaskDone(task_id=task.task_id, by=by)]


def decide_drop(task: Task, reason: str) -> list[TaskDropped]:
    if task.state is State.DROPPED:
        return []
    _refuse_finished(task)
    return [TaskDropped(task_id=task.task_id, reason=reason)]


def decide_finish(unfinished: Sequence[Task], by: str) -> list[TaskDone]:
    """Close what another room's step has just settled, such as the count that was asked for."""
    return [TaskDone(task_id=task.task_id, by=by) for task in unfinished]


def _refuse_finished(task: Task) -> None:
    if task.state not in UNFINISHED:
        raise Refusal(f"This task is already {task.state.lower()}.", slug="task-finished")
