"""What happens to a piece of work: opened, claimed, done, dropped.

It must never hold anything personal: reasons are codes, people are actors.
"""

from typing import Final

import msgspec


class _TaskFact(msgspec.Struct, frozen=True, kw_only=True):
    task_id: str

    def topics(self) -> tuple[str, ...]:
        return (f"task:{self.task_id}", "tasks")


class TaskOpened(_TaskFact, frozen=True, kw_only=True):
    """`subject` is what the work is about (`sku:4711`, `order:R-1`); one open task a subject."""

    kind: str
    subject: str
    reason: str
    sku: str | None = None
    order_id: str | None = None
    due_at: str | None = None


class TaskClaimed(_TaskFact, frozen=True, kw_only=True):
    by: str


class TaskReleased(_TaskFact, frozen=True, kw_only=True):
    """The one who had claimed it gave it back; it is open again."""


class TaskDone(_TaskFact, frozen=True, kw_only=True):
    by: str


class TaskDropped(_TaskFact, frozen=True, kw_only=True):
    reason: str


FACTS: Final[dict[tuple[str, int], type]] = {
    (fact.__name__, 1): fact
    for fact in (TaskOpened, TaskClaimed, TaskReleased, TaskDone, TaskDropped)
}
