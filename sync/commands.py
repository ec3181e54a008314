"""Takes central's commands into hub.db, each with the facts that it causes and the cursor.

It must never apply a command twice, never let a poisoned one stop the stream, and never put what
is personal into the quarantine.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from hub import quarantine
from hub.errors import HubError, Invalid, Refusal, Unavailable
from hub.journal import Transaction

from . import tables
from .frames import FeedRow
from .protocol import Cursor

Handler = Callable[[Transaction, Mapping[str, Any]], None]
"""Carries out one command with actor `central` and the cause that `cause_of` gives."""

SOURCE: Final = "sync"
STREAM: Final = "commands"
KEPT: Final = 1000
KNOWN: Final = "order.known"
# What a malformed command can make a handler raise: it is central's mistake, not the hub's.
MALFORMED: Final = (
    msgspec.MsgspecError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


def cause_of(command: Mapping[str, Any]) -> str:
    """Name the append that a command causes. Raises Invalid when it has no usable id."""
    name = command.get("id")
    if not isinstance(name, str) or not name or len(name) > 200:
        raise Invalid("A command needs an id.", field="id")
    return f"central:{name}"


def take(
    tx: Transaction,
    handlers: Mapping[str, Handler],
    asked: Cursor,
    rows: Sequence[FeedRow],
    then: Cursor,
) -> bool:
    """Apply rows and cursor together; False, and nothing done, when the cursor has moved on.

    Raises Unavailable when the disk is full: the orders wait at central.
    """
    if tables.cursor(tx.conn, STREAM) != asked:
        return False
    for row in rows:
        _apply_or_quarantine(tx, handlers, row.row)
    tables.save_cursor(tx.conn, STREAM, then)
    tx.touch("sync")
    return True


def start_over(tx: Transaction, at: Cursor) -> None:
    """Begin the stream again; what was applied is known by its cause and not applied again."""
    tables.save_cursor(tx.conn, STREAM, at)


def apply(tx: Transaction, handlers: Mapping[str, Handler], command: Any) -> None:
    """Carry out a command unless its cause is in the journal. Raises what the handler raises."""
    if not isinstance(command, Mapping):
        raise Invalid("A command is an object.")
    kind = str(command.get("type"))
    if tx.knows(cause_of(command)):
        # Its facts stand. What is no fact, who collects an order, may have been lost with a disk.
        if kind == "order.place" and KNOWN in handlers:
            handlers[KNOWN](tx, command)
        return
    handler = handlers.get(kind)
    if handler is None:
        raise Invalid(f"This hub knows no command {str(command.get('type'))[:40]!r}.", field="type")
    handler(tx, command)


def _apply_or_quarantine(tx: Transaction, handlers: Mapping[str, Handler], command: Any) -> None:
    try:
        with tx.savepoint():
            apply(tx, handlers, command)
    except Unavailable:
        raise
    except Refusal as error:
        if error.slug == "disk-full":
            raise Unavailable(error.sentence, retry_after_s=5) from error
        _quarantine(tx, command, error.slug, error.sentence)
    except HubError as error:
        _quarantine(tx, command, error.slug, error.sentence)
    except MALFORMED as error:
        # Only the kind of error: its text may quote what a person wrote.
        _quarantine(tx, command, "malformed", type(error).__name__)


def _quarantine(tx: Transaction, command: Any, reason: str, detail: str) -> None:
    quarantine.put(
        tx,
        source=SOURCE,
        device="central",
        topic=f"{STREAM}/{_word(command, 'type')}",
        reason=reason,
        detail=detail,
        body=msgspec.json.encode(without_person(command)),
        bound=KEPT,
    )


def quarantine_rows(tx: Transaction, rows: Sequence[tuple[Any, str]]) -> None:
    """Keep catalogue rows that could not be read, each with its reason."""
    for row, reason in rows:
        quarantine.put(
            tx,
            source=SOURCE,
            device="central",
            topic=f"replica/{_word(row, 'kind')}",
            reason="invalid",
            detail=reason,
            body=msgspec.json.encode(row),
            bound=KEPT,
        )


def _word(row: Any, field: str) -> str:
    return str(row.get(field))[:40] if isinstance(row, Mapping) else "no object"


def without_person(command: Any) -> Any:
    """Return the command without the customer's details; central still has them."""
    if not isinstance(command, Mapping):
        return command
    command = {part: command[part] for part in command if part != "personal"}
    order = command.get("order")
    if not isinstance(order, Mapping):
        return command
    return {**command, "order": {part: order[part] for part in order if part != "personal"}}


def replay(handlers: Mapping[str, Handler]) -> Callable[[Transaction, quarantine.Row], str]:
    """Return the way in which `storehub quarantine replay` tries a command again."""

    def again(tx: Transaction, row: quarantine.Row) -> str:
        try:
            apply(tx, handlers, msgspec.json.decode(row.body))
        except MALFORMED as error:
            raise Invalid(f"The command is malformed ({type(error).__name__}).") from error
        return "committed"

    return again
