"""A customer's order, from central to the customer's hands, by scanner and by button."""

import secrets
import time
from typing import Any

import pytest

from tests.floor import Floor


def sku() -> str:
    return f"T-{secrets.token_hex(5)}"


def test_an_order_from_central_is_on_the_counter_before_anybody_asks_again(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 5})
    before = floor.settled(one)
    placed = floor.place({one: 2})
    began = time.monotonic()
    assert placed["state"] == "PROPOSED"
    order = floor.arrived(placed["order_id"])
    # It waits at central for news, 25 s at a time; a tenth of a second on a quiet machine.
    assert time.monotonic() - began < 20
    assert order["short_code"] == placed["short_code"]
    after = floor.stock(one)
    assert after["buckets"]["committed"] == 2
    assert after["on_hand"] == 5
    assert floor.settled(one)["own"] == before["own"] - 2
    assert placed["order_id"] in {one["order_id"] for one in floor.hub.json("/orders")["items"]}


def test_an_order_says_which_shelf_keeps_what_is_in_it(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 1})
    placed = floor.place({one: 1})
    suggested = floor.arrived(placed["order_id"])["suggested_shelf"]
    kinds = {row["shelf"]: row["kind"] for row in floor.hub.json("/staging-shelves")["items"]}
    assert kinds[suggested] == "ambient"
    assert set(kinds.values()) == {"ambient", "chilled", "frozen", "large"}


def test_an_order_is_handed_over_by_buttons_and_central_follows(floor: Floor) -> None:
    one, two = sku(), sku()
    floor.receive({one: 3, two: 3})
    placed = floor.place({one: 2, two: 1})
    order_id = placed["order_id"]
    floor.arrived(order_id)
    assert floor.step(order_id, "claim")["state"] == "PICKING"
    floor.step(order_id, "pick", line_id="L1", qty=2)
    floor.step(order_id, "pick", line_id="L2", qty=1)
    assert floor.step(order_id, "stage", shelf="SH1:S:A1")["state"] == "PREPARED"
    assert floor.step(order_id, "ready")["state"] == "READY_FOR_PICKUP"
    assert floor.stock(one)["buckets"]["staged"] == 2
    done = floor.step(order_id, "handover", proof={"kind": "code", "value": placed["pickup_code"]})
    assert done["state"] == "PICKED_UP"
    assert [line["handed_over"] for line in done["lines"]] == [2, 1]
    assert floor.stock(one)["on_hand"] == 1
    floor.until(
        lambda: floor.central.json(f"/orders/{order_id}")["state"] == "PICKED_UP",
        "central knows that it was picked up",
    )
    known = floor.central.json(f"/stores/{floor.store}/stock/{one}")
    assert known["on_hand"] == 1


def test_an_order_is_picked_and_staged_by_scans_alone(floor: Floor) -> None:
    milk, tea = floor.goods(2)
    floor.receive({milk["sku"]: 5, tea["sku"]: 5})
    placed = floor.place({milk["sku"]: 2, tea["sku"]: 1})
    order_id = placed["order_id"]
    floor.arrived(order_id)
    with floor.device() as scanner:

        def scan(code: str) -> None:
            ack = scanner.send("scan", {"code": code})
            assert ack["status"] == "committed", ack

        scan(floor.facts()["staff"][0]["badge"])
        scan(placed["pickup_code"])
        assert floor.order(order_id)["state"] == "PICKING"  # type: ignore[index]
        for code in (milk["gtin"], milk["gtin"], tea["gtin"]):
            scan(code)
        order = floor.order(order_id)
        assert order is not None
        assert [line["picked"] for line in order["lines"]] == [2, 1]
        scan("SH1:S:A2")
    assert floor.arrived(order_id, "PREPARED")["shelf"] == "A2"


def test_a_wrong_scan_is_refused_and_changes_nothing(floor: Floor) -> None:
    milk, other = floor.goods(2)
    floor.receive({milk["sku"]: 2})
    placed = floor.place({milk["sku"]: 1})
    floor.arrived(placed["order_id"])
    with floor.device() as scanner:
        scanner.send("scan", {"code": floor.facts()["staff"][0]["badge"]})
        scanner.send("scan", {"code": placed["pickup_code"]})
        ack = scanner.send("scan", {"code": other["gtin"]})
    assert ack["status"] == "refused"
    assert ack["reason"]
    order = floor.order(placed["order_id"])
    assert order is not None
    assert order["lines"][0]["picked"] == 0


def test_a_short_line_and_a_partial_handover_add_up(floor: Floor) -> None:
    one, two = sku(), sku()
    floor.receive({one: 3, two: 3})
    placed = floor.place({one: 3, two: 1})
    order_id = placed["order_id"]
    floor.arrived(order_id)
    floor.step(order_id, "claim")
    floor.step(order_id, "pick", line_id="L1", qty=2)
    floor.step(order_id, "short", line_id="L1", qty=1, reason="NOT_IN_STOCK")
    floor.step(order_id, "pick", line_id="L2", qty=1)
    floor.step(order_id, "stage", shelf="SH1:S:A1")
    floor.step(order_id, "ready")
    proof = {"kind": "id_seen", "value": "passport"}
    part = floor.step(order_id, "handover", proof=proof, lines=[{"line_id": "L1", "qty": 2}])
    assert part["state"] == "READY_FOR_PICKUP"
    rest = floor.step(order_id, "handover", proof=proof)
    assert rest["state"] == "PICKED_UP"
    for line in rest["lines"]:
        assert line["ordered"] == sum(
            line[name] for name in ("picked", "short", "substituted", "canceled")
        )


def test_a_second_handover_is_refused_and_ships_nothing_twice(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 2})
    placed = floor.place({one: 1})
    order_id = placed["order_id"]
    floor.arrived(order_id)
    floor.step(order_id, "claim")
    floor.step(order_id, "pick", line_id="L1", qty=1)
    floor.step(order_id, "stage", shelf="SH1:S:A1")
    floor.step(order_id, "ready")
    body = {"proof": {"kind": "id_seen", "value": "passport"}}
    assert floor.hub.post(f"/orders/{order_id}/handover", body).status_code == 200
    floor.hub.post(f"/orders/{order_id}/handover", body)
    assert floor.stock(one)["on_hand"] == 1


def test_a_cancel_at_central_waits_for_the_stores_word(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 1})
    placed = floor.place({one: 1})
    order_id = placed["order_id"]
    floor.arrived(order_id)
    floor.central.done(f"/orders/{order_id}/cancel", {"reason": "BUYER_REQUEST"})
    floor.arrived(order_id, "CANCELED")
    assert floor.stock(one)["available_to_promise"]["store"] == 1
    floor.until(
        lambda: floor.central.json(f"/orders/{order_id}")["state"] == "CANCELED",
        "central heard the store's word",
    )


@pytest.mark.parametrize("lines", [{"one": 1}, {"one": 1, "again": 1}])
def test_goods_that_are_not_there_make_the_order_rejected(
    floor: Floor, lines: dict[str, int]
) -> None:
    """Two lines of one SKU are summed before they are checked."""
    one = sku()
    if len(lines) > 1:
        floor.receive({one: 1})
    body = [
        {"line_id": name, "sku": one, "qty": qty, "unit_price_minor": 100}
        for name, qty in lines.items()
    ]
    placed = floor.place({}, lines=body)
    floor.arrived(placed["order_id"], "REJECTED")
    if len(lines) > 1:
        assert floor.stock(one)["buckets"]["committed"] == 0


@pytest.mark.timeout(400)
def test_head_office_hears_when_a_store_picks_slowly_or_not_at_all(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 20})
    floor.arrived(floor.place({one: 1})["order_id"])
    asked = {"lines": [{"sku": one, "qty": 1}]}

    def items() -> list[dict[str, Any]]:
        return list(floor.central.done("/promise", asked)["items"])

    def says(minutes: int | None, when: str) -> bool:
        if items()[0]["ready"] == {"minutes": minutes, "when": when}:
            return True
        # Each fact brings along what the store would promise at present.
        floor.receive({one: 1})
        return False

    floor.until(items, "the store lent the web some of what it asked for", 150)
    ready = items()[0]["ready"]
    assert ready["when"] == "told"
    usual = ready["minutes"]
    try:
        floor.hub.done("/pickup/pace", {"pace": "slow"})
        floor.until(lambda: says(2 * usual, "told"), "it is slow", 90)
        floor.hub.done("/pickup/pace", {"pace": "paused", "reason": "STAFF_SHORT"})
        floor.until(lambda: says(None, "paused"), "it is paused", 90)
    finally:
        floor.hub.done("/pickup/pace", {"pace": "normal"})
    floor.until(lambda: says(usual, "told"), "all is as before", 90)
