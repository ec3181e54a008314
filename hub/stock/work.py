"""What selling and promising need beside the ledger: a time to trust, rights, counts to ask for.

It must never append; it hands facts to the action that does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from hub.clock import stamp
from hub.errors import Invalid
from hub.journal import Fact, Transaction
from hub.stock import queries
from hub.stock.facts import RightsTold, StockMoved
from hub.stock.ledger import Stock
from hub.stock.rights import Rights, Side, decide_recall, decide_told
from hub.stock.rules import MAX_QTY, RECORD_ERROR, check_sku, decide_count
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind, decide_finish, decide_open


def trusted_now(tx: Transaction) -> str | None:
    """The rules' `now`: None while nobody knows what time it is."""
    return None if tx.quality == "unknown" else stamp(tx.now)


def count_tasks(tx: Transaction, moves: Iterable[StockMoved], cause: str) -> list[Fact]:
    """A count task for each SKU whose record was found wrong by `moves`."""
    wrong = [move.sku for move in moves if move.reason == RECORD_ERROR]
    return [
        fact for sku in dict.fromkeys(wrong) for fact in count_task(tx, sku, "RECORD_ERROR", cause)
    ]


def count_task(tx: Transaction, sku: str, reason: str, cause: str) -> list[Fact]:
    subject = f"sku:{sku}"
    unfinished = tasks.unfinished(tx.conn, Kind.COUNT, subject)
    return [*decide_open(unfinished, Kind.COUNT, subject, reason, cause=cause, sku=sku)]


def check_count(sku: object, counted: int) -> None:
    check_sku(sku)
    if not 0 <= counted <= MAX_QTY:
        raise Invalid(f"counted must be between 0 and {MAX_QTY}.", field="counted")


def counted_facts(
    tx: Transaction,
    account: Stock,
    counted: int,
    moved: int,
    since: str | None,
    reason: str | None,
    actor: str,
) -> list[Fact]:
    """The count, what it corrects, and the end of the task that asked for it."""
    facts = decide_count(
        account, counted, moved_since=moved, since=since, now=trusted_now(tx), reason=reason
    )
    asked = tasks.unfinished(tx.conn, Kind.COUNT, f"sku:{account.sku}")
    return [*facts, *decide_finish([asked] if asked else [], actor)]


def recalls(tx: Transaction, accounts: Mapping[str, Stock]) -> list[Fact]:
    """Ask back at once what was lent and has no units behind it, not at the next balance."""
    return [
        fact
        for sku, account in accounts.items()
        if account.lent > 0
        for fact in decide_recall(
            account, queries.rights(tx.conn, sku), queries.wishes(tx.conn, sku)
        )
    ]


def told(tx: Transaction, sides: Sequence[Mapping[str, Any]]) -> list[RightsTold]:
    """What central's statement of its side (`RightsTold`, by SKU) changes here."""
    if not sides:
        return []
    try:
        read = msgspec.convert(list(sides), list[RightsTold])
    except msgspec.ValidationError as error:
        raise Invalid(f"rights: {error}.", field="rights") from None
    conn = tx.conn
    return [
        fact
        for side in read
        for fact in decide_told(
            queries.rights(conn, side.sku), queries.wishes(conn, side.sku), side
        )
    ]


def as_told(
    tx: Transaction, accounts: Mapping[str, Stock], facts: Iterable[RightsTold]
) -> dict[str, Stock]:
    """The accounts as they are once `facts` are taken in: what central spent is free to be had."""
    changed = dict(accounts)
    for fact in facts:
        if fact.sku in accounts:
            owner, _ = queries.rights(tx.conn, fact.sku)
            held = Rights(owner, Side(fact.returned, fact.spent)).held
            changed[fact.sku] = replace(accounts[fact.sku], lent=max(0, held))
    return changed
