"""Goods come from elsewhere for an order that was canceled, received before, or half picked."""

import pytest

from hub.errors import Refusal
from hub.pickup import actions as pickup
from hub.pickup.day import queries as day
from tests.hub.pickup.test_ship_to_store import OTHER, SSCC, sent, told
from tests.hub.shop import Shop


def test_an_order_half_on_a_shelf_is_never_staged_twice(shop: Shop) -> None:
    sent(shop, SSCC)
    shop.do(pickup.receive_parcel, SSCC)
    shop.do(pickup.claim, "R-1")
    shop.do(pickup.pick, "R-1", "L1", 3)
    shop.do(pickup.pick, "R-1", "L2", 1)
    shop.do(pickup.stage, "R-1", "A1", ["L1"])
    shop.do(pickup.undo, "R-1")
    shop.do(pickup.short, "R-1", "L2", 1, "DAMAGED")
    shop.do(pickup.put_away, "R-1", "A1")
    assert (shop.state("R-1"), shop.buckets("MILK")) == ("PREPARED", {"staged": 3})
    shop.do(pickup.put_away, "R-1", "A1")
    assert (shop.state("R-1"), shop.buckets("MILK")) == ("PREPARED", {"staged": 3})
    shop.is_sound()


def test_a_parcel_of_an_order_received_whole_is_here_already(shop: Shop) -> None:
    sent(shop, SSCC, OTHER)
    shop.do(pickup.receive, "R-1")
    with pytest.raises(Refusal, match="already"):
        shop.do(pickup.receive_parcel, OTHER)
    assert shop.buckets("MILK") == {"committed": 3}


def test_an_order_is_received_by_its_number_in_small_letters(shop: Shop) -> None:
    shop.place("web-77", ("MILK", 3), supply="ship_to_store")
    assert shop.do(pickup.receive_parcel, "web-77") == "web-77"
    assert shop.state("web-77") == "RECEIVED"


def test_of_an_order_canceled_half_here_somebody_puts_the_parcel_aside(shop: Shop) -> None:
    sent(shop, SSCC, OTHER)
    shop.do(pickup.receive_parcel, SSCC)
    shop.do(pickup.cancel, "R-1", "BUYER_REQUEST")
    assert ("parcel", "order:R-1", "PUT_ASIDE") in shop.tasks()


def test_of_an_order_canceled_after_its_goods_came_they_are_put_back(shop: Shop) -> None:
    sent(shop, SSCC)
    shop.do(pickup.receive_parcel, SSCC)
    shop.do(pickup.cancel, "R-1", "BUYER_REQUEST")
    assert shop.buckets("MILK") == {"available": 3}
    assert ("reshelve", "order:R-1", "BUYER_REQUEST") in shop.tasks()


def test_a_substitute_never_comes_in_a_parcel(shop: Shop) -> None:
    shop.receive("MILK", 1)
    shop.receive("BREAD", 5)
    shop.place("R-1", ("MILK", 1))
    told(shop, "R-1", SSCC)
    shop.do(pickup.claim, "R-1")
    shop.do(pickup.substitute, "R-1", "L1", "BREAD", 1)
    shop.do(pickup.receive_parcel, SSCC)
    assert shop.stock("BREAD")["on_hand"] == 5


def test_a_parcel_put_aside_by_its_orders_number_waits_no_more_once_it_is_received(
    shop: Shop,
) -> None:
    shop.do(pickup.put_aside, "R-1")
    shop.place("R-1", ("MILK", 3), supply="ship_to_store")
    shop.do(pickup.receive_parcel, "R-1")
    assert shop.tasks("parcel") == []


def test_what_still_travels_is_no_work_for_those_who_pick(shop: Shop) -> None:
    sent(shop, SSCC)
    shop.place("R-2", ("MILK", 3), supply="ship_to_store")
    assert shop.store.read(day.lines_to_pick) == 0
    shop.do(pickup.receive_parcel, SSCC)
    assert shop.store.read(day.lines_to_pick) == 2
