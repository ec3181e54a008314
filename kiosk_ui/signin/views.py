"""Signs staff in by name and PIN, or by a scanned badge, and out.

It must never say which of name and PIN was wrong.
"""

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hub.errors import Refusal
from hub.staff import queries, rules
from hub.staff import signin as staff
from kiosk_ui import session
from kiosk_ui.session import hub
from kiosk_ui.words import _

signin = Blueprint("signin", __name__)
SCREEN = "counter"


@signin.get("/signin")
def page() -> str:
    if request.args.get("out"):
        session.sign_out()
    return _page()


@signin.post("/signin")
def enter() -> BaseResponse:
    """Check a PIN or a badge and go on to where the person wanted to be."""
    badge = request.form.get("badge", "").strip()
    run, reader = hub().writer.run, hub().reader
    try:
        if badge:
            member = staff.by_badge(run, reader, badge, SCREEN)
        else:
            staff_id, pin = request.form.get("staff_id", ""), request.form.get("pin", "")
            if not staff_id or not pin:
                return Response(_page(_("Choose your name and enter your PIN.")), 422)
            member = staff.by_pin(run, reader, staff_id, pin[:16], SCREEN)
    except Refusal as refusal:
        return Response(_page(refusal.sentence), 409)
    session.sign_in(member.staff_id)
    return redirect(session.safe_next(request.form.get("next")), 303)


@signin.post("/signout")
def leave() -> BaseResponse:
    session.sign_out()
    return redirect("/signin", 303)


def _page(refused: str | None = None) -> str:
    with hub().reader() as connection:
        members = queries.members(connection, active_only=True)
    chosen = request.form.get("staff_id")
    if chosen is None and len(members) == 1:
        chosen = members[0].staff_id
    return render_template(
        "signin.html",
        here="signin",
        members=[member for member in members if member.has_pin],
        chosen=chosen,
        refused=refused,
        badge_prefix=rules.BADGE,
        next=request.values.get("next", ""),
        pins={name: pin for name, _role, pin in hub().options.pins_shown},
    )
