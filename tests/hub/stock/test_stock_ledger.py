"""Goods come in, are held, sold and counted: the ledger on a real store."""

from datetime import timedelta

import pytest

from hub.errors import Invalid, NotFound, Refusal
from hub.pickup import actions as pickup
from hub.pickup import selling
from hub.stock import actions as stock
from hub.stock import queries as ledger
from hub.stock.facts import StockMoved
from hub.stock.ledger import Policy
from tests.hub.shop import MILK, Shop


def lines(*sold: tuple[str, int]) -> list[dict[str, object]]:
    return [{"sku": sku, "qty": qty} for sku, qty in sold]


def test_goods_received_can_be_promised_to_every_channel(shop: Shop) -> None:
    shop.receive("MILK", 5)
    stock = shop.stock("MILK")
    assert stock["on_hand"] == 5
    assert stock["available_to_promise"] == {"store": 5, "kiosk": 5, "web": 5, "phone": 5}
    assert stock["as_of"] == "2026-11-21T12:00:00.000Z"


def test_a_sku_that_nobody_knows_is_not_found_and_one_of_the_catalogue_has_none(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.stock("NOTHING")
    assert shop.stock("MILK")["on_hand"] == 0


def test_the_same_receipt_or_sale_counts_once_under_any_key(shop: Shop) -> None:
    for _ in range(2):
        shop.do(stock.receive, "R-1", lines(("MILK", 5)))
        shop.do(selling.sell, "S-1", lines(("MILK", 1), ("MILK", 1)))
    assert shop.stock("MILK")["on_hand"] == 3
    with pytest.raises(Refusal, match="Sale S-1 is already recorded with other lines"):
        shop.do(selling.sell, "S-1", lines(("MILK", 3)))


def test_a_sale_names_goods_by_any_length_of_their_barcode(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.do(selling.sell, "S-1", [{"gtin": MILK, "qty": 1}, {"gtin": MILK.lstrip("0"), "qty": 1}])
    assert shop.stock("MILK")["on_hand"] == 3
    with pytest.raises(Invalid, match="No product has the barcode"):
        shop.do(selling.sell, "S-2", [{"gtin": "04012345678901", "qty": 1}])


def test_a_sale_beyond_the_record_corrects_it_first_and_asks_for_a_count(shop: Shop) -> None:
    shop.receive("MILK", 1)
    entries = shop.do(selling.sell, "S-1", lines(("MILK", 2), ("MILK", 1)))
    moves = [e.body for e in entries if isinstance(e.body, StockMoved)]
    assert [(m.kind, m.qty) for m in moves] == [("ADJUSTMENT", 2), ("SALE", 2), ("SALE", 1)]
    assert shop.buckets("MILK") == {}
    assert shop.tasks() == [("count", "sku:MILK", "RECORD_ERROR")]
    shop.do(selling.sell, "S-2", lines(("MILK", 1)))
    assert len(shop.tasks()) == 1
    shop.is_sound()


def test_staged_goods_are_not_taken_from_their_order_by_a_sale(shop: Shop) -> None:
    shop.receive("MILK", 2)
    shop.made_ready("R-1", ("MILK", 2))
    shop.do(selling.sell, "S-1", lines(("MILK", 1)))
    assert shop.buckets("MILK") == {"staged": 2}
    assert shop.state("R-1") == "READY_FOR_PICKUP"


def test_a_hold_is_given_back_once(shop: Shop) -> None:
    shop.receive("MILK", 5)
    hold_id, until, _ = shop.do(stock.hold, "MILK", 2)
    assert until == "2026-11-21T12:10:00.000Z"
    assert shop.buckets("MILK") == {"available": 3, "held": 2}
    assert shop.promise("MILK") == 3
    assert len(shop.do(stock.release, hold_id)) == 1
    assert shop.do(stock.release, hold_id) == []
    assert shop.buckets("MILK") == {"available": 5}


def test_no_more_is_held_than_is_free(shop: Shop) -> None:
    shop.receive("MILK", 2)
    with pytest.raises(Refusal, match="Only 2 of SKU MILK are free"):
        shop.do(stock.hold, "MILK", 3)
    shop.do(stock.hold, "MILK", 2)
    with pytest.raises(Refusal, match="None of SKU MILK is free"):
        shop.do(stock.hold, "MILK", 1)


def test_a_held_unit_is_sold_from_its_hold_and_never_more_than_it_has(shop: Shop) -> None:
    shop.receive("MILK", 5)
    hold_id, _, _ = shop.do(stock.hold, "MILK", 2)
    shop.do(selling.sell, "S-1", [{"sku": "MILK", "qty": 1, "hold_id": hold_id}])
    assert shop.buckets("MILK") == {"available": 3, "held": 1}
    twice = [{"sku": "MILK", "qty": 1, "hold_id": hold_id}] * 2
    with pytest.raises(Refusal, match="Only 0 of the units"):
        shop.do(selling.sell, "S-2", twice)
    shop.is_sound()


@pytest.mark.parametrize(("elapsed_ms", "free"), [(0, 3), (599_999, 3), (600_000, 5), (600_001, 5)])
def test_a_hold_counts_until_the_very_moment_it_names(
    shop: Shop, elapsed_ms: int, free: int
) -> None:
    shop.receive("MILK", 5)
    shop.do(stock.hold, "MILK", 2)
    shop.clock.advance(timedelta(milliseconds=elapsed_ms))
    assert shop.promise("MILK") == free
    swept = shop.do(stock.expire, actor="hub")
    assert len(swept) == (1 if free == 5 else 0)
    assert shop.promise("MILK") == free
    shop.is_sound()


def test_activity_extends_a_hold_and_never_shortens_or_revives_it(shop: Shop) -> None:
    shop.receive("MILK", 5)
    hold_id, _, _ = shop.do(stock.hold, "MILK", 2)
    shop.clock.advance(timedelta(minutes=9))
    shop.do(stock.extend, hold_id)
    assert shop.do(stock.extend, hold_id, seconds=60) == []
    shop.clock.advance(timedelta(minutes=9, seconds=59))
    assert shop.promise("MILK") == 3
    shop.clock.advance(timedelta(seconds=1))
    with pytest.raises(Refusal, match="has expired"):
        shop.do(stock.extend, hold_id)


def test_nothing_expires_while_nobody_knows_the_time(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.do(stock.hold, "MILK", 5)
    shop.clock.advance(timedelta(hours=1))
    shop.clock._quality = "unknown"
    assert shop.do(stock.expire, actor="hub") == []
    with pytest.raises(Refusal):
        shop.do(stock.hold, "MILK", 1)
    shop.clock._quality = "synced"
    shop.do(stock.hold, "MILK", 1)


def test_expired_holds_are_swept_by_who_needs_their_units(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.do(stock.hold, "MILK", 2)
    shop.do(stock.hold, "MILK", 3)
    shop.clock.advance(timedelta(hours=1))
    shop.place("R-0", ("MILK", 1))
    assert shop.buckets("MILK") == {"available": 1, "held": 3, "committed": 1}
    shop.place("R-1", ("MILK", 3))
    assert shop.buckets("MILK") == {"available": 1, "committed": 4}
    shop.do(selling.sell, "S-1", lines(("MILK", 1)))
    assert shop.tasks("count") == []
    shop.is_sound()


def test_a_count_overwrites_nothing_but_moves_the_difference(shop: Shop) -> None:
    shop.receive("MILK", 10)
    shop.place("R-1", ("MILK", 2))
    shop.do(stock.count, "MILK", 7)
    assert shop.buckets("MILK") == {"available": 5, "committed": 2}
    shop.do(stock.count, "MILK", 9)
    assert shop.stock("MILK")["on_hand"] == 9
    shop.is_sound()


def test_sales_while_counting_are_no_difference(shop: Shop) -> None:
    shop.receive("MILK", 10)
    began = shop.last_entry()
    shop.do(selling.sell, "S-1", lines(("MILK", 3)))
    shop.receive("MILK", 4)
    shop.do(stock.count, "MILK", 10, began)
    assert shop.stock("MILK")["on_hand"] == 11
    assert shop.promise("MILK") == 11
    shop.is_sound()


def test_a_correction_while_counting_is_not_made_twice(shop: Shop) -> None:
    shop.receive("MILK", 1)
    began = shop.last_entry()
    shop.do(selling.sell, "S-1", lines(("MILK", 3)))  # two more were there than the record knew
    shop.do(stock.count, "MILK", 3, began)  # the counter saw all three before they were sold
    assert shop.stock("MILK")["on_hand"] == 0
    shop.do(stock.count, "MILK", 2, began)
    assert shop.stock("MILK")["on_hand"] == 0


def test_a_count_names_an_entry_of_this_journal(shop: Shop) -> None:
    shop.receive("MILK", 1)
    with pytest.raises(Invalid, match="No entry nothing"):
        shop.do(stock.count, "MILK", 1, "nothing.0.1")
    with pytest.raises(Invalid):
        shop.do(stock.count, "MILK", -1)


def test_a_count_settles_the_task_that_asked_for_it(shop: Shop) -> None:
    shop.do(selling.sell, "S-1", lines(("MILK", 1)))
    assert shop.tasks("count")
    shop.do(stock.count, "MILK", 4)
    assert shop.tasks("count") == []
    assert shop.promise("MILK") == 4


def test_missing_units_never_break_a_promise_by_a_count(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 4))
    shop.do(stock.count, "MILK", 2)
    assert shop.buckets("MILK") == {"committed": 4}
    assert shop.promise("MILK") == 0


def test_a_record_that_was_wrong_often_keeps_units_back_and_is_to_be_counted(shop: Shop) -> None:
    for n in range(3):
        shop.do(selling.sell, f"S-{n}", lines(("MILK", 1)))
    shop.do(stock.count, "MILK", 9)
    assert shop.promise("MILK") == 9
    for n in range(3):
        shop.do(selling.sell, f"T-{n}", lines(("MILK", 12)))
    shop.receive("MILK", 9)
    explained = shop.store.read(ledger.explain, "MILK", "web", shop.clock.now())
    assert explained["confidence"]["level"] == "low"
    assert explained["available_to_promise"] == 8
    assert sum(term["qty"] for term in explained["terms"]) == 8


def test_scheduled_counts_are_asked_for_once(shop: Shop) -> None:
    for sku in ("A", "B", "C"):
        for n in range(3):
            shop.do(selling.sell, f"{sku}-{n}", lines((sku, 1)))
    for task in [one[1] for one in shop.tasks("count")]:
        assert task.startswith("sku:")
    assert shop.do(stock.ask_for_counts, actor="hub") == []
    assert len(shop.tasks("count")) == 3


def test_explain_returns_each_term_that_makes_the_promise(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.do(stock.hold, "MILK", 2)
    shop.clock.advance(timedelta(hours=1))
    explained = shop.store.read(ledger.explain, "MILK", "kiosk", shop.clock.now())
    assert {term["name"]: term["qty"] for term in explained["terms"]} == {
        "available": 3,
        "expired_holds": 2,
        "safety_stock": 0,
        "channel_threshold": 0,
        "rights_elsewhere": 0,
    }
    assert explained["available_to_promise"] == 5
    with pytest.raises(Invalid, match="channel must be one of"):
        shop.store.read(ledger.explain, "MILK", "fax", shop.clock.now())


def test_what_a_rebase_leaves_below_zero_is_mended_and_counted(shop: Shop) -> None:
    below = StockMoved(
        sku="MILK", qty=2, source="staged", target="customer", kind="SALE", order_id="R-1"
    )
    shop.run(lambda tx: tx.append([below], cause="rebased", actor="hub"))
    assert shop.buckets("MILK") == {"staged": -2}
    shop.do(stock.mend, actor="hub")
    assert shop.buckets("MILK") == {}
    assert shop.tasks() == [("count", "sku:MILK", "RECORD_ERROR")]
    assert shop.do(stock.mend, actor="hub") == []
    shop.is_sound()


def test_verify_names_the_row_whose_balance_somebody_changed(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.do(stock.hold, "MILK", 2)
    shop.run(
        lambda tx: tx.conn.execute(
            "UPDATE stock_balance SET qty = 7 WHERE sku = 'MILK' AND bucket = 'available'"
        )
    )
    shop.run(lambda tx: tx.conn.execute("DELETE FROM stock_hold"))
    with shop.store.database.reader() as connection:
        faults = ledger.verify(connection, shop.store.journal.facts(connection))
    assert faults[0] == "stock_balance: SKU MILK, available is 7, its moves say 3"
    assert "stock_hold" in faults[1]


def test_units_sold_are_known_by_the_hour(shop: Shop) -> None:
    shop.receive("MILK", 9)
    shop.do(selling.sell, "S-1", lines(("MILK", 2)))
    shop.clock.advance(timedelta(hours=2))
    shop.do(selling.sell, "S-2", lines(("MILK", 3)))
    assert shop.store.read(ledger.sold_since, "2026-11-21T00:00:00.000Z") == 5
    assert shop.store.read(ledger.sold_since, "2026-11-21T13:00:00.000Z") == 3


def test_an_orders_units_are_no_basket(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 2))
    with pytest.raises(Refusal, match="cancel the order"):
        shop.do(stock.release, "R-1/L1")
    shop.do(pickup.cancel, "R-1", "BUYER_REQUEST")


def test_what_the_store_decides_for_itself_counts_everywhere(shop: Shop) -> None:
    shop.receive("MILK", 9)
    careful = Policy(hold_seconds=60, safety_stock=2, channel_threshold=3, promise_minutes=30)
    shop.run(lambda tx: stock.set_policy(tx, careful))
    assert shop.stock("MILK")["available_to_promise"] == {
        "store": 7,
        "kiosk": 4,
        "web": 4,
        "phone": 4,
    }
    assert shop.place("R-1", ("MILK", 5))["state"] == "REJECTED"
    assert shop.place("R-2", ("MILK", 4))["promise_at"] == "2026-11-21T12:30:00.000Z"
    _, until, _ = shop.do(stock.hold, "MILK", 1)
    assert until == "2026-11-21T12:01:00.000Z"


def test_an_expired_hold_that_the_till_names_is_not_swept_for_its_other_lines(shop: Shop) -> None:
    shop.receive("MILK", 3)
    mine, _, _ = shop.do(stock.hold, "MILK", 1)
    shop.do(stock.hold, "MILK", 2)
    shop.clock.advance(timedelta(hours=1))
    named = {"sku": "MILK", "qty": 1, "hold_id": mine}
    shop.do(selling.sell, "S-1", [{"sku": "MILK", "qty": 2}, named])
    assert shop.buckets("MILK") == {}
    assert shop.tasks("count") == []
    shop.is_sound()
