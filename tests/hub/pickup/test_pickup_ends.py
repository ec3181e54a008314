"""How an order ends that nobody collects: when, what is put back, what a lead can still mend."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from hub.errors import Refusal
from hub.pickup import actions as pickup
from hub.pickup import facts as f
from hub.pickup import watching
from hub.pickup.lifecycle import Status
from hub.pickup.order import PickupOrder, evolve
from hub.tasks import actions as tasks
from hub.tasks import queries as work
from tests.hub.shop import LENA, Shop

SEEN = {"kind": "id_seen", "value": "passport"}


def due(shop: Shop) -> list[str]:
    return shop.run(pickup.overdue)


# -- the term ------------------------------------------------------------------------------------


def test_a_handover_corrected_after_the_term_gives_the_customer_the_whole_term(shop: Shop) -> None:
    shop.receive("MILK", 2)
    shop.made_ready("R-1", ("MILK", 2))
    ready_at = shop.order("R-1")["ready_at"]
    shop.clock.advance(timedelta(days=8))
    shop.do(pickup.handover, "R-1", SEEN)
    shop.do(pickup.correct, "R-1", actor=LENA)
    assert due(shop) == []
    assert shop.order("R-1")["ready_at"] == ready_at, (
        "it became ready once, for figures and notices"
    )
    assert shop.store.read(watching.day, shop.clock.now())["ready"] == 0
    shop.clock.advance(timedelta(days=8))
    assert due(shop) == ["R-1"]
    shop.is_sound()


def test_an_order_held_past_the_term_is_kept_anew_when_it_is_resumed(shop: Shop) -> None:
    shop.receive("MILK", 2)
    shop.made_ready("R-1", ("MILK", 2))
    shop.do(pickup.hold, "R-1", "PAYMENT")
    shop.clock.advance(timedelta(days=8))
    shop.do(pickup.resume, "R-1")
    assert due(shop) == []
    shop.clock.advance(timedelta(days=8))
    assert due(shop) == ["R-1"]


def test_who_arrives_a_minute_before_the_term_is_waited_for_a_day(shop: Shop) -> None:
    shop.receive("MILK", 2)
    shop.made_ready("R-1", ("MILK", 2))
    shop.clock.advance(timedelta(days=7, minutes=-1))
    shop.do(pickup.buyer_seen, "R-1", "arrived", actor="customer")
    shop.clock.advance(timedelta(minutes=2))
    assert due(shop) == []
    shop.clock.advance(timedelta(days=1))
    assert due(shop) == ["R-1"]


# -- what is put back ----------------------------------------------------------------------------


def back(shop: Shop, order_id: str) -> dict[str, int]:
    return {line["sku"]: line["to_put_back"] for line in shop.order(order_id)["lines"]}


def test_only_what_was_taken_off_the_floor_is_put_back(shop: Shop) -> None:
    shop.receive("BREAD", 5)
    shop.receive("MILK", 5)
    shop.place("R-1", ("BREAD", 3), ("MILK", 2))
    shop.do(pickup.claim, "R-1")
    shop.do(pickup.pick, "R-1", "L1", 1)
    shop.do(pickup.cancel, "R-1", "BUYER_REQUEST")
    assert back(shop, "R-1") == {"BREAD": 1, "MILK": 0}
    assert [line["canceled"] for line in shop.order("R-1")["lines"]] == [3, 2]
    shop.is_sound()


def test_a_shelf_is_named_for_what_still_lies_on_it_alone(shop: Shop) -> None:
    shop.receive("BREAD", 5)
    shop.receive("MILK", 5)
    shop.picked("R-1", ("BREAD", 1), ("MILK", 2))
    shop.do(pickup.stage, "R-1", "A1", ["L1"])
    shop.do(pickup.stage, "R-1", "B1", ["L2"])
    shop.do(pickup.ready, "R-1")
    shop.do(pickup.handover, "R-1", SEEN, [{"line_id": "L1", "qty": 1}])
    shop.do(pickup.cancel, "R-1", "BUYER_REJECTED")
    assert back(shop, "R-1") == {"BREAD": 0, "MILK": 2}
    assert shop.order("R-1")["shelves"] == [{"shelf": "B1", "lines": ["L2"]}]
    shop.is_sound()


def test_goods_that_came_together_are_put_back_picked_or_not_but_for_what_is_lacking(
    shop: Shop,
) -> None:
    lacking = [{"line_id": "L1", "missing": 1, "damaged": 1}]
    for order_id, canceled_first in (("R-1", False), ("R-2", True)):
        shop.place(order_id, ("MILK", 5), ("BREAD", 1), supply="ship_to_store")
        steps: list[Callable[[], object]] = [
            lambda one=order_id: shop.do(pickup.receive, one, None, lacking),
            lambda one=order_id: shop.do(pickup.cancel, one, "BUYER_REQUEST"),
        ]
        for step in reversed(steps) if canceled_first else steps:
            step()
        assert back(shop, order_id) == {"MILK": 3, "BREAD": 1}, order_id
    shop.is_sound()


# -- a handover that was none, found after the end ----------------------------------------------


@pytest.mark.parametrize("end", ["CANCELED", "EXPIRED"])
@pytest.mark.parametrize("ticked_off", [False, True])
def test_a_wrong_handover_is_corrected_after_the_rest_was_given_up(
    shop: Shop, end: str, ticked_off: bool
) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 3))
    shop.do(pickup.handover, "R-1", SEEN, [{"line_id": "L1", "qty": 2}])
    if end == "CANCELED":
        shop.do(pickup.cancel, "R-1", "BUYER_REQUEST")
    else:
        shop.do(pickup.expire, "R-1", actor="hub")
    if ticked_off:
        (task,) = shop.store.read(work.board, kinds=["reshelve"])
        shop.do(tasks.done, task["task_id"])
    shop.do(pickup.correct, "R-1", [{"line_id": "L1", "qty": 1}], actor=LENA)
    order = shop.order("R-1")
    (line,) = order["lines"]
    assert order["state"] == end
    assert (line["picked"], line["handed_over"], line["canceled"]) == (1, 1, 2)
    assert shop.buckets("MILK") == {"available": 4}
    assert back(shop, "R-1") == {"MILK": 1 if ticked_off else 2}
    assert order["timeline"][-1]["type"] == "HandoverCorrected"
    assert [subject for _, subject, _ in shop.tasks()] == ["order:R-1"]
    with pytest.raises(Refusal, match="Only 1 of Milk were handed over"):
        shop.do(pickup.correct, "R-1", [{"line_id": "L1", "qty": 2}], actor=LENA)
    assert shop.run(pickup.settle) == 0
    shop.is_sound()


def test_a_correction_from_before_the_end_that_is_heard_after_it_asks_a_person() -> None:
    lines = (f.OrderLine(line_id="L1", sku="MILK", qty=2),)
    handed = (f.HandedLine(line_id="L1", qty=1),)
    told = [
        f.OrderProposed(order_id="R-1", lines=lines, short_code="7K4M", channel="web"),
        f.LinePicked(order_id="R-1", line_id="L1", qty=2),
        f.OrderHandedOver(order_id="R-1", lines=handed, proof_kind="code", complete=False),
        f.OrderCanceled(order_id="R-1", reason="BUYER_REQUEST"),
    ]
    order = PickupOrder("R-1", state=Status.READY_FOR_PICKUP)
    for fact in told:
        order = evolve(order, fact)
    for ended in (True, False):
        correction = f.HandoverCorrected(
            order_id="R-1", lines=handed, by="staff:lena", reason="MISTAKE", ended=ended
        )
        after = evolve(order, correction)
        assert after.state is Status.CANCELED
        assert after.conflicts - order.conflicts == (not ended)
