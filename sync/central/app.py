"""Assembles central's web application: doors, who may pass, one shape of error, its numbers.

It must never decide anything: a view parses, calls, renders.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Flask, Response, g, render_template, request
from prometheus_client import generate_latest
from werkzeug.exceptions import HTTPException

from hub.commands import problem, problem_of
from hub.errors import HubError, Unavailable
from sync.frames import PUSH_BYTES, RawPage

from . import (
    api,
    fleet_rules,
    fleet_views,
    hub_doors,
    notice_views,
    pages,
    points_views,
    return_doors,
    store_fleet,
    store_notices,
    store_promise,
    store_reroute,
    store_supply,
    supply_views,
)
from .inventory import Inventory
from .memory import Memory
from .metrics import INTAKE, Numbers
from .turns import Running, Turns
from .web import PROBLEM, NoToken, answer, inventory, numbers, problem_answer

BRAND: Final = "Store Hub"
# Should the word of a revocation at another worker get lost, it counts after this (seconds).
BEARERS_S: Final = 15.0
OF_STORES: Final = "/sync/v1/stores/"
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(inventory: Inventory, brand: str = BRAND, places: int = 48) -> Flask:
    """Return central as a WSGI application; the order page speaks in the name of `brand`.

    Two streams of each store may wait in `places`; a hub that finds none asks again in two seconds.
    """
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=inventory.page_secret,
        MAX_CONTENT_LENGTH=PUSH_BYTES,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME="storehub_central",
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_HEADERS_ENABLED=True,
    )
    app.extensions["inventory"] = inventory
    app.extensions["numbers"] = counted = Numbers()
    inventory.store.again = lambda why: counted.again.labels(why).inc()
    app.extensions["running"] = running = Running()
    app.extensions["turns"] = Turns(running)
    app.extensions["pushes"] = Turns(running)
    app.extensions["quiets"] = Memory[RawPage]()
    app.extensions["bearers"] = Memory[str](BEARERS_S)
    app.extensions["parked"] = threading.BoundedSemaphore(places)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(fleet_views.blueprint)
    app.register_blueprint(supply_views.blueprint)
    app.register_blueprint(points_views.blueprint)
    app.register_blueprint(hub_doors.blueprint)
    app.register_blueprint(return_doors.blueprint)
    app.register_blueprint(notice_views.blueprint)
    pages.register(app)
    app.jinja_env.globals["brand"] = brand
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(HubError, _shown)
    app.register_error_handler(HTTPException, _shown_http)
    app.add_url_rule("/healthz", "healthz", lambda: answer({"ok": True}))
    app.add_url_rule("/readyz", "readyz", _ready)
    app.add_url_rule("/metrics", "metrics", _metrics)
    return app


def full_for(app: Flask) -> Callable[[Mapping[str, Any]], Unavailable | None]:
    """Return what says, before anything is done, that there is no room for a hub's request."""
    turns, pushes = app.extensions["turns"], app.extensions["pushes"]
    counted: Numbers = app.extensions["numbers"]

    def full(environ: Mapping[str, Any]) -> Unavailable | None:
        path: str = environ.get("PATH_INFO", "")
        if not path.startswith(OF_STORES):
            return None
        brings = environ.get("REQUEST_METHOD") == "POST"
        line: Turns = pushes if brings else turns
        told = line.full()
        if told is not None and brings and path.endswith("/journal"):
            counted.refusals.labels("push", 503).inc()
        return told

    return full


def _wants_page() -> bool:
    machine = request.path.startswith(("/api/", "/sync/", "/metrics", "/healthz", "/readyz"))
    return not machine and request.accept_mimetypes.accept_html


def _shown(error: HubError) -> Response:
    status, shown = problem_of(error)
    if _wants_page():
        page = render_template("error.html", title=shown["title"], detail=error.sentence)
        return Response(page, status)
    if isinstance(error, NoToken):
        status, shown = 401, problem(401, error.slug, "Not known", error.sentence)
    elif error.slug == "unparsable":
        status, shown = 400, problem(400, error.slug, "Not readable", error.sentence)
    response = answer(shown, status)
    response.content_type = PROBLEM
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _shown_http(error: HTTPException) -> Response:
    status = error.code or 500
    if _wants_page():
        detail = error.description or ""
        return Response(render_template("error.html", title=error.name, detail=detail), status)
    slug = (error.name or "error").lower().replace(" ", "-")
    response = problem_answer(status, slug, error.name or "Error", error.description or "")
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _begin() -> None:
    g.began = time.perf_counter()


def _finish(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith(("/api", "/sync")):
        response.headers.setdefault("Cache-Control", "no-store")
    if response.status_code >= 400 and request.endpoint in INTAKE:
        numbers().refusals.labels(INTAKE[request.endpoint], response.status_code).inc()
    # A parked poll says nothing about how fast central is.
    if request.endpoint and request.endpoint != "hub_doors.feed" and "began" in g:
        took = time.perf_counter() - g.began
        numbers().seconds.labels(request.endpoint, response.status_code).observe(took)
    return response


def _ready() -> Response:
    lacks = inventory().store.why_not_ready()
    check = {"name": "writer", "ok": not lacks, "detail": lacks}
    return answer({"ready": not lacks, "checks": [check]}, 503 if lacks else 200)


def _metrics() -> Response:
    counted, store = numbers(), inventory().store
    now = store.clock.now()
    with store.reader() as conn:
        found = fleet_rules.fleet(store_fleet.stores(conn), now)
        rights = store_promise.held_by_store(conn)
        broken, moved = store_reroute.counts(conn)
        messages = store_notices.counts(conn)
        lent = store_supply.lent_by_store(conn)
        short = store_supply.breaks(conn)
    counted.show(found, rights, now)
    for store_id, units in lent.items():
        counted.lent.labels(store_id).set(units)
    counted.aisle_breaks.set(short)
    for state in notice_views.STATES:
        counted.messages.labels(state).set(messages.get(state, 0))
    counted.breaks.set(broken)
    counted.rerouted.set(moved)
    return Response(generate_latest(counted.registry), content_type="text/plain; version=0.0.4")
