"""The console for field IT: the line, devices, what is in quarantine and why, health, people.

It must never show a payload as markup, and never a secret.
"""

from typing import Any

from flask import Blueprint, Response, render_template, request

from hub import quarantine
from hub.errors import NotFound, Unavailable
from hub.fleet import queries as fleet
from hub.fleet.watch import queries as watch
from hub.journal import Transaction
from hub.staff import queries as staff
from kiosk_ui.api.experience import of_day
from kiosk_ui.api.fleet import seen_devices
from kiosk_ui.console import wording
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.session import hub, need
from kiosk_ui.show import span
from kiosk_ui.words import _

console = Blueprint("console", __name__, url_prefix="/console")
PREVIEW = 160
ROWS = 50


@console.get("")
def page() -> str:
    need("console")
    return render_template("console/page.html", here="console", **shown())


@console.get("/parts")
def parts() -> str:
    need("console")
    return render_template("console/parts.html", **shown())


@console.post("/quarantine/<int:item_id>/replay")
def replay(item_id: int) -> Response:
    """Try a quarantined message again and show what came of it."""
    person = need("quarantine")
    again = hub().replay
    if again is None:
        raise Unavailable(_("This hub takes no messages in at the moment."))

    def work(tx: Transaction, cause: str) -> tuple[int, Any]:
        return 200, {"outcome": again(tx, item_id)}

    route = f"POST /api/v1/quarantine/{item_id}/replay"
    reply = Press(person, route, request.form.get("key") or None).run(work)
    refused = as_problem(reply)
    sentence = refused or _("Message %(id)s was tried again: see what came of it.", id=item_id)
    toast = render_template(
        "parts/toast.html", sentence=sentence, tone="refused" if refused else "done"
    )
    return Response(render_template("console/parts.html", **shown()) + toast)


@console.get("/quarantine/<int:item_id>")
def message(item_id: int) -> str:
    """Show one quarantined message whole, as text."""
    need("console")
    with hub().reader() as connection:
        row = quarantine.get(connection, item_id)
    if row is None:
        raise NotFound(_("There is no such message."))
    text = row.body.decode("utf-8", "replace")
    return render_template("console/message.html", here="console", row=row, text=text)


def shown() -> dict[str, Any]:
    """Return all that the console shows, from one read."""
    with hub().reader() as connection:
        rows = quarantine.waiting(connection, ROWS)
        total = quarantine.count(connection)
        dropped = quarantine.dropped(connection)
        members = staff.members(connection)
        tokens = [token for token in staff.tokens(connection) if token.revoked_at is None]
        sign_ins = staff.sign_ins(connection, 5)
        waiting = len(fleet.sightings(connection))
    active = [one for one in seen_devices() if one.state != "revoked"]
    return {
        "status": hub().status(),
        "felt": of_day(),
        "checks": hub().checks(),
        "line": hub().line,
        "devices": active,
        "here_now": sum(one.state == "online" for one in active),
        "troubled": [one for one in watch.by_urgency(active) if one.needs],
        "waiting": waiting,
        "say": wording,
        "messages": [(row, preview(row.body)) for row in rows],
        "quarantined": total,
        "dropped": sum(dropped.values()),
        "members": members,
        "tokens": tokens,
        "sign_ins": sign_ins,
        "span": span,
    }


def preview(body: bytes) -> str:
    """Return the beginning of a payload as printable text."""
    text = body[: PREVIEW * 2].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "·" for c in text)[:PREVIEW]
