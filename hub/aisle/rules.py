"""Decides what an endless-aisle order may be: confirmed at once, on condition, or refused.

It must never confirm here what is beyond the rights that this store holds, and never take an
order for goods that are known to be sold out.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from hub.aisle.facts import (
    AisleLine,
    AisleOrderConfirmed,
    AisleOrderDeclined,
    AisleOrderPlaced,
    Deliver,
    SupplyLent,
    SupplyReturned,
)
from hub.errors import Invalid, Refusal
from hub.stock.rules import Rights, Side, Wishes, decide_return, per_sku

Word = Literal["here", "gone"]
MAX_LINES: Final = 50


class Status(StrEnum):
    CONFIRMED = "CONFIRMED"
    CONDITIONAL = "CONDITIONAL"
    DECLINED = "DECLINED"


class Supply(NamedTuple):
    """What this store knows of a SKU at the distribution centre.

    `word`: whether central has any, as of its last word; None where it never said so. `lent`:
    the rights as this store knows them.
    """

    sku: str
    word: Word | None = None
    lent: Rights = Rights()
    wishes: Wishes = Wishes()

    @property
    def held(self) -> int:
        return max(0, self.lent.held)


def decide_place(
    supplies: Mapping[str, Supply],
    order_id: str,
    lines: Iterable[AisleLine],
    deliver: Deliver,
    customer_ref: str | None = None,
) -> list[AisleOrderPlaced]:
    """Place an order: within rights held it is confirmed, beyond them it has a condition."""
    listed = tuple(lines)
    if not 1 <= len(listed) <= MAX_LINES:
        raise Invalid(f"An order has 1 to {MAX_LINES} lines.", field="lines")
    if len({line.line_id for line in listed}) < len(listed):
        raise Invalid("Two lines have one line_id.", field="lines")
    beyond = False
    for sku, qty in per_sku((line.sku, line.qty) for line in listed).items():
        supply = supplies.get(sku) or Supply(sku)
        if qty <= supply.held:
            continue
        beyond = True
        if supply.word == "gone":
            raise Refusal(f"SKU {sku} is sold out and can't be ordered.", slug="sold-out")
        if supply.word is None:
            raise Refusal(f"SKU {sku} is not supplied from elsewhere.", slug="not-supplied")
    placed = AisleOrderPlaced(
        order_id=order_id,
        lines=listed,
        deliver=deliver,
        conditional=beyond,
        customer_ref=customer_ref,
    )
    return [placed]


def decide_outcome(
    order_id: str, state: Status | None, *, confirmed: bool, reason: str
) -> list[AisleOrderConfirmed | AisleOrderDeclined]:
    """Take central's word over: it owns the goods. The same word twice is one fact."""
    if confirmed:
        return [] if state is Status.CONFIRMED else [AisleOrderConfirmed(order_id=order_id)]
    if state is Status.DECLINED:
        return []
    return [AisleOrderDeclined(order_id=order_id, reason=reason)]


def decide_lent(
    supply: Supply, said: SupplyLent, *, sure: bool = True
) -> list[SupplyLent | SupplyReturned]:
    """Take central's side over as it states it, and give back what it asks for, as far as held.

    Not `sure`: facts may be missing here. Then nothing is given back; it may be spent already.
    """
    owner = supply.lent.owner.merged(Side(said.granted, said.reclaimed))
    asked = max(supply.wishes.asked, said.asked)
    facts: list[SupplyLent | SupplyReturned] = []
    if (owner, asked) != (supply.lent.owner, supply.wishes.asked):
        facts.append(
            SupplyLent(sku=supply.sku, granted=owner.given, reclaimed=owner.spent, asked=asked)
        )
    wishes = Wishes(asked, supply.wishes.answered)
    if wishes.asked > wishes.answered:
        known = Rights(owner, supply.lent.other)
        back = decide_return(known, wishes) if sure else 0
        # Also when nothing can be returned: central waits for the answer before it asks again.
        facts.append(
            SupplyReturned(sku=supply.sku, returned=known.other.given + back, answered=asked)
        )
    return facts
