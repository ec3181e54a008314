"""The steps of a return: load, decide, append.

It must never append twice for one step, and never take back what this store did not hand over.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from sqlite3 import Connection
from typing import Any

import msgspec

from hub.chain import Entry
from hub.errors import Invalid, NotFound
from hub.journal import Fact, Transaction
from hub.pickup import queries as pickup
from hub.pickup.lifecycle import Status
from hub.returns import abroad, queries, rules
from hub.returns.abroad import Claim
from hub.returns.facts import ReturnConfirmed, ReturnedElsewhere
from hub.returns.rules import Source
from hub.stock import queries as stock
from hub.stock.rules import check_qty, check_sku
from hub.tasks import queries as tasks
from hub.tasks import rules as work
from hub.tasks.rules import Kind


def open_return(
    tx: Transaction,
    lines: Sequence[Mapping[str, Any]],
    reason: str,
    order_id: str | None = None,
    sale_id: str | None = None,
    disposition: str | None = None,
    *,
    actor: str,
    cause: str,
) -> tuple[str, list[Entry]]:
    """Take goods back onto the counter; return (return id, entries).

    `lines`: `{"line_id","qty"}` of an order, `{"sku","qty"}` of a till's receipt.
    `disposition`: what becomes of each line, until another word replaces it.
    """
    if (order_id is None) == (sale_id is None):
        raise Invalid("Goods come back by an order_id or by a sale_id.", field="order_id")
    key, currency = "line_id" if order_id is not None else "sku", None
    wanted = []
    for n, line in enumerate(lines):
        check_qty(line.get("qty"), f"lines.{n}.qty")
        wanted.append((str(line.get(key)), int(line["qty"])))
    if order_id is not None:
        currency = pickup.load(tx.conn, order_id).currency
        sources = of_order(tx.conn, order_id)
    else:
        sources = of_sale(tx.conn, str(sale_id))
    return_id = return_name(cause)
    facts = rules.decide_open(
        return_id,
        wanted,
        sources,
        reason,
        order_id=order_id,
        sale_id=sale_id,
        currency=currency,
        disposition=disposition,
    )
    return return_id, tx.append(facts, cause=cause, actor=actor)


def open_abroad(
    tx: Transaction,
    lines: Sequence[Mapping[str, Any]],
    reason: str,
    order_id: str,
    disposition: str | None = None,
    *,
    claim: Claim | None,
    actor: str,
    cause: str,
) -> tuple[str, list[Entry]]:
    """Take goods of another store back; return (return id, entries).

    `claim`: central's answer for `lines` (`{"line_id","qty"}`). None: central is not heard, `lines`
    are `{"sku","qty"}`, and the return is provisional.
    """
    return_id = return_name(cause)
    facts: Sequence[Fact]
    if claim is not None:
        wanted = [(str(line.get("line_id")), int(line["qty"])) for line in lines]
        facts = abroad.decide_abroad(return_id, wanted, claim, reason, disposition)
    else:
        brought = []
        for n, line in enumerate(lines):
            if not line.get("sku"):
                raise Invalid(
                    "What was bought is not known here: name the SKU of each line.",
                    field=f"lines.{n}.sku",
                )
            check_sku(line.get("sku"), f"lines.{n}.sku")
            check_qty(line.get("qty"), f"lines.{n}.qty")
            brought.append((str(line["sku"]), int(line["qty"])))
        facts = abroad.decide_provisional(return_id, brought, reason, order_id, disposition)
    return return_id, tx.append(list(facts), cause=cause, actor=actor)


def is_abroad(conn: Connection, order_id: str) -> bool:
    """Has this store no word on the order? So it is of one that another store took over."""
    order = pickup.find(conn, order_id)
    return order is None or order.state is Status.REJECTED


def return_name(cause: str) -> str:
    """The return that a cause opens has the same name at every replay."""
    return "B-" + blake2b(cause.encode(), digest_size=8).hexdigest()


def of_order(conn: Connection, order_id: str) -> dict[str, Source]:
    """What of an order may be brought back, by line."""
    back = queries.back_of_order(conn, order_id)
    return {
        line.line_id: Source(
            line.sku, line.handed_over, back.get(line.line_id, 0), line.unit_price_minor
        )
        for line in pickup.load(conn, order_id).lines
        if line.handed_over > 0
    }


def of_sale(conn: Connection, sale_id: str) -> dict[str, Source]:
    """What of a till's receipt may be brought back, by SKU."""
    sold = stock.document(conn, "SALE", sale_id)
    if not sold:
        raise NotFound(f"No receipt {sale_id[:64]} in this store.")
    back = queries.back_of_sale(conn, sale_id)
    return {sku: Source(sku, qty, back.get(sku, 0)) for sku, qty in sold.items()}


def dispose(
    tx: Transaction, return_id: str, line_id: str, disposition: str, *, actor: str, cause: str
) -> list[Entry]:
    back = queries.load(tx.conn, return_id)
    return _append(tx, rules.decide_disposition(back, line_id, disposition), actor, cause)


def close(tx: Transaction, return_id: str, *, actor: str, cause: str) -> list[Entry]:
    """The goods move where they were disposed, here and nowhere else."""
    return _append(tx, rules.decide_close(queries.load(tx.conn, return_id)), actor, cause)


def cancel(tx: Transaction, return_id: str, reason: str, *, actor: str, cause: str) -> list[Entry]:
    return _append(tx, rules.decide_cancel(queries.load(tx.conn, return_id), reason), actor, cause)


def settle_refund(
    tx: Transaction, return_id: str, state: str, *, actor: str, cause: str
) -> list[Entry]:
    facts = rules.decide_refund(queries.load(tx.conn, return_id), state)
    if not facts:
        return []
    waiting = tasks.unfinished(tx.conn, Kind.RETURN, f"return:{return_id}")
    done = work.decide_finish([waiting] if waiting else [], actor)
    return _append(tx, [*facts, *done], actor, cause)


def decided(tx: Transaction, said: Mapping[str, Any], *, cause: str) -> list[Entry]:
    """Central says whether goods may come back (`return.decided`): a no is a lead's work."""
    return_id = str(said["return_id"])
    back = queries.load(tx.conn, return_id)
    if said["says"] == rules.CONFIRMED:
        word = msgspec.convert({**said, "refund_minor": None}, ReturnConfirmed)
        return _append(tx, abroad.decide_confirmed(back, word), "central", cause)
    facts: list[Fact] = list(abroad.decide_conflict(back, str(said["reason"]), said["stores"]))
    if facts:
        subject = f"return:{return_id}"
        unfinished = tasks.unfinished(tx.conn, Kind.RETURN, subject)
        facts += work.decide_open(
            unfinished, Kind.RETURN, subject, str(said["reason"]), cause=cause,
            order_id=queries.order_of(tx.conn, return_id),
        )  # fmt: skip
    return _append(tx, facts, "central", cause)


def came_back_elsewhere(tx: Transaction, said: Mapping[str, Any], *, cause: str) -> list[Entry]:
    """Central says that units of this store's order came back at another one, or no longer."""
    return _append(tx, [msgspec.convert(dict(said), ReturnedElsewhere)], "central", cause)


def _append(tx: Transaction, facts: Sequence[Fact], actor: str, cause: str) -> list[Entry]:
    return tx.append(list(facts), cause=cause, actor=actor) if facts else []


def check_correction(
    tx: Transaction, order_id: str, lines: Sequence[Mapping[str, Any]] | None
) -> None:
    """Refuse a correction of a handover whose units came back by a return. Appends nothing.

    `lines`: `{"line_id","qty"}`; None: all that was handed over.
    """
    back = queries.back_of_order(tx.conn, order_id)
    if not any(back.values()):
        return
    handed = {line.line_id: line.handed_over for line in pickup.load(tx.conn, order_id).lines}
    wanted: dict[str, int] = dict(handed) if lines is None else {}
    for line in lines or ():
        wanted[line["line_id"]] = wanted.get(line["line_id"], 0) + int(line["qty"])
    rules.check_correction(handed, back, wanted)
