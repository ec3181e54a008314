"""Builds the Flask app of one hub: extensions, hooks and one blueprint a screen.

It must never hold state of its own besides the hub that it shows and the stream that it feeds.
"""

import importlib.metadata
from datetime import timedelta

from flask import Flask, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect

from kiosk_ui import assets, branding, health, problems, security, show, sight
from kiosk_ui.api import blueprint as api
from kiosk_ui.associate.phone import associate
from kiosk_ui.console.house import house
from kiosk_ui.console.letting_in import fleet
from kiosk_ui.console.views import console
from kiosk_ui.counter.arrivals import counter_arrivals
from kiosk_ui.counter.away import away
from kiosk_ui.counter.handover import handover
from kiosk_ui.counter.lists import counter_lists
from kiosk_ui.counter.signature import signature
from kiosk_ui.counter.views import counter
from kiosk_ui.languages import choice
from kiosk_ui.lobby.views import lobby
from kiosk_ui.ports import Hub
from kiosk_ui.printing.views import printing
from kiosk_ui.returns.views import returns
from kiosk_ui.scanning.views import scanning
from kiosk_ui.session import bearer, who
from kiosk_ui.shelves.views import shelves
from kiosk_ui.signin.views import signin
from kiosk_ui.start.views import start
from kiosk_ui.stream import Stream
from kiosk_ui.touched import Touched


def create_app(hub: Hub, *, testing: bool = False) -> Flask:
    """Return the app that shows `hub`, with its stream running."""
    app = Flask("kiosk_ui", static_folder=None)
    app.config.update(
        SECRET_KEY=hub.secret_key,
        SESSION_COOKIE_NAME="storehub",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=hub.options.secure_cookies,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        MAX_CONTENT_LENGTH=hub.options.max_body_bytes,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_STORAGE_URI="memory://",
        PROPAGATE_EXCEPTIONS=testing,
        TESTING=testing,
    )
    app.extensions["storehub"] = hub
    app.extensions["storehub_version"] = importlib.metadata.version("storehub")
    stream = Stream(hub.ring, lambda: states(hub), cap=hub.options.screens + 20)
    app.extensions["storehub_stream"] = stream
    touched = Touched()
    hub.ring.subscribe(touched.note)
    app.extensions["storehub_touched"] = touched
    problems.install(app)
    security.install(app)
    assets.install(app)
    branding.install(app)
    sight.install(app)
    show.install(app)
    choice.install(app, hub.options.timezone)
    _protect(app, hub)
    for blueprint in (
        start,
        signin,
        counter,
        handover,
        counter_arrivals,
        counter_lists,
        signature,
        returns,
        associate,
        lobby,
        away,
        shelves,
        scanning,
        printing,
        console,
        fleet,
        house,
        api,
    ):
        app.register_blueprint(blueprint)
    health.install(app)
    stream.start()
    return app


def states(hub: Hub) -> dict[str, object]:
    """Return what screens show that is no fact: the line to central, the devices."""
    line = hub.line.status() if hub.line is not None else None
    return {"sync": hub.sync_state(), "line": line}


def _protect(app: Flask, hub: Hub) -> None:
    csrf = CSRFProtect(app)

    @app.before_request
    def _same_site() -> None:
        # A bearer token is sent by a program on purpose; a cookie by any page that can. A program
        # that forgot its token has no session that could be abused: it is told to sign in (401).
        forgot = request.path.startswith("/api/") and "staff" not in session
        if request.method not in ("GET", "HEAD", "OPTIONS") and bearer() is None and not forgot:
            csrf.protect()

    limiter = Limiter(get_remote_address, app=app)
    # Who is known is not slowed down; whoever guesses tokens is.
    limiter.limit(hub.options.stranger_limit, exempt_when=lambda: who() is not None)(api)
    limiter.limit(hub.options.signin_limit, methods=["POST"])(signin)
