"""Decides who may pick several orders as one wave, and in which order its lines are walked.

It must never let half a wave be claimed, and never send anybody to one place twice in one round.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from hub.errors import Invalid, Refusal
from hub.pickup.facts import PickingClaimed
from hub.pickup.order import PickupOrder
from hub.pickup.rules import decide_claim

# What one cart carries.
MOST: Final = 12


def decide_wave(orders: Sequence[tuple[PickupOrder, str]], by: str) -> list[PickingClaimed]:
    """Claim each order (with the name of who picks it now) or none; the refusal names them all."""
    if len({order.order_id for order, _ in orders}) < len(orders):
        raise Invalid("An order is named twice.", field="order_ids")
    if not 1 <= len(orders) <= MOST:
        raise Invalid(f"A wave has 1 to {MOST} orders.", field="order_ids")
    claimed: list[PickingClaimed] = []
    refused: list[Refusal] = []
    for order, holder in orders:
        try:
            claimed += decide_claim(order, by, holder)
        except Refusal as refusal:
            refused.append(refusal)
    if refused:
        raise Refusal(" ".join(one.sentence for one in refused), slug=refused[0].slug)
    return claimed


def walk(
    lines: Iterable[Mapping[str, Any]], later: Collection[tuple[str, str]] = ()
) -> list[Mapping[str, Any]]:
    """Sort lines as the floor is walked once: by place, there by article, then by promise.

    What no plan knows comes after the places; what was put off (`later`: order and line) last.
    """

    def key(line: Mapping[str, Any]) -> tuple[Any, ...]:
        place = line["place"]
        return (
            (line["order_id"], line["line_id"]) in later,
            place["order"] if place else math.inf,
            place["place"] if place else "",
            line["sku"],
            line["promise_at"] or "~",
            line["order_id"],
            line["line_id"],
        )

    return sorted(lines, key=key)
