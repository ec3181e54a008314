"""Answers a command once: the same Idempotency-Key gets the same answer for 72 hours.

It must never keep a body that names a person: answers hold references only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from hub.commands import Reply, key_reused, problem_of
from hub.errors import Forbidden, Invalid, NotFound, Refusal

from . import store_replies
from .store_port import Tx


@dataclass(frozen=True)
class Command:
    """A request that changes something: `key` is None where the caller gave none."""

    actor: str
    route: str
    key: str | None
    body: bytes


def run(tx: Tx, command: Command, work: Callable[[Tx], tuple[int, Any, bool]]) -> Reply:
    """Run `work` unless this key was answered; it returns (status, answer, known before)."""
    if command.key is None:
        return _perform(tx, work)
    name = store_replies.name_of(command.actor, command.route, command.key)
    request = store_replies.digest_of(command.body)
    stored = store_replies.find(tx.conn, name)
    if stored is not None:
        if stored.request != request:
            return key_reused()
        return Reply(stored.status, stored.body, replayed=True)
    reply = _perform(tx, work)
    store_replies.save(tx, name, request, reply.status, reply.body)
    return reply


def _perform(tx: Tx, work: Callable[[Tx], tuple[int, Any, bool]]) -> Reply:
    tx.conn.execute("SAVEPOINT command")
    said = tx.feeds.copy()
    try:
        status, answer, known = work(tx)
    except (Refusal, Invalid, NotFound, Forbidden) as error:
        tx.conn.execute("ROLLBACK TO command")
        tx.feeds = said
        status, answer = problem_of(error)
        known = False
    tx.conn.execute("RELEASE command")
    return Reply(status, msgspec.json.encode(answer), replayed=known)
