"""The counter's other lists: goods to put back on their shelves, customers who did not come, today.

It must never finish a task or an order by itself: a person ticks it off.
"""

import secrets
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask import Blueprint, Response, render_template, request
from flask_babel import get_locale
from werkzeug.wrappers import Response as BaseResponse

from hub.customers import queries as people
from hub.errors import HubError, NotFound
from hub.journal import Transaction
from hub.pickup import queries, watching
from hub.tasks import actions as tasks
from hub.tasks import queries as work
from hub.tasks.rules import Kind
from kiosk_ui import show
from kiosk_ui.api.experience import lately
from kiosk_ui.counter import cards, page, views
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.session import Person, hub, need
from kiosk_ui.words import _, later

counter_lists = Blueprint("counter_lists", __name__, url_prefix="/counter")
SHOWN: Final = 100
WHY: Final = {
    "BUYER_REQUEST": later("The customer canceled it"),
    "BUYER_NO_SHOW": later("Nobody came for it"),
    "BUYER_REJECTED": later("The customer refused it"),
    "OUT_OF_STOCK": later("Out of stock"),
    "STORE_CLOSED": later("The store was closed"),
    "CORRECTED": later("A lead found that it was not handed over"),
    "CAME_TOO_LATE": later("It came from elsewhere, and nobody waits for it any more"),
}
FELT: Final = {
    "fast": later("Fast"),
    "friendly": later("Friendly"),
    "found": later("Easy to find"),
    "clear": later("Clear messages"),
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


@counter_lists.get("/missed")
def missed() -> str:
    need("customers")
    return render_template("counter/missed.html", here="counter", tab="missed", **_missed())


@counter_lists.get("/missed/body")
def missed_body() -> str:
    need("customers")
    return render_template("counter/missed_body.html", **_missed())


@counter_lists.post("/missed/<order_id>")
def give_up(order_id: str) -> BaseResponse:
    """Nobody came, and a person decides so: the goods go back to their shelves."""
    person = need("cancel")
    refused = views.take(person, order_id, "cancel", {"reason": "BUYER_NO_SHOW"})
    return Response(render_template("counter/missed_body.html", refused=refused, **_missed()))


@counter_lists.get("/day")
def day() -> str:
    person = need("orders")
    return render_template("counter/day.html", here="counter", tab="day", **_day(person))


@counter_lists.get("/day/body")
def day_body() -> str:
    person = need("orders")
    return render_template("counter/day_body.html", **_day(person))


def _missed() -> dict[str, Any]:
    """Return the ready orders whose customers should have come, with how to reach them."""
    now = hub().clock.now()
    with hub().reader() as connection:
        known = cards.Known(connection)
        items = [
            {
                "order": order,
                "waited": show.span(order["waited_s"]),
                "customer": people.person(connection, order["customer_ref"] or ""),
                "images": [known.image(line["sku"]) for line in order["lines"][: cards.THUMBS]],
                "units": sum(line["picked"] - line["handed_over"] for line in order["lines"]),
            }
            for order in watching.no_shows(connection, now, zone())
        ]
    return {"items": items, "keys": lambda: secrets.token_hex(12)}


def _day(person: Person) -> dict[str, Any]:
    """Return the day's figures, from the store's midnight; for a lead what customers said too."""
    with hub().reader() as connection:
        found = watching.day(connection, watching.today(hub().clock.now(), zone()))
    said = _said() if person.may("feedback") else None
    return {"day": found, "reasons": dict(page.SHORT), "lasting": lasting, "said": said}


def _said() -> dict[str, Any]:
    """Return the rows of figures (today, week by week) and the latest that customers said."""
    found = lately()
    rows = [(_("Today"), found["today"])]
    for week in found["weeks"]:
        last = date.fromisoformat(week["last_day"])
        day = format_skeleton("MMMd", last, locale=get_locale())
        rows.append((_("7 days to %(day)s", day=day), week))
    return {"rows": rows, "latest": found["latest"], "felt": FELT}


def lasting(seconds: int | None) -> str:
    """Return a length of time as staff say it; a dash where nothing was timed."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return _("%(n)s s", n=seconds)
    if seconds < 5400:
        return _("%(n)s min", n=round(seconds / 60))
    return _("%(h)s h %(m)s min", h=seconds // 3600, m=seconds % 3600 // 60)


def zone() -> ZoneInfo:
    return ZoneInfo(hub().options.timezone)


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
                    if line["to_put_back"]
                ],
            }
            for task in found
            if task["order_id"]
        ]
    return {"items": items, "counted": {"back": len(items)}, "keys": lambda: secrets.token_hex(12)}
