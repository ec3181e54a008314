"""How an order ends that nobody collects: when, what is put back, what a lead can still mend."""

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
