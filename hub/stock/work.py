"""What selling and promising need beside the ledger: a time to trust, and counts to ask for.

It must never append; it hands facts to the action that does.
"""

from collections.abc import Iterable

from hub.clock import stamp
from hub.journal import Fact, Transaction
from hub.stock.facts import StockMoved
from hub.stock.rules import RECORD_ERROR
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind, decide_open


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
