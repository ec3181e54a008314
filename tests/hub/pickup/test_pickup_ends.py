"""How an order ends that nobody collects: when, what is put back, what a lead can still mend."""

from collections.abc import Callable
from datetime import timedelta

from hub.pickup import actions as pickup
from hub.pickup import watching
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
