"""A pickup order as a value, and the fold of its facts.

It must never refuse a fact. A fact that the table doesn't foresee (a second handover, after two
boxes worked apart) still has its effect on the lines and counts as a conflict for a person.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from hub.house.rules import demanding
from hub.pickup import facts as f
from hub.pickup.lifecycle import GIVEN_UP, NEXT, WHERE_IT_WAS, Status, Step
from hub.pickup.lines import Line, LineStep, begun, completed

__all__ = ["STEP_OF", "Line", "LineStep", "PickupOrder", "evolve"]


class PickupOrder(NamedTuple):
    """`claimed_from` and `held_from`: where release and resume lead back to."""

    order_id: str
    state: Status = Status.PROPOSED
    version: int = 0
    short_code: str = ""
    channel: str = "web"
    supply: str = "store"
    origin: str = "central"
    customer_ref: str | None = None
    currency: str | None = None
    shelf: str | None = None
    claimed_by: str | None = None
    claimed_from: Status = Status.RESERVED
    held_from: Status = Status.RESERVED
    reason: str | None = None
    proof_kind: str | None = None
    promise_at: str | None = None
    accepted_at: str | None = None
    picked_at: str | None = None
    ready_at: str | None = None
    # its term runs from here: ready, or ready again after a hold or a handover that was none
    kept_since: str | None = None
    buyer_on_the_way_at: str | None = None
    buyer_arrived_at: str | None = None
    picked_up_at: str | None = None
    buyer_eta_minutes: int | None = None
    buyer_stall: str | None = None
    has_delegate: int = 0
    language: str | None = None
    fallback: str | None = None
    # of ship to store: the codes of its parcels, those that are here, and when the goods were
    parcels: str = ""
    parcels_here: str = ""
    carrier: str | None = None
    tracking: str | None = None
    received_at: str | None = None
    # the other shelves that goods were put on, besides `shelf`
    also_on: str = ""
    conflicts: int = 0
    lines: tuple[Line, ...] = ()
    steps: tuple[LineStep, ...] = ()

    def line(self, line_id: str) -> Line | None:
        return next((line for line in self.lines if line.line_id == line_id), None)

    @property
    def travels(self) -> bool:
        """Are its goods still to come here?"""
        before = self.held_from if self.state is Status.ON_HOLD else self.state
        return self.supply == "ship_to_store" and before in (Status.RESERVED, Status.IN_TRANSIT)

    @property
    def parcels_to_come(self) -> list[str]:
        here = self.parcels_here.split()
        return [code for code in self.parcels.split() if code not in here]

    @property
    def begun_handover(self) -> bool:
        return any(line.handed_over for line in self.lines)

    @property
    def label(self) -> str:
        return self.short_code or self.order_id


STEP_OF: Final[dict[type, Step]] = {
    f.OrderReserved: Step.RESERVE,
    f.OrderRejected: Step.REJECT,
    f.PromiseBroken: Step.BREAK,
    f.OrderShipped: Step.SHIP,
    f.OrderReceived: Step.RECEIVE,
    f.PickingClaimed: Step.CLAIM,
    f.PickingReleased: Step.RELEASE,
    f.LinePicked: Step.PICK,
    f.LineShorted: Step.SHORT,
    f.LinePostponed: Step.SHORT,
    f.LineSubstituted: Step.SUBSTITUTE,
    f.LineStepUndone: Step.UNDO,
    f.OrderStaged: Step.STAGE,
    f.StagingUndone: Step.UNDO,
    f.OrderReady: Step.READY,
    f.ReadyUndone: Step.UNDO,
    f.OrderHandedOver: Step.HANDOVER,
    f.HandoverCorrected: Step.CORRECT,
    f.OrderHeld: Step.HOLD,
    f.OrderResumed: Step.RESUME,
    f.OrderCanceled: Step.CANCEL,
    f.OrderExpired: Step.EXPIRE,
}
# Undo means another thing in each state, so its facts say which one they come from.
_UNDONE_FROM: Final[dict[type, Status]] = {
    f.LineStepUndone: Status.PICKING,
    f.StagingUndone: Status.PREPARED,
    f.ReadyUndone: Status.READY_FOR_PICKUP,
}


def evolve(order: PickupOrder, fact: Any, at: str = "") -> PickupOrder:
    """Apply a fact that became known `at` (a stamp). Never refuses."""
    kind = type(fact)
    order = order._replace(version=order.version + 1)
    step = STEP_OF.get(kind)
    before = order.state
    if step is not None:
        order = _move_on(order, kind, step)
    effect = _EFFECTS.get(kind)
    return order if effect is None else effect(order, fact, at, before)


def _move_on(order: PickupOrder, kind: type, step: Step) -> PickupOrder:
    key = (order.state, step)
    if key not in NEXT or _UNDONE_FROM.get(kind, order.state) is not order.state:
        return order._replace(conflicts=order.conflicts + 1)
    target = NEXT[key]
    if target is WHERE_IT_WAS:
        target = order.claimed_from if step is Step.RELEASE else order.held_from
    return order._replace(state=target)


def _proposed(order: PickupOrder, fact: f.OrderProposed, at: str, _: Status) -> PickupOrder:
    known = {line.line_id for line in order.lines}
    new = tuple(begun(line) for line in fact.lines if line.line_id not in known)
    return order._replace(
        lines=order.lines + new,
        short_code=fact.short_code,
        channel=fact.channel,
        supply=fact.supply,
        origin=fact.origin,
        customer_ref=fact.customer_ref or order.customer_ref,
        currency=fact.currency or order.currency,
        promise_at=fact.promise_at or order.promise_at,
        language=fact.language or order.language,
        fallback=fact.fallback or order.fallback,
        conflicts=order.conflicts + (order.version > 1),
    )


def _matched(order: PickupOrder, fact: f.OrderMatched, at: str, _: Status) -> PickupOrder:
    told = {line.line_id: line for line in fact.lines}
    return order._replace(
        lines=tuple(completed(line, told.get(line.line_id)) for line in order.lines),
        origin="central",
        channel=fact.channel,
        short_code=fact.short_code,
        currency=fact.currency or order.currency,
        customer_ref=fact.customer_ref or order.customer_ref,
        promise_at=fact.promise_at or order.promise_at,
        language=fact.language or order.language,
        fallback=fact.fallback or order.fallback,
    )


def _parcels_named(order: PickupOrder, fact: f.ParcelsNamed, at: str, _: Status) -> PickupOrder:
    return order._replace(
        parcels=_with_words(order.parcels, fact.parcels),
        carrier=fact.carrier or order.carrier,
        tracking=fact.tracking or order.tracking,
    )


def _parcel_arrived(order: PickupOrder, fact: f.ParcelArrived, at: str, _: Status) -> PickupOrder:
    return order._replace(
        parcels=_with_words(order.parcels, [fact.parcel]),
        parcels_here=_with_words(order.parcels_here, [fact.parcel]),
    )


def _received(order: PickupOrder, fact: f.OrderReceived, at: str, _: Status) -> PickupOrder:
    if order.received_at is not None:
        return order  # two boxes received it apart: what is short is short once
    for line in fact.lines:
        order = _change(order, line.line_id, short=line.missing + line.damaged)
    return order._replace(received_at=at, promise_at=fact.promise_at or order.promise_at)


def _to_stock(order: PickupOrder, fact: f.GoodsToStock, at: str, _: Status) -> PickupOrder:
    if order.received_at is not None:
        return order
    lacking = {line.line_id: line.missing + line.damaged for line in fact.lines}
    lines = tuple(
        line._replace(to_put_back=line.to_put_back + line.ordered - lacking.get(line.line_id, 0))
        if line.substitute_for is None
        else line
        for line in order.lines
    )
    return order._replace(lines=lines, received_at=at)


def _with_words(known: str, new: Iterable[str]) -> str:
    return " ".join(dict.fromkeys([*known.split(), *new]))


def _claimed(order: PickupOrder, fact: f.PickingClaimed, at: str, before: Status) -> PickupOrder:
    if before not in (Status.RESERVED, Status.RECEIVED):
        return order
    return order._replace(claimed_by=fact.by, claimed_from=before)


def _picked(order: PickupOrder, fact: f.LinePicked, at: str, _: Status) -> PickupOrder:
    order = _with_step(order, LineStep("pick", fact.line_id, fact.qty))
    return _change(order, fact.line_id, picked=fact.qty)


def _shorted(order: PickupOrder, fact: f.LineShorted, at: str, _: Status) -> PickupOrder:
    order = _with_step(order, LineStep("short", fact.line_id, fact.qty, fact.reason))
    return _change(order, fact.line_id, short=fact.qty)


def _substituted(order: PickupOrder, fact: f.LineSubstituted, at: str, _: Status) -> PickupOrder:
    new = fact.substitute
    step = LineStep("substitute", fact.line_id, fact.qty, fact.reason, new.line_id)
    order = _change(_with_step(order, step), fact.line_id, substituted=fact.qty)
    if order.line(new.line_id) is not None:
        return order._replace(conflicts=order.conflicts + 1)
    added = begun(new)._replace(picked=new.qty, substitute_for=fact.line_id)
    return order._replace(lines=(*order.lines, added))


def _step_undone(order: PickupOrder, fact: f.LineStepUndone, at: str, _: Status) -> PickupOrder:
    left = list(order.steps)
    for index in range(len(left) - 1, -1, -1):
        if (left[index].step, left[index].line_id) == (fact.step, fact.line_id):
            del left[index]
            break
    off = [fact.line_id, *([fact.substitute_line_id] if fact.substitute_line_id else [])]
    order = _on_shelf(order._replace(steps=tuple(left)), None, off)
    if fact.step == "substitute":
        order = _change(order, fact.line_id, substituted=-fact.qty)
        other = fact.substitute_line_id or ""
        return _change(order, other, picked=-fact.qty, canceled=fact.qty)
    if fact.step == "short":
        return _change(order, fact.line_id, short=-fact.qty)
    return _change(order, fact.line_id, picked=-fact.qty)


def _staged(order: PickupOrder, fact: f.OrderStaged, at: str, before: Status) -> PickupOrder:
    order = _stands_on(_on_shelf(order, fact.shelf, fact.lines), fact.shelf)
    if before is not Status.PICKING:
        return order
    return order._replace(claimed_by=None, picked_at=at)


def _on_shelf(order: PickupOrder, shelf: str | None, lines: Iterable[str] = ()) -> PickupOrder:
    """These lines lie on `shelf` now; none named: all of them."""
    named = set(lines) or {line.line_id for line in order.lines}
    there = (line._replace(shelf=shelf) if line.line_id in named else line for line in order.lines)
    return order._replace(lines=tuple(there))


def _stands_on(order: PickupOrder, otherwise: str | None) -> PickupOrder:
    """The shelves with goods to hand over; the one of the most demanding goods is named first."""
    there = [line for line in order.lines if line.shelf is not None and line.to_hand_over > 0]
    kind = demanding(line.storage for line in there)
    main = next((line.shelf for line in there if line.storage == kind), otherwise)
    others = dict.fromkeys(line.shelf for line in there if line.shelf and line.shelf != main)
    return order._replace(shelf=main, also_on=" ".join(others))


def _staging_undone(
    order: PickupOrder, fact: f.StagingUndone, at: str, before: Status
) -> PickupOrder:
    if before is not Status.PREPARED:
        return order
    order = _on_shelf(order, None)
    return order._replace(shelf=None, also_on="", picked_at=None, claimed_by=fact.by)


def _handed_over(
    order: PickupOrder, fact: f.OrderHandedOver, at: str, before: Status
) -> PickupOrder:
    for line in fact.lines:
        order = _change(order, line.line_id, handed_over=line.qty)
    order = order._replace(proof_kind=fact.proof_kind)
    if fact.complete:
        # Whatever stood here before: the goods are with the customer.
        return order._replace(state=Status.PICKED_UP, picked_up_at=order.picked_up_at or at)
    order = order._replace(state=before)
    return _stands_on(order, order.shelf) if order.shelf else order


def _corrected(
    order: PickupOrder, fact: f.HandoverCorrected, at: str, before: Status
) -> PickupOrder:
    for line in fact.lines:
        order = _change(order, line.line_id, handed_over=-line.qty)
    if fact.ended != (before in GIVEN_UP):  # two boxes worked apart
        order = order._replace(state=before, conflicts=order.conflicts + 1)
    if fact.ended:
        return _off_the_shelf(order, fact)
    order = order._replace(picked_up_at=None, kept_since=at)
    return _stands_on(order, order.shelf) if order.shelf else order


def _off_the_shelf(order: PickupOrder, fact: f.HandoverCorrected) -> PickupOrder:
    if fact.rest_is_back:
        order = order._replace(lines=tuple(one._replace(to_put_back=0) for one in order.lines))
    for line in fact.lines:
        more = {"picked": -line.qty, "canceled": line.qty, "to_put_back": line.qty}
        order = _change(order, line.line_id, **more)
    return order


def _ended(order: PickupOrder, fact: Any, at: str, before: Status) -> PickupOrder:
    if order.state is before:
        return order
    # What came together stands in the back, picked or not.
    together = order.supply == "ship_to_store" and order.received_at is not None
    lines = tuple(
        line._replace(
            to_put_back=max(0, line.to_hand_over) + (max(0, line.pending) if together else 0),
            picked=line.picked - max(0, line.to_hand_over),
            canceled=line.canceled + max(0, line.to_hand_over) + max(0, line.pending),
        )
        for line in order.lines
    )
    reason = fact.reason if isinstance(fact, f.OrderCanceled) else "BUYER_NO_SHOW"
    return order._replace(lines=lines, reason=reason, claimed_by=None)


def _buyer_seen(order: PickupOrder, fact: f.BuyerSeen, at: str, _: Status) -> PickupOrder:
    if fact.where == "arrived":
        return order._replace(
            buyer_arrived_at=order.buyer_arrived_at or at,
            buyer_stall=fact.stall or order.buyer_stall,
        )
    return order._replace(buyer_on_the_way_at=at, buyer_eta_minutes=fact.eta_minutes)


_EFFECTS: Final[dict[type, Callable[[PickupOrder, Any, str, Status], PickupOrder]]] = {
    f.OrderProposed: _proposed,
    f.OrderMatched: _matched,
    f.OrderReserved: lambda order, fact, at, _: order._replace(accepted_at=at),
    f.OrderRejected: lambda order, fact, at, _: order._replace(reason=fact.reason),
    f.PromiseBroken: lambda order, fact, at, _: _change(order, fact.line_id, short=fact.qty),
    f.ParcelsNamed: _parcels_named,
    f.ParcelArrived: _parcel_arrived,
    f.OrderReceived: _received,
    f.GoodsToStock: _to_stock,
    f.PickingClaimed: _claimed,
    f.PickingReleased: lambda order, fact, at, _: order._replace(claimed_by=None),
    f.LinePicked: _picked,
    f.LineShorted: _shorted,
    f.LineSubstituted: _substituted,
    f.LineStepUndone: _step_undone,
    f.LinesStaged: lambda order, fact, at, _: _on_shelf(order, fact.shelf, fact.lines),
    f.OrderStaged: _staged,
    f.StagingUndone: _staging_undone,
    f.OrderReady: lambda order, fact, at, _: order._replace(ready_at=at, kept_since=at),
    f.ReadyUndone: lambda order, fact, at, _: order._replace(ready_at=None, kept_since=None),
    f.OrderHandedOver: _handed_over,
    f.HandoverCorrected: _corrected,
    f.OrderHeld: lambda order, fact, at, before: (
        order if order.state is before else order._replace(held_from=before, reason=fact.reason)
    ),
    f.OrderResumed: lambda order, fact, at, _: order._replace(
        reason=None, kept_since=at if order.kept_since else None
    ),
    f.OrderCanceled: _ended,
    f.OrderExpired: _ended,
    f.BuyerSeen: _buyer_seen,
    f.DelegateNamed: lambda order, fact, at, _: order._replace(has_delegate=1),
}


def _with_step(order: PickupOrder, step: LineStep) -> PickupOrder:
    return order._replace(steps=(*order.steps, step))


def _change(order: PickupOrder, line_id: str, **changes: int) -> PickupOrder:
    line = order.line(line_id)
    if line is None:
        return order._replace(conflicts=order.conflicts + 1)
    new = line._replace(**{name: getattr(line, name) + by for name, by in changes.items()})
    return order._replace(lines=tuple(new if old is line else old for old in order.lines))
