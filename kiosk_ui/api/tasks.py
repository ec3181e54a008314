"""Work to be done in the store: picks, counts, goods to put back.

It must never decide who may; the room's rules do.
"""

from typing import Any

from flask import request

from hub.errors import Invalid
from hub.journal import Transaction
from hub.tasks import actions, queries
from hub.tasks.rules import Kind
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import Call, Query, command, read
from kiosk_ui.api.orders import asked_limit
from kiosk_ui.session import hub


@read(
    "/tasks",
    "Unfinished work, what is due first on top.",
    step="tasks",
    answer=bodies.Listed,
    queries=(
        Query("kind", "One kind or several, separated by commas."),
        Query("limit", "At most so many, 100 unless told.", kind="integer"),
    ),
)
def tasks() -> Any:
    kinds = [word for word in request.args.get("kind", "").split(",") if word]
    known = {kind.value for kind in Kind}
    for kind in kinds:
        if kind not in known:
            raise Invalid(f"{kind} is no kind of task.", field="kind")
    with hub().reader() as connection:
        found = queries.board(connection, kinds=kinds or None, limit=asked_limit())
    return {"items": found, "next": None}


@command(
    "/tasks/<task_id>/claim",
    "Take a task.",
    step="tasks",
    body=bodies.Nothing,
    answer=bodies.Done,
    show=lambda tx, cause, task_id: _answer(tx, task_id),
)
def task_claim(call: Call, asked: bodies.Nothing, task_id: str) -> Any:
    actions.claim(call.tx, task_id, actor=call.actor, cause=call.cause)
    return _answer(call.tx, task_id)


@command(
    "/tasks/<task_id>/release",
    "Give a task back.",
    step="tasks",
    body=bodies.Nothing,
    answer=bodies.Done,
    show=lambda tx, cause, task_id: _answer(tx, task_id),
)
def task_release(call: Call, asked: bodies.Nothing, task_id: str) -> Any:
    actions.release(call.tx, task_id, actor=call.actor, cause=call.cause)
    return _answer(call.tx, task_id)


@command(
    "/tasks/<task_id>/done",
    "Finish a task.",
    step="tasks",
    body=bodies.Nothing,
    answer=bodies.Done,
    show=lambda tx, cause, task_id: _answer(tx, task_id),
)
def task_done(call: Call, asked: bodies.Nothing, task_id: str) -> Any:
    actions.done(call.tx, task_id, actor=call.actor, cause=call.cause)
    return _answer(call.tx, task_id)


def _answer(tx: Transaction, task_id: str) -> dict[str, Any]:
    found = queries.task(tx.conn, task_id)
    return {"task_id": task_id, "state": found.state.value, "claimed_by": found.claimed_by}
