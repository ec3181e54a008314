"""Shows the papers of one subject: what was printed, what waits and why, what a person must say.

It must never offer a second paper while the first may still come out by itself.
"""

import secrets
from typing import Any, Final

from flask import render_template

from hub.printing import queries
from hub.printing.rules import WAITING, Job, State
from kiosk_ui import show
from kiosk_ui.counter import cards
from kiosk_ui.session import hub
from kiosk_ui.words import _, later

SHOWN: Final = 4
KINDS: Final = {
    "pickup_slip": later("Pickup slip"),
    "shelf_label": later("Shelf label"),
    "product_label": later("Product label"),
    "count_sheet": later("Count sheet"),
    "test_page": later("Test page"),
}
TONES: Final = {
    State.PRINTED: "ok",
    State.IN_DOUBT: "late",
    State.FAILED: "late",
    State.QUEUED: "accent",
    State.CANCELED: "",
    State.EXPIRED: "late",
}


def panel(kind: str, ref: str) -> str:
    """Return the panel with the section that refreshes itself."""
    return render_template("printing/panel.html", **shown(kind, ref))


def body(kind: str, ref: str, *, refused: str | None = None) -> str:
    """Return what stands inside it, with what was refused just now."""
    return render_template("printing/panel_body.html", refused=refused, **shown(kind, ref))


def shown(kind: str, ref: str) -> dict[str, Any]:
    """Return all that the panel's template needs."""
    with hub().reader() as connection:
        known = cards.Known(connection)
        found = queries.jobs(connection, kind=kind, ref=ref, limit=SHOWN)
        printers = queries.printers(connection)
        chosen = queries.choices(connection)
        jobs = [job_shown(job, known) for job in found]
    return {
        "kind": kind,
        "title": KINDS.get(kind, kind),
        "ref": ref,
        "papers": jobs,
        "printers": printers,
        "usual": chosen.slips_at
        if kind not in ("shelf_label", "product_label")
        else (chosen.labels_at),
        "busy": bool(found) and (found[0].state in WAITING or found[0].state is State.IN_DOUBT),
        "preview": hub().preview is not None,
        "new_key": lambda: secrets.token_hex(12),
    }


def job_shown(job: Job, known: cards.Known) -> dict[str, Any]:
    return {
        "job": job.job,
        "kind": KINDS.get(job.kind, job.kind),
        "ref": job.ref,
        "printer": job.printer,
        "state": job.state.value,
        "words": words(job),
        "tone": TONES.get(job.state, "soon"),
        "waits": job.state in WAITING,
        "doubt": job.state is State.IN_DOUBT,
        "at": show.at(job.changed_at, "%H:%M:%S"),
        "who": known.person(job.by) if job.by != "hub" else _("by itself"),
    }


def words(job: Job) -> str:
    """Return where a job stands in staff's words."""
    if job.state is State.PRINTED and job.detail == "unseen":
        return _("Sent; this printer cannot say whether it printed")
    if job.state is State.PRINTED and job.detail == "paper_low":
        return _("Printed; the roll ends soon")
    said = {
        State.QUEUED: _("On its way to the printer"),
        State.OFFLINE: _("Waits: the printer does not answer"),
        State.NO_PAPER: _("Waits: the printer has no paper"),
        State.COVER_OPEN: _("Waits: the printer’s cover is open"),
        State.TROUBLE: _("Waits: the printer reports a fault"),
        State.PRINTED: _("Printed"),
        State.IN_DOUBT: _("Did it print?"),
        State.FAILED: _("Not printed"),
        State.CANCELED: _("Canceled"),
        State.EXPIRED: _("Not printed in time"),
    }
    return said[job.state]
