"""Takes what a customer says of a pickup; it must never take their free text, which is personal."""

from collections.abc import Iterable

from hub.chain import Entry
from hub.experience import queries, rules
from hub.journal import Transaction
from hub.pickup import queries as pickup
from hub.pickup.lifecycle import Status


def give(
    tx: Transaction,
    order_id: str,
    score: object,
    felt: Iterable[object] = (),
    *,
    actor: str,
    cause: str,
) -> list[Entry]:
    """Append what was said of `order_id`, once. Raises NotFound, Invalid, Refusal."""
    order = pickup.load(tx.conn, order_id)
    facts = rules.decide(
        rules.read(order_id, score, felt),
        handed_over=order.state is Status.PICKED_UP or order.begun_handover,
        known=queries.known(tx.conn, order_id),
    )
    return tx.append(facts, cause=cause, actor=actor) if facts else []
