"""The hub about itself: status, quarantine, the event stream and this document.

It must never show a secret, and never hold a worker thread for a stream.
"""

import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

from flask import Response, current_app, request

from hub import quarantine
from hub.errors import Invalid, NotFound, Unavailable
from kiosk_ui.api import bodies, openapi
from kiosk_ui.api.contract import (
    OPERATIONS,
    Call,
    Operation,
    Query,
    api,
    command,
    json_response,
    read,
)
from kiosk_ui.api.orders import asked_limit
from kiosk_ui.session import hub, standing
from kiosk_ui.stream import Stream

HANDOVER: Final = "storehub.handover"

OPERATIONS.append(
    Operation(
        "GET",
        "/events",
        "Server-sent events: `changed` with topics after each commit; resumes by Last-Event-ID.",
        None,
        None,
        queries=(Query("after", "The id to go on from, where no Last-Event-ID can be sent."),),
        content="text/event-stream",
    )
)
OPERATIONS.append(Operation("GET", "/openapi.json", "This document.", None, dict[str, Any]))


@read("/status", "Where this hub stands.", step="orders", answer=bodies.Status)
def status() -> Any:
    return dict(hub().status())


@read(
    "/quarantine",
    "Messages that could not be applied, newest first, with the reason.",
    step="quarantine",
    answer=bodies.Listed,
    queries=(
        Query("limit", "At most so many, 100 unless told.", kind="integer"),
        Query("after", "`next` of the page before."),
    ),
)
def quarantined() -> Any:
    after = request.args.get("after", "")
    if after and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise Invalid("after is the `next` of the page before.", field="after")
    limit = asked_limit()
    with hub().reader() as connection:
        rows = quarantine.waiting(connection, limit, int(after) if after else None)
    following = str(rows[-1].id) if len(rows) == limit else None
    return {"items": [shown_row(row) for row in rows], "next": following}


def shown_row(row: quarantine.Row) -> dict[str, Any]:
    """Return a quarantined message as JSON; its bytes as text, what is no text replaced."""
    shown = {name: getattr(row, name) for name in row.__struct_fields__ if name != "body"}
    return {**shown, "body": row.body.decode("utf-8", "replace")}


@command(
    "/quarantine/<item_id>/replay",
    "Try a quarantined message again.",
    step="quarantine",
    body=bodies.Nothing,
    answer=bodies.Replayed,
)
def quarantine_replay(call: Call, asked: bodies.Nothing, item_id: str) -> Any:
    if not (item_id.isascii() and item_id.isdigit() and len(item_id) < 19):
        raise NotFound(f"There is no message {item_id} in quarantine.")
    replay = call.hub.replay
    if replay is None:
        raise Unavailable("This hub takes no messages in at the moment.", retry_after_s=5)
    return {"id": item_id, "outcome": replay(call.tx, int(item_id))}


@api.get("/openapi.json")
def openapi_json() -> Response:
    return json_response(openapi.document(current_app.extensions["storehub_version"]))


@api.get("/events")
def events() -> Response:
    """Hand the connection's socket to the stream's thread once the headers are out."""
    stream: Stream = current_app.extensions["storehub_stream"]
    known, source = standing(), request.remote_addr or ""
    if stream.full(source if known is None else None):
        raise Unavailable("All places for event streams are taken.", retry_after_s=10)
    after = request.headers.get("Last-Event-ID") or request.args.get("after") or None
    if after is not None and len(after) > 80:
        raise Invalid("An event id has at most 80 characters.", field="Last-Event-ID")
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    taken = request.environ.get(HANDOVER)
    if taken is not None:
        taken.append(lambda sock: stream.adopt(sock, after, known, source))
        return Response(iter([b":\n\n"]), headers={**headers, "Connection": "close"})
    return Response(_relayed(stream, after, known, source), headers=headers)


def _relayed(
    stream: Stream, after: str | None, known: Callable[[], bool] | None, source: str
) -> Iterator[bytes]:
    """Serve where no socket can be handed over (another server, a test client): one thread."""
    ours, theirs = socket.socketpair()
    stream.adopt(theirs, after, known, source)
    with ours:
        while chunk := ours.recv(65_536):
            yield chunk
