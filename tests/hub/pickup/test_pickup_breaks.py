"""Goods in a customer's hand may always be sold: whose promise breaks, and what then happens."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Refusal
from hub.pickup import actions as pickup
from hub.pickup import breaking, selling
from hub.pickup.breaking import Promised
from hub.pickup.day import queries as days
from hub.pickup.facts import OrderLine, OrderProposed, OrderRejected, OrderReserved, PromiseBroken
from hub.pickup.order import PickupOrder, evolve
from hub.stock import actions as stock
from hub.stock import queries as ledger
from hub.stock.facts import RightsGranted
from hub.stock.rules import Hold
from tests.hub.shop import ANNA, Shop


def sale(shop: Shop, qty: int, *, confirmed: bool = True, sku: str = "MILK") -> None:
    sale_id = f"S-{shop.cause()}"
    shop.do(selling.sell, sale_id, [{"sku": sku, "qty": qty}], confirmed=confirmed)


def line(shop: Shop, order_id: str, n: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = shop.order(order_id)["lines"][n]
    return found


def test_a_sale_that_breaks_a_promise_says_which_one_and_waits_for_a_person(shop: Shop) -> None:
    shop.receive("MILK", 2)
    code = shop.place("R-1", ("MILK", 2))["short_code"]
    with pytest.raises(Refusal, match=rf"promised: {code} \(1 of SKU MILK\)") as no:
        sale(shop, 1, confirmed=False)
    assert no.value.slug == "breaks-promise"
    assert shop.buckets("MILK") == {"committed": 2}
    sale(shop, 1)
    assert shop.buckets("MILK") == {"committed": 1}
    assert (line(shop, "R-1")["short"], line(shop, "R-1")["pending"]) == (1, 1)
    assert shop.state("R-1") == "RESERVED"
    assert ("broken", "order:R-1", "BROKEN_BY_SALE") in shop.tasks()
    assert shop.store.read(days.broken) == 1
    shop.is_sound()


def test_what_is_free_is_sold_first_and_breaks_nothing(shop: Shop) -> None:
    shop.receive("MILK", 3)
    shop.place("R-1", ("MILK", 2))
    sale(shop, 1, confirmed=False)
    assert line(shop, "R-1")["short"] == 0
    assert shop.store.read(days.broken) == 0


def test_the_youngest_promise_breaks_and_staged_goods_are_untouchable(shop: Shop) -> None:
    shop.receive("MILK", 6)
    shop.place("R-old", ("MILK", 2))
    shop.place("R-young", ("MILK", 2))
    shop.made_ready("R-staged", ("MILK", 2))  # the youngest of all
    sale(shop, 1)
    assert [line(shop, one)["short"] for one in ("R-old", "R-young", "R-staged")] == [0, 1, 0]
    sale(shop, 2)
    assert shop.state("R-young") == "REJECTED"
    assert line(shop, "R-old")["short"] == 1
    assert shop.state("R-staged") == "READY_FOR_PICKUP"
    # Beyond what is promised and not staged the record was wrong.
    sale(shop, 3)
    assert shop.state("R-old") == "REJECTED"
    assert shop.buckets("MILK") == {"staged": 2}
    assert ("count", "sku:MILK", "RECORD_ERROR") in shop.tasks()
    shop.is_sound()


def test_what_a_picker_has_in_hands_is_not_taken_away(shop: Shop) -> None:
    shop.receive("MILK", 3)
    shop.place("R-1", ("MILK", 3))
    shop.do(pickup.claim, "R-1")
    shop.do(pickup.pick, "R-1", "L1", 2)
    sale(shop, 2)
    assert (line(shop, "R-1")["picked"], line(shop, "R-1")["short"]) == (2, 1)
    assert shop.buckets("MILK") == {"committed": 2}
    shop.do(pickup.stage, "R-1", "A1")
    assert shop.state("R-1") == "PREPARED"
    shop.is_sound()


def test_an_order_with_a_fallback_is_given_up_whole_and_frees_what_it_held(shop: Shop) -> None:
    shop.receive("MILK", 3)
    shop.receive("BREAD", 1)
    shop.place("R-1", ("MILK", 3), ("BREAD", 1), fallback="store-2")
    sale(shop, 1)
    assert shop.state("R-1") == "REJECTED"
    assert shop.order("R-1")["reason"] == "OUT_OF_STOCK"
    assert shop.buckets("MILK") == {"available": 2}
    assert shop.buckets("BREAD") == {"available": 1}
    assert [task for task in shop.tasks() if task[1] == "order:R-1"] == []
    shop.is_sound()


def test_an_order_that_somebody_picks_is_short_although_it_has_a_fallback(shop: Shop) -> None:
    shop.receive("MILK", 3)
    shop.place("R-1", ("MILK", 3), fallback="store-2")
    shop.do(pickup.claim, "R-1")
    sale(shop, 1)
    assert (shop.state("R-1"), line(shop, "R-1")["short"]) == ("PICKING", 1)
    assert ("broken", "order:R-1", "BROKEN_BY_SALE") in shop.tasks()
    shop.do(pickup.cancel, "R-1", "OUT_OF_STOCK")
    assert [task for task in shop.tasks() if task[0] == "broken"] == []


def test_a_count_breaks_what_it_disproves_once_a_person_is_sure(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 2))
    shop.place("R-2", ("MILK", 2))
    with pytest.raises(Refusal, match="Count once more"):
        shop.do(selling.count, "MILK", 3, confirmed=False)
    shop.do(selling.count, "MILK", 4, confirmed=False)  # one was free, and that one is missing
    shop.do(selling.count, "MILK", 3)
    assert [line(shop, one)["short"] for one in ("R-1", "R-2")] == [0, 1]
    assert shop.stock("MILK")["on_hand"] == 3
    assert ("broken", "order:R-2", "BROKEN_BY_COUNT") in shop.tasks()
    shop.is_sound()


def test_fewer_units_than_were_lent_are_asked_back_in_the_same_append(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.run(lambda tx: tx.append([RightsGranted(sku="MILK", granted=4)], cause="g", actor="hub"))
    sale(shop, 3)
    rights = shop.store.read(ledger.explain, "MILK", "web", shop.clock.now())["rights"]
    assert rights["asked_back"] == 3  # one unit of the two is kept: the record may be wrong
    shop.do(stock.receive, "R-2", [{"sku": "MILK", "qty": 9}])
    sale(shop, 1)
    assert shop.store.read(ledger.explain, "MILK", "web", shop.clock.now())["rights"] == rights


def test_the_same_sale_again_breaks_nothing_more(shop: Shop) -> None:
    shop.receive("MILK", 2)
    shop.place("R-1", ("MILK", 2))
    for _ in range(3):
        shop.do(selling.sell, "S-1", [{"sku": "MILK", "qty": 1}])
    assert shop.store.read(days.broken) == 1
    shop.is_sound()


# -- the rule alone -------------------------------------------------------------------------------

LINES = st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 4)), min_size=1, max_size=3)
ORDERS = st.lists(
    st.tuples(LINES, st.booleans(), st.integers(0, 3), st.sampled_from(["", "other"])), max_size=5
)
WANTED = st.dictionaries(st.sampled_from("AB"), st.integers(1, 12))


def made(n: int, lines: list[tuple[str, int]], taken: bool, staged: int, fallback: str) -> Promised:
    """An order of a store; `staged` units of each line, as far as it has them, stand aside."""
    order_id = f"R-{n}"
    asked = tuple(
        OrderLine(line_id=f"L{i}", sku=sku, qty=qty) for i, (sku, qty) in enumerate(lines)
    )
    order = PickupOrder(order_id)
    proposed = OrderProposed(
        order_id=order_id, lines=asked, short_code="", channel="web", fallback=fallback or None
    )
    for fact in (proposed, OrderReserved(order_id=order_id)):
        order = evolve(order, fact)
    holds = {}
    for one in asked:
        aside = min(staged, one.qty) if taken else 0
        ref = f"{order_id}/{one.line_id}"
        holds[ref] = Hold(
            ref, one.sku, "ALLOCATION", one.qty, aside, order_id=order_id, line_id=one.line_id
        )
    if taken:
        new = tuple(one._replace(picked=min(staged, one.ordered)) for one in order.lines)
        order = order._replace(lines=new)
    return Promised(order, holds)


@given(asked=ORDERS, wanted=WANTED)
def test_no_older_promise_breaks_while_a_younger_one_can_give(
    asked: list[tuple[list[tuple[str, int]], bool, int, str]], wanted: dict[str, int]
) -> None:
    orders = {f"R-{n}": made(n, *one) for n, one in enumerate(asked)}
    young_first = sorted(orders, key=lambda name: int(name[2:]), reverse=True)
    promised = {
        sku: [n for n in young_first if any(h.sku == sku for h in orders[n].holds.values())]
        for sku in "AB"
    }
    broken = breaking.decide_break(promised, orders, wanted, "SALE", "S")
    freed: Counter[str] = Counter()
    holds = {ref: hold for one in orders.values() for ref, hold in one.holds.items()}
    for move in broken.moves:
        assert (move.source, move.target) == ("committed", "available") or any(
            isinstance(fact, OrderRejected) and fact.order_id == move.order_id
            for fact in broken.facts
        )
        freed[move.sku] += move.qty
        hold = holds[move.closes or ""]
        holds[hold.ref] = replace(hold, open_qty=hold.open_qty - move.qty)
        assert holds[hold.ref].open_qty >= hold.staged_qty  # staged goods are untouchable
    lost: Counter[tuple[str, str]] = Counter()
    for loss in broken.losses:
        lost[loss.order.order_id, loss.sku] += loss.qty
    for sku, qty in wanted.items():
        left = {
            name: sum(
                breaking.free_to_take(orders[name].order, hold)
                for hold in orders[name].holds.values()
                if hold.sku == sku
            )
            for name in promised[sku]
        }
        assert freed[sku] >= min(qty, sum(left.values()))
        assert sum(units for (_, one), units in lost.items() if one == sku) <= qty
        rejected = {fact.order_id for fact in broken.facts if isinstance(fact, OrderRejected)}
        struck = [name for name in promised[sku] if lost[name, sku]]
        for name in promised[sku][: promised[sku].index(struck[-1])] if struck else ():
            # Each younger one has given all that it had, or was given up whole.
            assert name in rejected or lost[name, sku] == left[name]
    for after in broken.orders:
        assert all(one.pending >= 0 and one.picked + one.short + one.pending == one.ordered
                   for one in after.lines)  # fmt: skip
        assert after.conflicts == 0
    assert {f.order_id for f in broken.facts if isinstance(f, PromiseBroken)} == {
        one.order_id for one in broken.orders
    }


def test_the_actor_of_a_break_is_who_sold(shop: Shop) -> None:
    shop.receive("MILK", 1)
    shop.place("R-1", ("MILK", 1))
    sale(shop, 1)
    told = [event for event in shop.order("R-1")["timeline"] if event["type"] == "PromiseBroken"]
    assert [(one["actor"], one["line_id"], one["qty"]) for one in told] == [(ANNA, "L1", 1)]


def test_what_stands_staged_is_free_to_nobody_whatever_the_lines_say() -> None:
    """After a join of two histories the lines may lag behind the goods."""
    lines = (OrderLine(line_id="L1", sku="MILK", qty=3),)
    asked = OrderProposed(order_id="R-1", lines=lines, short_code="", channel="web")
    order = evolve(evolve(PickupOrder("R-1"), asked), OrderReserved(order_id="R-1"))
    hold = Hold("R-1/L1", "MILK", "ALLOCATION", 3, staged_qty=2, order_id="R-1", line_id="L1")
    assert breaking.free_to_take(order, hold) == 1
