"""Holds the one table of API operations: routes, roles, types and OpenAPI are read from it.

An operation must never be reachable without standing in this table.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Final, Literal, TypeVar

import msgspec
from flask import Blueprint, Response

from hub.commands import Reply
from hub.journal import Transaction
from kiosk_ui.ports import Hub
from kiosk_ui.pressing import as_response, parse, sent_by
from kiosk_ui.session import Person, hub, need

api = Blueprint("api", __name__, url_prefix="/api/v1")

Method = Literal["GET", "POST"]
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Query:
    """One query parameter, for the document only; the view reads and checks it."""

    name: str
    about: str
    required: bool = False
    kind: Literal["string", "integer"] = "string"


@dataclass(frozen=True)
class Operation:
    """One method of one path. `step` names who may (hub.staff.rules); None = anyone."""

    method: Method
    path: str
    about: str
    step: str | None
    answer: Any
    status: int = 200
    body: Any = None
    queries: tuple[Query, ...] = ()
    content: str = "application/json"


OPERATIONS: Final[list[Operation]] = []


@dataclass(frozen=True)
class Call:
    """What a command gets besides its body and the path's parts."""

    tx: Transaction
    actor: str
    cause: str
    person: Person
    hub: Hub
    # Shown in this answer alone: the reply that is kept for a repetition does not hold it.
    revealed: dict[str, Any] = field(default_factory=dict)


def read(
    path: str, about: str, *, step: str, answer: Any, queries: tuple[Query, ...] = ()
) -> Callable[[View], View]:
    """Register a GET whose view returns a JSON-able value."""

    def register(view: View) -> View:
        OPERATIONS.append(Operation("GET", path, about, step, answer, queries=queries))

        @wraps(view)
        def respond(**parts: Any) -> Response:
            need(step)
            return json_response(view(**_with_slashes(parts)))

        api.add_url_rule(path, view.__name__, respond, methods=["GET"])
        return view

    return register


def command(
    path: str,
    about: str,
    *,
    step: str,
    body: Any,
    answer: Any,
    status: int = 200,
    show: Callable[..., Any] | None = None,
    after: Callable[[Hub], None] | None = None,
    instead: Callable[..., Reply | None] | None = None,
) -> Callable[[View], View]:
    """Register a POST whose view runs in the writer's transaction and returns its answer.

    `show(tx, cause, **parts)` is the subject as it stands: the answer of a command whose append
    had that `cause`, when the reply itself is gone. `after(hub)` follows the commit.
    `instead(press, asked, subject)` answers, where it does not return None, what has to be asked
    elsewhere before it is decided here.
    """

    def register(view: View) -> View:
        OPERATIONS.append(Operation("POST", path, about, step, answer, status, body))

        @wraps(view)
        def respond(**parts: Any) -> Response:
            person, found, parts = need(step), hub(), _with_slashes(parts)
            sent = sent_by(person)
            asked = parse(body, sent.body)
            # A form that asks the same under the same key is the same command (counter.handover).
            press = replace(sent, body=msgspec.json.encode(asked))
            revealed: dict[str, Any] = {}

            def work(tx: Transaction, cause: str) -> tuple[int, Any]:
                revealed.clear()
                call = Call(tx, person.actor, cause, person, found, revealed)
                return status, view(call, asked, **parts)

            subject = None if show is None else lambda tx: show(tx, press.cause, **parts)
            found_elsewhere = None if instead is None else instead(press, asked, subject)
            reply = found_elsewhere or press.run(work, subject)
            if reply.status < 400 and after is not None:
                after(found)
            return as_response(_with(reply, revealed))

        api.add_url_rule(path, view.__name__, respond, methods=["POST"])
        return view

    return register


def _with(reply: Reply, revealed: dict[str, Any]) -> Reply:
    if not revealed or reply.replayed or reply.status >= 400:
        return reply
    return Reply(reply.status, msgspec.json.encode(msgspec.json.decode(reply.body) | revealed))


def _with_slashes(parts: dict[str, Any]) -> dict[str, Any]:
    # cheroot leaves an encoded slash as it is, so that a SKU like A/12 stays one part of the path.
    return {
        name: part.replace("%2F", "/") if isinstance(part, str) else part
        for name, part in parts.items()
    }


def json_response(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, content_type="application/json")
