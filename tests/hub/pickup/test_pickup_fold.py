"""The fold is total: any facts in any order leave an order whose arithmetic holds."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.pickup import facts as f
from hub.pickup.lifecycle import NEXT, Status, Step
from hub.pickup.order import STEP_OF, PickupOrder, evolve

LINE = st.sampled_from(["L1", "L2", "L1.s1"])
QTY = st.integers(1, 3)
ORDER = st.just("R-1")
WHO = st.sampled_from(["staff:anna", "staff:ben"])
LINES = (f.OrderLine(line_id="L1", sku="A", qty=2), f.OrderLine(line_id="L2", sku="B", qty=1))
STAGED = st.lists(LINE, max_size=2).map(tuple)
RECEIVED = st.lists(
    st.builds(f.ReceivedLine, line_id=LINE, missing=st.integers(0, 2), damaged=st.integers(0, 2)),
    max_size=2,
).map(tuple)
HANDED = st.lists(st.builds(f.HandedLine, line_id=LINE, qty=QTY), max_size=2).map(tuple)


def any_fact(kind: type) -> st.SearchStrategy[Any]:
    fields = {
        "order_id": ORDER,
        "by": WHO,
        "line_id": LINE,
        "qty": QTY,
        "reason": st.sampled_from(["NOT_IN_STOCK", "BUYER_REQUEST"]),
        "step": st.sampled_from(["pick", "short", "substitute"]),
        "substitute_line_id": st.sampled_from([None, "L1.s1"]),
        "shelf": st.sampled_from(["A1", "B2"]),
        "where": st.sampled_from(["on_the_way", "arrived"]),
        "proof_kind": st.just("code"),
        "complete": st.booleans(),
        "ended": st.booleans(),
        "rest_is_back": st.booleans(),
        "short_code": st.just("ABCD"),
        "channel": st.just("web"),
        "lines": {
            f.OrderProposed: st.just(LINES),
            f.OrderMatched: st.just(LINES),
            f.OrderReceived: RECEIVED,
            f.GoodsToStock: RECEIVED,
            f.LinesStaged: STAGED,
            f.OrderStaged: STAGED,
        }.get(kind, HANDED),
        "parcel": st.sampled_from(["P-1", "P-2"]),
        "parcels": st.sampled_from([(), ("P-1",), ("P-1", "P-2")]),
        "substitute": st.just(f.OrderLine(line_id="L1.s1", sku="C", qty=1)),
    }
    wanted = {name: made for name, made in fields.items() if name in kind.__struct_fields__}
    return st.builds(kind, **wanted)


FACTS = st.lists(st.one_of([any_fact(kind) for kind in f.ALL]), max_size=25)


@given(facts=FACTS)
def test_any_facts_in_any_order_fold_and_add_up(facts: list[Any]) -> None:
    order = PickupOrder("R-1")
    for n, fact in enumerate(facts, start=1):
        before = order
        order = evolve(order, fact, f"2026-11-21T12:00:00.{n:03}Z")
        assert order.version == n
        assert isinstance(order.state, Status)
        for line in order.lines:
            parts = line.picked + line.short + line.substituted + line.canceled + line.pending
            assert line.ordered == parts
        if isinstance(fact, f.OrderHandedOver):
            handed = sum(line.handed_over for line in order.lines)
            known = sum(one.qty for one in fact.lines if before.line(one.line_id) is not None)
            assert handed == sum(line.handed_over for line in before.lines) + known
        step = STEP_OF.get(type(fact))
        if step is not None and (before.state, step) not in NEXT:
            assert order.conflicts > before.conflicts
            assert order.state in (before.state, Status.PICKED_UP)


def test_every_step_of_the_table_has_its_fact_and_every_fact_its_effect() -> None:
    assert set(STEP_OF.values()) == set(Step)
    assert {step for _, step in NEXT} == set(Step)
    timeless = {
        f.OrderProposed,
        f.OrderMatched,
        f.ParcelsNamed,
        f.ParcelArrived,
        f.GoodsToStock,
        f.LinesStaged,
        f.BuyerSeen,
        f.DelegateNamed,
        f.CancelRefused,
    }
    assert set(f.ALL) - set(STEP_OF) == timeless


def test_an_order_can_always_be_ended_until_it_is_over() -> None:
    over = {Status.PICKED_UP, Status.CANCELED, Status.EXPIRED, Status.REJECTED}
    assert {state for state, step in NEXT if step is Step.CANCEL} == set(Status) - over
    assert {state for state, step in NEXT if step is not Step.CORRECT} & over == set()
