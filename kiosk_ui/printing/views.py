"""Paper: the panel's buttons, and the page of printers with what waits at each.

It must never print without somebody who pressed a button, and never show a paper to nobody.
"""

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from hub.errors import HubError, NotFound
from hub.journal import Transaction
from hub.printing import actions, queries
from hub.printing.rules import Kind
from kiosk_ui.api.printing import drawn
from kiosk_ui.counter import cards
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.printing import panel
from kiosk_ui.session import Person, hub, need
from kiosk_ui.words import _

printing = Blueprint("printing", __name__, url_prefix="/print")
ROWS: Final = 40
SHEETS: Final = 6
Act = Callable[[Transaction, str], Any]


@printing.get("")
def page() -> str:
    need("print")
    return render_template("printing/page.html", here="console", **shown())


@printing.get("/parts")
def parts() -> str:
    need("print")
    return render_template("printing/parts.html", **shown())


@printing.get("/panel")
def panel_of() -> str:
    need("print")
    kind, ref = request.args.get("kind", ""), request.args.get("ref", "")
    return panel.panel(kind, ref) if "whole" in request.args else panel.body(kind, ref)


@printing.get("/preview")
def preview() -> Response:
    """Show a paper as it would be printed now."""
    need("print")
    return drawn(request.args.get("kind", ""), request.args.get("ref", ""))


@printing.post("/papers")
def print_paper() -> BaseResponse:
    """Print what the form asks for."""
    person, form = need("print"), request.form
    kind, ref = form.get("kind", ""), form.get("ref", "").strip()
    where, copies = form.get("printer") or None, _number(form.get("copies"))

    def act(tx: Transaction, cause: str) -> Any:
        return actions.print_(
            tx, kind, ref, key=cause, actor=person.actor, printer=where, copies=copies
        )

    return _answer(person, "POST /api/v1/print", act)


@printing.post("/jobs/<job>/<step>")
def press(job: str, step: str) -> BaseResponse:
    """yes, no: did it print? · again: once more · cancel: not any more."""
    person = need("print")
    steps: dict[str, Act] = {
        "yes": lambda tx, cause: actions.answer(tx, job, True, actor=person.actor, cause=cause),
        "no": lambda tx, cause: actions.answer(tx, job, False, actor=person.actor, cause=cause),
        "again": lambda tx, cause: actions.again(tx, job, actor=person.actor, key=cause),
        "cancel": lambda tx, cause: actions.cancel(tx, job, actor=person.actor, key=cause),
    }
    if step not in steps:
        raise NotFound(_("There is no such step."))
    return _answer(person, f"POST /print/jobs/{job}/{step}", steps[step])


@printing.get("/sheets/<name>.png")
def sheet(name: str) -> Response:
    """Show a sheet that came out of the sample store's printer."""
    need("print")
    sample = hub().paper
    found = None if sample is None else sample.sheet(name)
    if found is None:
        raise NotFound(_("There is no such sheet."))
    return Response(found, content_type="image/png")


@printing.post("/roll/<what>")
def roll(what: str) -> BaseResponse:
    """Take the paper out of the sample store's printer, or put it in."""
    need("print")
    sample = hub().paper
    if sample is None or what not in ("in", "out"):
        raise NotFound(_("Only the sample store’s printer can be emptied here."))
    sample.load(what == "in")
    return Response(render_template("printing/parts.html", **shown()))


def _answer(person: Person, route: str, act: Act) -> BaseResponse:
    """Run `act` once, and show the panel or the page as it stands then."""
    form = request.form
    pressed = Press(person, route, form.get("key") or None, repr(sorted(form.items())).encode())
    try:
        reply = pressed.run(lambda tx, cause: (200, act(tx, cause)))
        refused = as_problem(reply)
    except HubError as error:
        refused = error.sentence
    if not request.headers.get("HX-Request"):
        return redirect(url_for("printing.page"), 303)
    if form.get("from") == "page":
        said = refused or _("It is on its way to the printer.")
        toast = render_template(
            "parts/toast.html", sentence=said, tone="refused" if refused else "done"
        )
        # The form stands outside of what was swapped: its next press is another command.
        key = render_template("printing/key.html", swap=True)
        return Response(render_template("printing/parts.html", **shown()) + toast + key)
    return Response(panel.body(form.get("kind", ""), form.get("ref", "").strip(), refused=refused))


def shown() -> dict[str, Any]:
    """Return all that the page shows, from one read."""
    with hub().reader() as connection:
        known = cards.Known(connection)
        jobs = [panel.job_shown(job, known) for job in queries.jobs(connection, limit=ROWS)]
        printers = queries.printers(connection)
    sample = hub().paper
    if sample is not None and not sample.there():
        sample = None
    return {
        "papers": jobs,
        "printers": [
            {"id": name, "waiting": [j for j in jobs if j["printer"] == name and j["waits"]]}
            for name in printers
        ],
        "kinds": [(kind.value, panel.KINDS[kind]) for kind in Kind if kind is not Kind.TEST_PAGE],
        "sample": sample is not None,
        "loaded": sample is None or sample.loaded(),
        "sheets": [] if sample is None else list(sample.sheets())[:SHEETS],
    }


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 4 else 1
