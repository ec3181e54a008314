"""The counter's other lists: goods to put back on their shelves, customers who did not come, today.

It must never finish a task or an order by itself: a person ticks it off.
"""

import secrets
from typing import Any, Final

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hub.errors import HubError, NotFound
from hub.journal import Transaction
from hub.pickup import queries
from hub.tasks import actions as tasks
from hub.tasks import queries as work
from hub.tasks.rules import Kind
from kiosk_ui.counter import cards, page
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.session import hub, need
from kiosk_ui.words import _, later

counter_lists = Blueprint("counter_lists", __name__, url_prefix="/counter")
SHOWN: Final = 100
WHY: Final = {
    "BUYER_REQUEST": later("The customer canceled it"),
    "BUYER_NO_SHOW": later("Nobody came for it"),
    "BUYER_REJECTED": later("The customer refused it"),
    "OUT_OF_STOCK": later("Out of stock"),
    "STORE_CLOSED": later("The store was closed"),
}


@counter_lists.get("/back")
def back() -> str:
    need("tasks")
    return render_template("counter/back.html", here="counter", tab="back", **_back())


@counter_lists.get("/back/body")
def back_body() -> str:
    need("tasks")
    return render_template("counter/back_body.html", **_back())


@counter_lists.post("/back/<task_id>")
def put_back(task_id: str) -> BaseResponse:
    """The goods are on their shelves again."""
    person = need("tasks")
    with hub().reader() as connection:
        if work.task(connection, task_id).kind != Kind.RESHELVE:
            raise NotFound(_("There is no such task."))

    def run(tx: Transaction, cause: str) -> tuple[int, Any]:
        tasks.done(tx, task_id, actor=person.actor, cause=cause)
        return 200, {"task_id": task_id}

    key = request.form.get("key") or None
    try:
        refused = as_problem(Press(person, f"POST /api/v1/tasks/{task_id}/done", key).run(run))
    except HubError as error:
        refused = error.sentence
    return Response(render_template("counter/back_body.html", refused=refused, **_back()))


def _back() -> dict[str, Any]:
    """Return what to put back: the staging shelf it stands on, the goods, and where they go."""
    with hub().reader() as connection:
        known = cards.Known(connection)
        found = work.board(connection, kinds=[Kind.RESHELVE.value], limit=SHOWN)
        items = [
            {
                "task_id": task["task_id"],
                "why": WHY.get(task["reason"], task["reason"]),
                "opened_at": task["opened_at"],
                "order": queries.order(connection, task["order_id"]),
                "lines": [
                    page.line_shown(line, known)
                    for line in page.walked(queries.order(connection, task["order_id"])["lines"])
                    if line["canceled"]
                ],
            }
            for task in found
            if task["order_id"]
        ]
    return {"items": items, "counted": {"back": len(items)}, "keys": lambda: secrets.token_hex(12)}
