"""Knows who asks: staff signed in by PIN or badge, or a program with a bearer token.

It must never keep a PIN, a badge text or a token, and never trust a role that the cookie claims:
the session and its person are looked up at each request, so that a copied cookie is worth nothing
once its session was ended.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from flask import current_app, g, request, session, url_for

from hub.clock import parse, stamp
from hub.errors import Forbidden, HubError
from hub.staff import actions, rules
from hub.staff import queries as staff
from kiosk_ui.ports import Hub
from kiosk_ui.problems import SignInRequired
from kiosk_ui.scanning import screens

# A refresh that the page does by itself is no sign of a person (automatic sign-out).
UNATTENDED: Final = "X-Unattended"
# The cookie is not written anew at every click.
STEP: Final = timedelta(seconds=5)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Person:
    """Who asks. `actor` is the name that facts carry."""

    actor: str
    name: str
    role: str
    program: bool = False

    def may(self, step: str) -> bool:
        return rules.may(self.role, step)

    @property
    def initials(self) -> str:
        return initials(self.name)


def initials(name: str) -> str:
    """Return the first letters of a first and a last name."""
    parts = name.split()
    return "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper() or "?"


def hub() -> Hub:
    """Return the hub that this app shows."""
    found: Hub = current_app.extensions["storehub"]
    return found


def bearer() -> str | None:
    """Return the bearer token of this request, if it has one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def who() -> Person | None:
    """Return who asks, or None. Looked up once a request."""
    if "person" not in g:
        token = bearer()
        g.person = _program(token) if token else _staff()
    found: Person | None = g.person
    return found


def standing() -> Callable[[], bool] | None:
    """Return how to ask later whether this session or token still stands; None for strangers."""
    if who() is None:
        return None
    token, store = bearer(), hub()
    digest = rules.token_digest(token) if token else rules.session_digest(session["id"])
    since = None if token else parse(session["since"])

    def stands() -> bool:
        # When the screen was last used stands in its cookie alone; the shift is known here as well.
        if since is not None and store.clock.now() - since >= rules.LONGEST_SESSION:
            return False
        with store.reader() as connection:
            return staff.stands(connection, digest)

    return stands


def need(step: str) -> Person:
    """Return who asks, if their role may do `step` (hub.staff.rules)."""
    person = who()
    if person is None:
        raise SignInRequired("Sign in, or send a bearer token.")
    meant = request.headers.get("X-Person")
    if meant and meant != person.actor:
        # A page of somebody who was signed in here before must not act in this one's name.
        raise SignInRequired("Somebody else is signed in here.")
    if not person.may(step):
        raise Forbidden(f"The role {person.role} may not do this.")
    return person


def sign_in(staff_id: str) -> None:
    """Begin a session for a person whose PIN or badge has been checked."""
    sign_out()
    now = stamp(hub().clock.now())
    session["id"] = hub().writer.run(lambda tx: actions.begin_session(tx, staff_id))
    session["staff"], session["since"], session["used"] = staff_id, now, now


def sign_out() -> None:
    """End this browser's session, at the hub too: a copy of its cookie is refused from now on."""
    screens.leave(hub())
    ended = session.get("id")
    session.clear()
    if ended is None:
        return
    try:
        hub().writer.run(lambda tx: actions.end_session(tx, ended))
    except HubError as error:
        # Whoever signs out is signed out here, whatever the disk says; the shift ends the copies.
        log.warning("A session could not be ended at the hub: %s", error.sentence)


def safe_next(text: str | None) -> str:
    """Return a path of this site to go on to; anything else leads to the counter."""
    if not of_this_site(text) or urlsplit(text or "").path.startswith(("/signin", "/api/")):
        return url_for("counter.board")
    return text or "/"


def of_this_site(text: str | None) -> bool:
    """Is this a path of this site, and nothing that a browser would take for another one?

    Browsers drop tabs and line ends, read \\ as /, and take two slashes or more for a host.
    """
    if not text or not text.isprintable() or "\\" in text:
        return False
    return text.startswith("/") and not text.startswith("//")


def _program(token: str) -> Person | None:
    with hub().reader() as connection:
        found = staff.token(connection, token)
    if found is None:
        return None
    return Person(f"token:{found.name}", found.name, found.role, program=True)


def _staff() -> Person | None:
    staff_id = session.get("staff")
    if staff_id is None:
        return None
    now, idle = hub().clock.now(), timedelta(minutes=hub().options.signout_minutes)
    since, used = parse(session["since"]), parse(session["used"])
    if rules.session_over(since, used, now, idle):
        sign_out()
        return None
    if UNATTENDED not in request.headers and now - used >= STEP:
        session["used"] = stamp(now)
    with hub().reader() as connection:
        # A cookie of an older release names no session.
        found = staff.in_session(connection, session.get("id", ""))
    if found is None or found.staff_id != staff_id:
        # Ended already: whoever shows a copy again and again makes the hub write nothing.
        screens.leave(hub())
        session.clear()
        return None
    return Person(f"staff:{staff_id}", found.name, found.role)
