"""Goods that come from elsewhere: sent, received by their parcels, short or damaged, put away."""

from datetime import timedelta
from typing import Any

import pytest

from hub.errors import Invalid, Refusal
from hub.handlers import COMMANDS
from hub.pickup import actions as pickup
from hub.pickup import code
from tests.hub.shop import BEN, KEY, Shop

SEEN = {"kind": "id_seen", "value": "passport"}
SSCC = "340123450000000017"
OTHER = "340123450000000024"


def told(shop: Shop, order_id: str, *parcels: str, **more: Any) -> None:
    """Head office says that it was sent, as its feed does."""
    number = shop.cause().replace(":", "-")
    command = {"id": f"ship-{order_id}-{number}", "type": "order.ship", "order_id": order_id}
    shop.run(lambda tx: COMMANDS["order.ship"](tx, command | {"parcels": parcels} | more))


def sent(shop: Shop, *parcels: str) -> None:
    shop.place("R-1", ("MILK", 3), ("BREAD", 1), supply="ship_to_store")
    told(shop, "R-1", *parcels)


def happened(shop: Shop, order_id: str = "R-1") -> list[str]:
    return [one["type"] for one in shop.order(order_id)["timeline"]]


def test_two_scans_take_a_parcel_in_and_put_its_order_on_a_shelf(shop: Shop) -> None:
    shop.receive("MILK", 1)
    sent(shop, SSCC)
    assert shop.promise("MILK") == 1, "what the store has itself is promised to nobody"
    assert shop.do(pickup.receive_parcel, f"(00){SSCC}") == "R-1"
    assert shop.buckets("MILK") == {"available": 1, "committed": 3}
    assert shop.tasks() == [("pick", "order:R-1", "GOODS_ARRIVED")]
    shop.do(pickup.put_away, "R-1", "SH1:S:A1")
    order = shop.order("R-1")
    assert (order["state"], order["shelf"]) == ("PREPARED", "A1")
    assert shop.buckets("MILK") == {"available": 1, "staged": 3}
    assert shop.tasks() == []
    shop.do(pickup.ready, "R-1")
    shop.do(pickup.handover, "R-1", SEEN)
    assert shop.stock("MILK")["on_hand"] == 1
    assert happened(shop)[:5] == [
        "OrderProposed",
        "OrderReserved",
        "OrderShipped",
        "ParcelsNamed",
        "ParcelArrived",
    ]
    shop.is_sound()


def test_its_promise_begins_when_it_is_here(shop: Shop) -> None:
    sent(shop, SSCC)
    assert shop.order("R-1")["promise_at"] is None
    shop.clock.advance(timedelta(days=1))
    shop.do(pickup.receive_parcel, SSCC)
    assert shop.order("R-1")["promise_at"] == "2026-11-22T14:00:00.000Z"


def test_a_promise_that_the_customer_was_given_is_kept_where_it_is_later(shop: Shop) -> None:
    for order_id, promised in (("R-1", "2026-11-25T09:00:00Z"), ("R-2", "2026-11-20T09:00:00Z")):
        shop.place(order_id, ("MILK", 1), supply="ship_to_store", promise_at=promised)
        shop.do(pickup.receive, order_id)
    assert shop.order("R-1")["promise_at"] == "2026-11-25T09:00:00.000Z"
    assert shop.order("R-2")["promise_at"] == "2026-11-21T14:00:00.000Z"


def test_a_second_scan_says_so_and_changes_nothing(shop: Shop) -> None:
    sent(shop, SSCC)
    shop.do(pickup.receive_parcel, SSCC)
    before = shop.length()
    with pytest.raises(Refusal, match="is here already"):
        shop.do(pickup.receive_parcel, SSCC)
    shop.do(pickup.receive, "R-1")
    assert shop.length() == before
    shop.do(pickup.put_away, "R-1", "A1")
    with pytest.raises(Refusal, match="stands on A1"):
        shop.do(pickup.receive_parcel, SSCC)
    with pytest.raises(Refusal, match="stands on A1"):
        shop.do(pickup.receive_parcel, "R-1")
    shop.is_sound()


def test_an_order_in_two_parcels_waits_for_the_second(shop: Shop) -> None:
    sent(shop, SSCC, OTHER)
    shop.do(pickup.receive_parcel, SSCC)
    order = shop.order("R-1")
    assert order["state"] == "IN_TRANSIT"
    assert order["parcels"] == [{"code": SSCC, "here": True}, {"code": OTHER, "here": False}]
    assert shop.buckets("MILK") == {"in_transit": 3}
    with pytest.raises(Refusal, match=r"scanned before. Still to come for order .*: 1\."):
        shop.do(pickup.receive_parcel, SSCC)
    shop.do(pickup.receive_parcel, OTHER)
    assert shop.state("R-1") == "RECEIVED"
    assert shop.buckets("MILK") == {"committed": 3}
    shop.is_sound()


def test_what_is_missing_or_damaged_is_short_and_its_units_are_where_they_are(shop: Shop) -> None:
    sent(shop, SSCC)
    lacking = [{"line_id": "L1", "missing": 1, "damaged": 1}]
    shop.do(pickup.receive_parcel, SSCC, lacking)
    order = shop.order("R-1")
    assert [(line["short"], line["pending"]) for line in order["lines"]] == [(2, 1), (0, 1)]
    assert shop.buckets("MILK") == {"committed": 1, "damaged": 1}
    assert order["timeline"][-1]["note"] == "missing 1, damaged 1"
    shop.do(pickup.put_away, "R-1", "A1")
    assert shop.buckets("MILK") == {"staged": 1, "damaged": 1}
    shop.is_sound()


def test_of_two_parcels_one_may_be_lost(shop: Shop) -> None:
    sent(shop, SSCC, OTHER)
    shop.do(pickup.receive_parcel, SSCC)
    shop.do(pickup.receive_parcel, SSCC, [{"line_id": "L2", "missing": 1}])
    assert shop.state("R-1") == "RECEIVED"
    assert shop.buckets("BREAD") == {}
    with pytest.raises(Refusal, match=f"received without parcel {OTHER}: book what is in it"):
        shop.do(pickup.receive_parcel, OTHER)
    shop.is_sound()


def test_where_nothing_came_whole_the_order_can_only_be_canceled(shop: Shop) -> None:
    sent(shop)
    gone = [{"line_id": "L1", "missing": 3}, {"line_id": "L2", "damaged": 1}]
    shop.do(pickup.receive, "R-1", None, gone)
    with pytest.raises(Refusal, match="cancel it as out of stock"):
        shop.do(pickup.put_away, "R-1", "A1")
    shop.do(pickup.cancel, "R-1", "OUT_OF_STOCK")
    assert shop.buckets("MILK") == {}
    assert shop.buckets("BREAD") == {"damaged": 1}
    shop.is_sound()


def test_goods_of_a_canceled_order_go_to_stock_with_work_once(shop: Shop) -> None:
    sent(shop, SSCC)
    shop.do(pickup.cancel, "R-1", "BUYER_REQUEST", actor="central")
    assert shop.buckets("MILK") == {}
    shop.do(pickup.receive_parcel, SSCC, [{"line_id": "L1", "damaged": 1}])
    assert shop.state("R-1") == "CANCELED"
    assert shop.buckets("MILK") == {"available": 2, "damaged": 1}
    assert shop.tasks() == [("reshelve", "order:R-1", "CAME_TOO_LATE")]
    with pytest.raises(Refusal, match="is here already"):
        shop.do(pickup.receive_parcel, SSCC)
    assert shop.promise("MILK") == 2
    shop.is_sound()


def test_goods_of_an_order_canceled_after_they_came_are_not_here_twice(shop: Shop) -> None:
    sent(shop, SSCC)
    shop.do(pickup.receive_parcel, SSCC)
    shop.do(pickup.cancel, "R-1", "BUYER_REQUEST")
    with pytest.raises(Refusal, match="is here already"):
        shop.do(pickup.receive_parcel, SSCC)
    assert shop.buckets("MILK") == {"available": 3}
    shop.is_sound()


def test_a_parcel_that_comes_before_the_word_is_received_by_its_orders_number(shop: Shop) -> None:
    shop.place("R-1", ("MILK", 3), supply="ship_to_store")
    with pytest.raises(Refusal, match=r"No order is known here for parcel .* put it aside"):
        shop.do(pickup.receive_parcel, SSCC)
    shop.do(pickup.receive_parcel, "SH1:O:R-1")
    assert shop.buckets("MILK") == {"committed": 3}
    told(shop, "R-1", SSCC, carrier="DPD")
    assert shop.state("R-1") == "RECEIVED"
    assert shop.order("R-1")["carrier"] == "DPD"
    assert shop.buckets("MILK") == {"committed": 3}
    shop.is_sound()


def test_a_parcel_of_an_order_never_heard_of_waits_as_work_until_it_is(shop: Shop) -> None:
    shop.do(pickup.put_aside, SSCC)
    shop.do(pickup.put_aside, SSCC)
    assert shop.tasks() == [("parcel", f"parcel:{SSCC}", "NO_ORDER")]
    sent(shop, SSCC)
    assert shop.tasks() == [("parcel", "order:R-1", "PUT_ASIDE")]
    with pytest.raises(Refusal, match="It is for order"):
        shop.do(pickup.put_aside, SSCC)
    shop.do(pickup.receive_parcel, SSCC)
    assert shop.tasks() == [("pick", "order:R-1", "GOODS_ARRIVED")]
    shop.is_sound()


def test_an_order_begun_from_its_pickup_code_takes_nothing_of_the_store(shop: Shop) -> None:
    shop.receive("MILK", 5)
    lines = [("L1", "MILK", 2)]
    text = code.make("R-7", "s1", lines, KEY, "k1", short_code="7Q4M", supply="ship_to_store")
    read = code.read(text, {"k1": KEY.public_key()}, "s1")
    shop.do(pickup.adopt, read)
    assert shop.buckets("MILK") == {"available": 5}
    told(shop, "R-7", SSCC)
    assert shop.state("R-7") == "IN_TRANSIT"
    shop.do(pickup.receive_parcel, text)
    assert shop.state("R-7") == "RECEIVED"
    shop.is_sound()


def test_an_order_on_hold_is_gone_on_with_first(shop: Shop) -> None:
    sent(shop, SSCC)
    shop.do(pickup.hold, "R-1", "PAYMENT")
    with pytest.raises(Refusal, match="is on hold: go on with it first"):
        shop.do(pickup.receive_parcel, SSCC)
    shop.do(pickup.resume, "R-1")
    shop.do(pickup.receive_parcel, SSCC)
    assert shop.state("R-1") == "RECEIVED"


def test_what_cannot_be_is_refused_with_a_sentence(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-2", ("MILK", 1))
    with pytest.raises(Refusal, match="is supplied from this store"):
        shop.do(pickup.ship, "R-2")
    with pytest.raises(Refusal, match="is supplied from this store"):
        shop.do(pickup.receive, "R-2")
    with pytest.raises(Refusal, match="stand on the sales floor: pick them first"):
        shop.do(pickup.put_away, "R-2", "A1")
    sent(shop, SSCC)
    with pytest.raises(Refusal, match="are not here yet"):
        shop.do(pickup.put_away, "R-1", "A1")
    with pytest.raises(Refusal, match=r"Of Milk order .* has only 3"):
        shop.do(pickup.receive, "R-1", None, [{"line_id": "L1", "missing": 2, "damaged": 2}])
    with pytest.raises(Invalid, match="has no line L9"):
        shop.do(pickup.receive, "R-1", None, [{"line_id": "L9", "missing": 1}])
    with pytest.raises(Invalid, match="named twice"):
        shop.do(pickup.receive, "R-1", None, [{"line_id": "L1", "missing": 1}] * 2)
    with pytest.raises(Invalid, match="0 or more"):
        shop.do(pickup.receive, "R-1", None, [{"line_id": "L1", "missing": -1}])
    with pytest.raises(Invalid, match="The check digit of SSCC"):
        shop.do(pickup.receive_parcel, "340123450000000018")
    with pytest.raises(Invalid, match="1 to 64 letters"):
        shop.do(pickup.receive_parcel, "?!")
    with pytest.raises(Invalid, match="carrier is"):
        shop.do(pickup.ship, "R-1", (), "Mr. O'Neil <x>")
    shop.do(pickup.receive_parcel, SSCC)
    shop.do(pickup.claim, "R-1")
    with pytest.raises(Refusal, match="Anna is picking"):
        shop.do(pickup.put_away, "R-1", "A1", actor=BEN)
    shop.is_sound()
