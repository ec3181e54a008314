"""What every view of central shares: who asks, what they may, answers and problems.

It must never let a view answer before the commit, nor show an error in a second shape.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any, Final, cast

import msgspec
from flask import Response, current_app, g, request

from hub.commands import Reply, problem
from hub.errors import Forbidden, HubError, Invalid
from sync.frames import JSON, RawPage

from . import store_access
from .inventory import Inventory
from .memory import Memory
from .metrics import Numbers
from .replies import Command
from .replies import run as run_once
from .turns import Turns

PROBLEM: Final = "application/problem+json"
MAY: Final = {
    "admin": frozenset({"orders", "catalog", "read", "admin"}),
    "orders": frozenset({"orders", "read"}),
    "catalog": frozenset({"catalog", "read"}),
    "read": frozenset({"read"}),
}


def inventory() -> Inventory:
    return cast(Inventory, current_app.extensions["inventory"])


def numbers() -> Numbers:
    return cast(Numbers, current_app.extensions["numbers"])


def parked() -> threading.BoundedSemaphore:
    """The places for those who wait in a long poll."""
    return cast(threading.BoundedSemaphore, current_app.extensions["parked"])


def quiets() -> Memory[RawPage]:
    """What hubs were told that have nothing to read."""
    return cast(Memory[RawPage], current_app.extensions["quiets"])


def bearers() -> Memory[str]:
    """Whose credential that of a digest is."""
    return cast(Memory[str], current_app.extensions["bearers"])


def turns() -> Turns:
    """Which of the hubs that ask for something may work now."""
    return cast(Turns, current_app.extensions["turns"])


def pushes() -> Turns:
    """Which of the hubs that bring something may work now."""
    return cast(Turns, current_app.extensions["pushes"])


def bearer() -> str:
    """Return the bearer token of this request, or ""."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


class NoToken(HubError):
    """Who asks did not say who they are, or is not known."""

    slug = "unauthorized"


def may(right: str) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Let only tokens pass whose role has `right`; the name of the token is then `g.actor`."""

    def guard(view: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(view)
        def guarded(**parts: Any) -> Response:
            with inventory().store.reader() as conn:
                known = store_access.token_of(conn, bearer())
            if known is None:
                raise NoToken("This needs a token: Authorization: Bearer TOKEN.")
            name, role = known
            if right not in MAY[role]:
                raise Forbidden(f"A token of role {role} may not do that; it needs {right}.")
            g.actor, g.rights = f"token:{name}", MAY[role]
            return view(**parts)

        return guarded

    return guard


def once(work: Callable[[Any], tuple[int, Any, bool]]) -> Response:
    """Run a command with this request's Idempotency-Key; answer after its commit."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= 200:
        raise Invalid("An Idempotency-Key has 1 to 200 characters.", field="Idempotency-Key")
    command = Command(g.actor, request.path, key, request.get_data())
    return _reply(inventory().store.run(lambda tx: run_once(tx, command, work)))


def _reply(reply: Reply) -> Response:
    kind = PROBLEM if reply.status >= 400 else JSON
    response = Response(reply.body, reply.status, content_type=kind)
    if reply.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def answer(shown: Any, status: int = 200) -> Response:
    """Answer JSON."""
    return Response(msgspec.json.encode(shown), status, content_type=JSON)


def problem_answer(status: int, slug: str, title: str, detail: str, **more: Any) -> Response:
    """Answer a problem (RFC 9457)."""
    response = answer(problem(status, slug, title, detail) | more, status)
    response.content_type = PROBLEM
    return response
