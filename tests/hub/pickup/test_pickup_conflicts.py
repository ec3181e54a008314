"""What happens when two histories meet: facts stay, stock follows, a person is asked."""

from datetime import timedelta
from typing import Any

import pytest

from hub.journal import Fact
from hub.pickup import actions as pickup
from hub.pickup.facts import HandedLine, OrderCanceled, OrderHandedOver, PickingClaimed
from hub.stock import actions as stock
from hub.stock.facts import StockMoved
from tests.hub.shop import Shop

SEEN = {"kind": "id_seen", "value": "passport"}


def merge(shop: Shop, *facts: Fact, cause: str = "other-box") -> None:
    """Append facts of another history as a rebase does: no rule is asked."""
    shop.run(lambda tx: tx.append(facts, cause=cause, actor="staff:ben"))


def handed_over(order_id: str, qty: int) -> list[Any]:
    return [
        OrderHandedOver(
            order_id=order_id,
            lines=(HandedLine(line_id="L1", qty=qty),),
            proof_kind="id_seen",
            complete=True,
        ),
        StockMoved(
            sku="MILK",
            qty=qty,
            source="staged",
            target="customer",
            kind="SALE",
            closes=f"{order_id}/L1",
            order_id=order_id,
            line_id="L1",
        ),
    ]


def test_a_second_handover_stays_moves_its_stock_and_is_shown_to_a_person_once(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 2))
    shop.do(pickup.handover, "R-1", SEEN)
    merge(shop, *handed_over("R-1", 2))
    order = shop.order("R-1")
    assert (order["state"], order["lines"][0]["handed_over"]) == ("PICKED_UP", 4)
    assert shop.buckets("MILK") == {"available": 3, "staged": -2}
    assert [shop.run(pickup.settle) for _ in range(2)] == [1, 0]
    assert shop.tasks("confirm") == [
        ("confirm", "conflict:other-box.0.2", "OrderHandedOver"),
    ]
    assert shop.run(lambda tx: tx.knows("conflict:other-box.0.2"))
    shop.do(stock.mend, actor="hub")
    assert shop.buckets("MILK") == {"available": 3}
    shop.is_sound()


def test_a_cancel_after_the_handover_does_not_take_the_goods_back(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 2))
    shop.do(pickup.handover, "R-1", SEEN)
    merge(shop, OrderCanceled(order_id="R-1", reason="BUYER_REQUEST"))
    assert shop.state("R-1") == "PICKED_UP"
    assert shop.run(pickup.settle) == 1


def test_a_handover_after_the_cancel_says_that_the_goods_are_gone(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 2))
    shop.do(pickup.cancel, "R-1", "BUYER_NO_SHOW")
    merge(shop, *handed_over("R-1", 2))
    assert shop.state("R-1") == "PICKED_UP"
    assert shop.run(pickup.settle) == 1
    shop.is_sound()


def test_two_who_claimed_apart_are_a_conflict_and_the_first_keeps_the_order(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 2))
    shop.do(pickup.claim, "R-1")
    merge(shop, PickingClaimed(order_id="R-1", by="staff:ben"))
    assert shop.order("R-1")["claimed_by"] == "staff:anna"
    assert shop.run(pickup.settle) == 1


def test_facts_of_an_order_that_was_never_proposed_are_kept(shop: Shop) -> None:
    merge(shop, *handed_over("R-1", 1))
    assert shop.state("R-1") == "PICKED_UP"
    assert shop.buckets("MILK") == {"staged": -1}
    shop.is_sound()


def test_a_handover_is_not_stopped_by_a_ledger_that_lacks_the_units(shop: Shop) -> None:
    shop.receive("MILK", 2)
    shop.made_ready("R-1", ("MILK", 2))
    lost = StockMoved(
        sku="MILK",
        qty=1,
        source="staged",
        target="shrink",
        kind="ADJUSTMENT",
        closes="R-1/L1",
        reason="RECORD_ERROR",
    )
    merge(shop, lost)
    shop.do(pickup.handover, "R-1", SEEN)
    assert shop.state("R-1") == "PICKED_UP"
    assert shop.buckets("MILK") == {}
    assert shop.tasks("count") == [("count", "sku:MILK", "RECORD_ERROR")]
    shop.is_sound()


@pytest.mark.parametrize("days", [6, 8])
def test_goods_that_nobody_fetches_expire_after_a_week(shop: Shop, days: int) -> None:
    shop.receive("MILK", 2)
    shop.made_ready("R-1", ("MILK", 2))
    shop.clock.advance(timedelta(days=days))
    due = shop.run(pickup.overdue)
    assert due == (["R-1"] if days == 8 else [])
    for order_id in due:
        shop.do(pickup.expire, order_id, actor="hub")
        assert shop.state(order_id) == "EXPIRED"
        assert shop.buckets("MILK") == {"available": 2}
        assert shop.tasks() == [("reshelve", "order:R-1", "BUYER_NO_SHOW")]
    shop.clock._quality = "unknown"
    assert shop.run(pickup.overdue) == []
