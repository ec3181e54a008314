"""Runs what a person or a program presses: parses the body, runs it once on the writer.

It must never answer before the commit, and never run a command again that was answered before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from flask import Response, request

from hub import commands
from hub.commands import Reply
from hub.errors import HubError, Invalid
from hub.journal import Transaction
from kiosk_ui.languages.sentences import told
from kiosk_ui.problems import TYPE, Malformed
from kiosk_ui.session import Person, hub

B = TypeVar("B")
# What a command does inside the writer's transaction: (tx, cause) -> (status, JSON-able answer)
Work = Callable[[Transaction, str], tuple[int, Any]]
LONGEST_KEY: Final = 255


@dataclass(frozen=True)
class Press:
    """One command as it was sent; the idempotency key counts per actor and route."""

    person: Person
    route: str
    key: str | None
    body: bytes = b""

    @property
    def cause(self) -> str:
        """The name of the append that this command had, when it came with a key."""
        return commands.cause_of(self.person.actor, self.route, self.key or "")

    def run(self, work: Work, subject: Callable[[Transaction], Any] | None = None) -> Reply:
        """Run `work` on the writer; raises Unavailable, else returns the (stored) reply."""
        return hub().writer.run(
            lambda tx: commands.run(
                tx,
                actor=self.person.actor,
                route=self.route,
                key=self.key,
                body=self.body,
                work=lambda cause: work(tx, cause),
                subject=None if subject is None else lambda: subject(tx),
            )
        )


def sent_by(person: Person) -> Press:
    """Return the command of the present API request."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= LONGEST_KEY:
        raise Invalid(
            f"Idempotency-Key has 1 to {LONGEST_KEY} characters.", field="Idempotency-Key"
        )
    return Press(person, f"{request.method} {request.path}", key, request.get_data())


def parse(kind: type[B], body: bytes) -> B:
    """Decode a JSON body. Malformed when it is no JSON, Invalid (naming the field) when wrong."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise wrong(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"The body is not JSON: {error}") from None


def wrong(error: msgspec.ValidationError) -> Invalid:
    """Return msgspec's words as an Invalid that names the field in dotted form."""
    words, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").replace("[", ".").replace("]", "").lstrip(".")
    for name in ("unknown field `", "required field `"):
        if name in words:
            inner = words.split(name, 1)[1].split("`", 1)[0]
            field = f"{field}.{inner}" if field else inner
    return Invalid(f"{words}." if not words.endswith(".") else words, field=field)


def as_response(reply: Reply) -> Response:
    """Return a reply as HTTP; a replayed one says so."""
    kind = TYPE if reply.status >= 400 else "application/json"
    body = _told(reply.body) if reply.status >= 400 else reply.body
    response = Response(body, reply.status, content_type=kind)
    if reply.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _told(body: bytes) -> bytes:
    """Return a problem in the reader's language: what is kept for a repetition is English."""
    problem = msgspec.json.decode(body)
    return msgspec.json.encode(problem | {"detail": told(problem.get("detail"))})


def as_problem(reply: Reply) -> str | None:
    """Return the sentence of a refused reply, None of a good one."""
    if reply.status < 400:
        return None
    return str(msgspec.json.decode(reply.body).get("detail", ""))


def pressed(person: Person, work: Callable[[Transaction, str], object]) -> str | None:
    """Run what a form asks for, once for its key; return the sentence of a refusal, else None."""

    def run(tx: Transaction, cause: str) -> tuple[int, Any]:
        work(tx, cause)
        return 200, {}

    form = {name: text for name, text in request.form.items() if name != "csrf_token"}
    key = form.pop("key", None) or None
    sent = Press(person, f"POST {request.path}", key, msgspec.json.encode(form))
    try:
        return as_problem(sent.run(run))
    except HubError as error:
        return error.sentence
