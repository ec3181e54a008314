"""The pages of the associate's phone, and what its scans mean while nothing is claimed.

It must never decide: steps go to the API's commands, and refusals are shown as their sentence.
"""

from typing import Any, Final

import msgspec
from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as BaseResponse

from hub.errors import HubError, Invalid
from hub.journal import Transaction
from hub.pickup import selling, waves
from hub.tasks import actions as tasks
from kiosk_ui.api import bodies
from kiosk_ui.associate import lookup, work
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.scanning.views import WITH_WASM, secure_address
from kiosk_ui.session import Person, hub, need
from kiosk_ui.words import _

associate = Blueprint("associate", __name__, url_prefix="/associate")
TAKEN: Final = ("sku", "counted", "since", "confirm_break")
SHORT: Final = (
    ("NOT_IN_STOCK", "box"),
    ("DAMAGED", "alert"),
    ("MISMATCH", "swap"),
    ("WORN_DISPLAY", "floor"),
    ("PICK_LATER", "clock"),
)


@associate.get("")
def page() -> str:
    person = need("tasks")
    return render_template("associate/tasks.html", here="tasks", **work.shown(person))


@associate.get("/work")
def parts() -> str:
    person = need("tasks")
    return render_template("associate/tasks_body.html", **work.shown(person))


@associate.post("/wave")
def claim() -> BaseResponse:
    """Claim the chosen orders, or the next ones, and go picking."""
    person = need("claim")
    chosen = request.form.getlist("order_id")
    if not chosen:
        chosen = [one.order_id for one in work.shown(person)["waiting"]][
            : hub().options.wave_orders
        ]
    refused = _claim(person, chosen) if chosen else _("No order waits to be picked.")
    by_page = request.headers.get("HX-Request")
    if refused is None:
        target = url_for("associate.picking")
        return Response(headers={"HX-Redirect": target}) if by_page else redirect(target, 303)
    shown = work.shown(person)
    if by_page:
        return Response(render_template("associate/tasks_body.html", refused=refused, **shown))
    page = render_template("associate/tasks.html", here="tasks", refused=refused, **shown)
    return Response(page, 409)


def _claim(person: Person, chosen: list[str]) -> str | None:
    try:
        asked = msgspec.convert({"order_ids": chosen}, bodies.Wave)
    except msgspec.ValidationError:
        return _("A wave has at most %(n)s orders.", n=12)
    sent = Press(
        person, "POST /api/v1/waves", request.form.get("key") or None, msgspec.json.encode(asked)
    )

    def run(tx: Transaction, cause: str) -> tuple[int, Any]:
        waves.claim(tx, asked.order_ids, actor=person.actor, cause=cause)
        return 200, waves.picking(tx.conn, person.actor)

    return _refusal(sent, run)


@associate.get("/pick")
def picking() -> Response:
    """The wave: one line at a time. The page keeps the wave, so that it goes on in a dead zone."""
    person = need("pick")
    shown = render_template(
        "associate/pick.html",
        here="pick",
        actor=person.actor,
        reasons=SHORT,
        camera_off=True,
        secure=secure_address(),
    )
    return Response(shown, headers={"Content-Security-Policy": WITH_WASM})


@associate.get("/wave")
def wave() -> Response:
    """The wave as JSON, with the form token that this session's commands need."""
    person = need("pick")
    return jsonify(work.picking(person) | {"person": person.actor, "csrf": generate_csrf()})


@associate.get("/read")
def read() -> Response:
    """Say what a scanned text is: an article with its name, an order, a shelf, or nothing known."""
    need("catalog")
    text = request.args.get("text", "").strip()
    return jsonify(lookup.meaning(text[:4096], request.args.get("symbology", "")))


@associate.get("/find")
def find() -> Response:
    """Look an article up by words, code or camera."""
    need("catalog")
    text = request.args.get("q", "").strip()[:200]
    sku = lookup.sku_of(text) if text else None
    if sku is not None:
        return Response(status=303, headers={"Location": url_for("associate.article", sku=sku)})
    shown = render_template(
        "associate/find.html",
        here="find",
        q=text,
        found=lookup.search(text),
        camera_off=True,
        secure=secure_address(),
    )
    return Response(shown, headers={"Content-Security-Policy": WITH_WASM})


@associate.get("/articles/<path:sku>")
def article(sku: str) -> str:
    """Stock, places, price of one article, and why so many may be promised."""
    need("stock")
    return render_template("associate/article.html", here="find", **lookup.article(sku))


@associate.post("/tasks/<task_id>/<step>")
def task(task_id: str, step: str) -> Response:
    """Take, give back or finish a task; a count brings its number."""
    person = need("count" if step == "count" else "tasks")
    asked = {name: text for name, text in request.form.items() if name in TAKEN and text}
    sent = Press(
        person,
        f"POST /api/v1/tasks/{task_id}/{step}",
        request.form.get("key") or None,
        msgspec.json.encode(asked),
    )

    def run(tx: Transaction, cause: str) -> tuple[int, Any]:
        if step == "count":
            count = _counted(asked)
            selling.count(
                tx,
                count.sku,
                count.counted,
                count.since,
                actor=person.actor,
                cause=cause,
                confirmed=count.confirm_break,
            )
        else:
            acts = {"claim": tasks.claim, "release": tasks.release, "done": tasks.done}
            if step not in acts:
                raise Invalid(_("There is no such step."), field="step")
            acts[step](tx, task_id, actor=person.actor, cause=cause)
        return 200, {"task_id": task_id}

    refused, why = _refused(sent, run)
    # What a count would break is said first; the same number, once more, confirms it.
    sure = {"task_id": task_id, **asked} if why.endswith(f":{selling.BREAKS}") else None
    shown = render_template(
        "associate/tasks_body.html", refused=refused, sure=sure, **work.shown(person)
    )
    return Response(shown)


def _counted(asked: dict[str, str]) -> bodies.Count:
    try:
        return msgspec.convert(asked, bodies.Count, strict=False)
    except msgspec.ValidationError:
        raise Invalid(_("Enter how many units you counted."), field="counted") from None


def _refusal(sent: Press, run: Any) -> str | None:
    return _refused(sent, run)[0]


def _refused(sent: Press, run: Any) -> tuple[str | None, str]:
    """Return the sentence that says no, or None, and the type of the problem."""
    try:
        reply = sent.run(run)
    except HubError as error:
        return error.sentence, error.slug
    no = as_problem(reply)
    return no, "" if no is None else str(msgspec.json.decode(reply.body).get("type", ""))
