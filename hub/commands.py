"""Runs a command once: the same key gets the same answer, however often it is sent.

It must never run a command again whose cause is already in the journal.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any, Final

import msgspec
import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.clock import stamp
from hub.database import TableClass
from hub.errors import Forbidden, HubError, Invalid, NotFound, Refusal
from hub.journal import Transaction

# How long a reply is kept, by contract; afterwards the subject as it stands is the answer.
KEPT: Final = timedelta(hours=72)

MIGRATIONS: Final = Migrations("commands")
TABLES: Final[dict[str, TableClass]] = {"command_reply": "record"}

_STATUS: Final[tuple[tuple[type[HubError], int, str], ...]] = (
    (Refusal, 409, "Refused"),
    (Invalid, 422, "Not valid"),
    (NotFound, 404, "Not found"),
    (Forbidden, 403, "Forbidden"),
)


@MIGRATIONS()
def m001_command_reply(db: sqlite_utils.Database) -> None:
    """Replies by cause; `request` is the digest of the body that was answered."""
    db.execute(
        "CREATE TABLE command_reply (cause TEXT PRIMARY KEY, request BLOB NOT NULL,"
        " status INTEGER NOT NULL, body BLOB NOT NULL, at TEXT NOT NULL) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX command_reply_at ON command_reply (at)")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: `body` is JSON."""

    status: int
    body: bytes
    replayed: bool = False


def cause_of(actor: str, route: str, key: str) -> str:
    """Name a command that carries an idempotency key: the key counts per actor and route."""
    named = msgspec.json.encode([actor, route, key])
    return f"key:{blake2b(named, digest_size=16).hexdigest()}"


def run(
    tx: Transaction,
    *,
    actor: str,
    route: str,
    key: str | None,
    body: bytes,
    work: Callable[[str], tuple[int, Any]],
    subject: Callable[[], Any] | None = None,
) -> Reply:
    """Run `work(cause)` unless this command was answered before; return its (status, answer).

    `subject` shows what the command is about as it stands: the answer where the journal knows
    the command and its reply is gone. Unavailable and bugs are raised and not stored.
    """
    if key is None:
        return _perform(tx, f"cmd:{secrets.token_hex(16)}", work)
    cause = cause_of(actor, route, key)
    request = blake2b(body, digest_size=16).digest()
    stored = tx.conn.execute(
        "SELECT request, status, body FROM command_reply WHERE cause = ?", (cause,)
    ).fetchone()
    if stored is not None:
        if stored["request"] != request:
            return key_reused()
        return Reply(stored["status"], stored["body"], replayed=True)
    if tx.knows(cause):
        shown = None if subject is None else subject()
        return Reply(200, msgspec.json.encode(shown), replayed=True)
    reply = _perform(tx, cause, work)
    tx.conn.execute(
        "INSERT INTO command_reply (cause, request, status, body, at) VALUES (?, ?, ?, ?, ?)",
        (cause, request, reply.status, reply.body, stamp(tx.now)),
    )
    return reply


def forget(tx: Transaction) -> int:
    """Drop replies that are older than KEPT; return how many."""
    cursor = tx.conn.execute("DELETE FROM command_reply WHERE at < ?", (stamp(tx.now - KEPT),))
    return cursor.rowcount


def problem(
    status: int, slug: str, title: str, detail: str, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Return an RFC 9457 body: the one shape of every error at the edge."""
    shown: dict[str, Any] = {
        "type": f"urn:storehub:problem:{slug}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if errors:
        shown["errors"] = errors
    return shown


def problem_of(error: HubError) -> tuple[int, dict[str, Any]]:
    """Return the status and the problem that show `error`."""
    for kind, status, title in _STATUS:
        if isinstance(error, kind):
            field = getattr(error, "field", "")
            errors = [{"field": field, "detail": error.sentence}] if field else None
            return status, problem(status, error.slug, title, error.sentence, errors)
    return 503, problem(503, error.slug, "Not available", error.sentence)


def key_reused() -> Reply:
    """The answer to a key that came with another body before."""
    shown = problem(
        422,
        "idempotency-key-reused",
        "Not valid",
        "This Idempotency-Key was used before with another body. Take a new key.",
    )
    return Reply(422, msgspec.json.encode(shown))


def _perform(tx: Transaction, cause: str, work: Callable[[str], tuple[int, Any]]) -> Reply:
    # What a refused command wrote is undone; the reply about it is kept.
    try:
        with tx.savepoint():
            status, answer = work(cause)
    except (Refusal, Invalid, NotFound, Forbidden) as error:
        status, answer = problem_of(error)
    return Reply(status, msgspec.json.encode(answer))
