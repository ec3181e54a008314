"""Decides the handover, and its correction by a lead.

It must never complete an order while units wait for the customer, and never hand over twice.
"""

from collections.abc import Sequence

from hub.errors import Refusal
from hub.pickup.checks import check_step, line_of, name_of
from hub.pickup.facts import HandedLine, HandoverCorrected, OrderHandedOver
from hub.pickup.lifecycle import GIVEN_UP, Status, Step
from hub.pickup.order import PickupOrder


def decide_handover(
    order: PickupOrder,
    lines: Sequence[HandedLine] | None,
    proof_kind: str,
    *,
    id_kind: str | None = None,
    collected_by: str = "customer",
    device: str | None = None,
    age_checked: bool = False,
) -> list[OrderHandedOver]:
    """Goods go to the customer against proof. None hands over all that is left."""
    if order.state is Status.PICKED_UP:
        raise Refusal(f"Order {order.label} was already handed over.", slug="already-handed-over")
    check_step(order, Step.HANDOVER)
    handed = tuple(lines) if lines is not None else _all_left(order)
    _check_handed(order, handed)
    age = _age_of(order, handed)
    if age and not age_checked:
        raise Refusal(
            f"Goods of order {order.label} are for people of {age} or older:"
            " look at an ID and confirm the age.",
            slug="age-check",
        )
    if collected_by == "delegate" and not order.has_delegate and proof_kind != "code":
        raise Refusal(
            f"The customer of order {order.label} named nobody else who collects it:"
            " ask for the pickup code.",
            slug="no-delegate",
        )
    left = sum(line.to_hand_over for line in order.lines) - sum(line.qty for line in handed)
    return [
        OrderHandedOver(
            order_id=order.order_id,
            lines=handed,
            proof_kind=proof_kind,
            complete=left == 0,
            id_kind=id_kind,
            collected_by=collected_by,
            device=device,
            age_checked=age_checked and age > 0,
        )
    ]


def _age_of(order: PickupOrder, handed: Sequence[HandedLine]) -> int:
    """Return the age that somebody must have to take these goods; 0: any."""
    return max((line_of(order, one.line_id).age_min for one in handed), default=0)


def decide_correction(
    order: PickupOrder,
    lines: Sequence[HandedLine] | None,
    by: str,
    reason: str,
    *,
    rest_is_back: bool = False,
) -> list[HandoverCorrected]:
    """A lead takes units of a handover back that did not happen as it was written down.

    `rest_is_back`: nothing that the order left behind still waits to be put back.
    """
    check_step(order, Step.CORRECT)
    if lines is None:
        lines = [
            HandedLine(line_id=line.line_id, qty=line.handed_over)
            for line in order.lines
            if line.handed_over > 0
        ]
    for line_id, qty in _per_line(lines).items():
        line = line_of(order, line_id)
        if qty > line.handed_over:
            raise Refusal(
                f"Only {line.handed_over} of {name_of(line)} were handed over.", slug="too-many"
            )
    if not lines:
        raise Refusal("Nothing of this order was handed over.", slug="nothing-handed-over")
    ended = order.state in GIVEN_UP
    return [
        HandoverCorrected(
            order_id=order.order_id,
            lines=tuple(lines),
            by=by,
            reason=reason,
            ended=ended,
            rest_is_back=ended and rest_is_back,
        )
    ]


def _check_handed(order: PickupOrder, handed: Sequence[HandedLine]) -> None:
    per_line = _per_line(handed)
    if not per_line:
        raise Refusal(f"Nothing of order {order.label} is left to hand over.", slug="nothing-left")
    for line_id, qty in per_line.items():
        line = line_of(order, line_id)
        if qty > line.to_hand_over:
            raise Refusal(
                f"Only {line.to_hand_over} of {name_of(line)} can be handed over.", slug="too-many"
            )


def _per_line(handed: Sequence[HandedLine]) -> dict[str, int]:
    """Sum what names one line twice, so that no check is passed piece by piece."""
    total: dict[str, int] = {}
    for item in handed:
        total[item.line_id] = total.get(item.line_id, 0) + item.qty
    return total


def _all_left(order: PickupOrder) -> tuple[HandedLine, ...]:
    return tuple(
        HandedLine(line_id=line.line_id, qty=line.to_hand_over)
        for line in order.lines
        if line.to_hand_over > 0
    )
