"""Takes goods of another store back: asks central first, then opens the return on the writer.

It must never keep the writer waiting for central, and never claim units for a return that is known.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hub.commands import Reply
from hub.errors import NotFound, Unavailable
from hub.journal import Transaction
from hub.returns import abroad, actions, queries
from hub.returns.abroad import Claim, Handed
from kiosk_ui.pressing import Press
from kiosk_ui.session import hub


def is_abroad(order_id: str | None) -> bool:
    """Has this store no word on the order, and a central to ask?"""
    if order_id is None or hub().elsewhere is None:
        return False
    with hub().reader() as connection:
        return actions.is_abroad(connection, order_id)


def look(order_id: str) -> Handed | None:
    """Return what central knows of an order; None: the line is down. Raises NotFound."""
    central = hub().elsewhere
    try:
        return central.look(order_id) if central is not None else None
    except NotFound:
        raise abroad.unknown_at_central(order_id) from None
    except Unavailable:
        return None


def take(
    press: Press, asked: Mapping[str, Any], subject: Callable[[Transaction], Any] | None = None
) -> Reply:
    """Open a return of `asked["order_id"]`, which is another store's.

    Raises Unavailable when the disk is full, NotFound for an order that central does not know,
    Invalid.
    """
    # The claim has the return's name before the return is there.
    press = replace(press, key=press.key or secrets.token_hex(16))
    return_id, order_id = actions.return_name(press.cause), str(asked["order_id"])
    with hub().reader() as connection:
        opened = queries.known(connection, return_id)
    claim: Claim | None = None
    lines: Sequence[Mapping[str, Any]] = asked["lines"]
    if not opened:
        claim, lines = _claim(return_id, order_id, lines)

    def work(tx: Transaction, cause: str) -> tuple[int, Any]:
        name, _entries = actions.open_abroad(
            tx, lines, asked["reason"], order_id, asked.get("disposition"),
            claim=claim, actor=press.person.actor, cause=cause,
        )  # fmt: skip
        return 201, queries.shown(tx.conn, name)

    try:
        reply = press.run(work, subject)
        opened = reply.status < 400
    finally:
        central = hub().elsewhere
        if claim is not None and claim.says == "CLAIMED" and not opened and central is not None:
            central.release(return_id)
    return reply


def _claim(
    return_id: str, order_id: str, lines: Sequence[Mapping[str, Any]]
) -> tuple[Claim | None, Sequence[Mapping[str, Any]]]:
    """Return central's answer and the lines as it knows them; None: the line is down."""
    central = hub().elsewhere
    if central is None:
        return None, lines
    try:
        found = central.look(order_id)
    except NotFound:
        raise abroad.unknown_at_central(order_id) from None
    except Unavailable:
        return None, lines
    wanted = abroad.by_line(found, lines)
    try:
        claim = central.claim(return_id, order_id, wanted)
    except Unavailable:
        # It may have been taken: the return that is opened under its name settles it.
        claim = Claim("WAITS", "", [], found)
    return claim, [{"line_id": line_id, "qty": qty} for line_id, qty in wanted]
