"""Signs people in by PIN or badge: count the try, compare off the writer, record.

It must never say which of name and PIN was wrong, and never compare a PIN on the writer's thread.
"""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from hub.errors import Invalid, Refusal
from hub.journal import Transaction
from hub.staff import actions, pins, queries, rules
from hub.staff.queries import Member

T = TypeVar("T")
Reader = Callable[[], AbstractContextManager[sqlite3.Connection]]


class Run(Protocol):
    """`Writer.run`: returns after the commit, or raises what the work raised."""

    def __call__(self, work: Callable[[Transaction], T], /) -> T: ...


def by_pin(run: Run, reader: Reader, staff_id: str, pin: str, screen: str) -> Member:
    """Return who signed in at `screen`. Raises Refusal: wrong, or too many tries."""
    run(lambda tx: actions.begin_try(tx, staff_id))
    with reader() as connection:
        stored = queries.pin_hash(connection, staff_id)
    if not pins.matches(pin, stored):
        raise Refusal("Name and PIN do not fit.", slug="signin-refused")
    return run(lambda tx: actions.signed_in(tx, staff_id, method="pin", screen=screen))


def by_badge(run: Run, reader: Reader, badge: str, screen: str) -> Member:
    """Return whose badge was scanned at `screen`. Raises Refusal when nobody's."""
    try:
        digest = rules.badge_digest(badge)
    except Invalid:
        digest = ""
    with reader() as connection:
        found = queries.by_badge_digest(connection, digest)
    if found is None:
        raise Refusal("This badge belongs to nobody here.", slug="signin-refused")
    staff_id = found.staff_id
    return run(lambda tx: actions.signed_in(tx, staff_id, method="badge", screen=screen))
