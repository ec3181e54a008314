"""A till's sales, by MQTT and by HTTP, move stock once."""

import json
import secrets
from typing import Any

import requests

from tests.floor import Floor


def sku() -> str:
    return f"T-{secrets.token_hex(5)}"


def test_a_sale_over_mqtt_moves_stock_once_however_often_it_is_sent(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 10})
    with floor.device("till-1") as till:
        body = till.body(
            {"sale_id": f"S-{secrets.token_hex(4)}", "lines": [{"sku": one, "qty": 3}]}
        )
        till.publish("sale", body)
        assert till.wait([body["id"]])[body["id"]]["status"] == "committed"
        for _ in range(3):
            till.publish("sale", body)
            assert till.wait([body["id"]])[body["id"]]["status"] == "duplicate"
    assert floor.stock(one)["on_hand"] == 7


def test_one_sale_over_both_ways_is_one_sale(floor: Floor) -> None:
    one, sale = sku(), f"S-{secrets.token_hex(4)}"
    floor.receive({one: 5})
    lines = [{"sku": one, "qty": 2}]
    floor.hub.done("/sales", {"sale_id": sale, "lines": lines})
    with floor.device("till-1") as till:
        till.send("sale", {"sale_id": sale, "lines": lines})
    assert floor.stock(one)["on_hand"] == 3


def test_a_command_sent_twice_has_one_effect_and_the_same_answer(floor: Floor) -> None:
    one, key = sku(), secrets.token_hex(8)
    floor.receive({one: 5})
    body = {"sale_id": f"S-{secrets.token_hex(4)}", "lines": [{"sku": one, "qty": 1}]}
    first = floor.hub.post("/sales", body, key)
    again = floor.hub.post("/sales", body, key)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    other = floor.hub.post("/sales", body | {"sale_id": "S-other"}, key)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:storehub:problem:idempotency-key-reused"
    assert floor.stock(one)["on_hand"] == 4


def test_goods_in_a_customers_hand_are_sold_and_the_record_is_corrected(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 1})
    floor.hub.done("/sales", {"sale_id": sku(), "lines": [{"sku": one, "qty": 2}]})
    assert floor.stock(one)["on_hand"] == 0


def test_a_count_is_no_difference_for_sales_made_while_counting(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 10})
    began = floor.hub.done("/receipts", {"receipt_id": sku(), "lines": [{"sku": one, "qty": 1}]})
    since = began["entries"][-1]
    floor.hub.done("/sales", {"sale_id": sku(), "lines": [{"sku": one, "qty": 4}]})
    floor.hub.done("/counts", {"sku": one, "counted": 11, "since": since})
    assert floor.stock(one)["on_hand"] == 7


def test_a_hold_ends_and_gives_its_units_back(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 1})
    held = floor.hub.done("/holds", {"sku": one, "qty": 1})
    refused = floor.hub.post("/holds", {"sku": one, "qty": 1})
    assert refused.status_code == 409
    assert refused.json()["detail"]
    floor.hub.done(f"/holds/{held['hold_id']}/release")
    floor.hub.done("/holds", {"sku": one, "qty": 1, "seconds": 1})
    floor.until(
        lambda: floor.stock(one)["available_to_promise"]["store"] == 1, "the hold has run out"
    )


def why(floor: Floor, one: str, **query: Any) -> dict[str, Any]:
    told: dict[str, Any] = floor.hub.json(f"/stock/{one}/explain", **query)
    return told


def test_a_number_is_explained_to_the_unit_with_the_line_up_and_down(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 9})
    floor.hub.done("/holds", {"sku": one, "qty": 2})
    asked = ("explain", "stock", one, "--channel", "web", "--json")
    told = json.loads(floor.storehub(*asked).stdout)
    assert told["available_to_promise"] == floor.stock(one)["available_to_promise"]["web"]
    assert sum(term["qty"] for term in told["terms"]) == told["available_to_promise"]
    assert [(move["kind"], move["qty"]) for move in told["moves"]] == [("HOLD", 2), ("RECEIVE", 9)]
    assert all(move["actor"] and move["cause"] and move["at"] for move in told["moves"])
    assert told["moves"] == why(floor, one, channel="web")["moves"]
    assert why(floor, one, limit=1)["moves"] == told["moves"][:1]

    def seen() -> dict[str, Any] | None:
        known = why(floor, one)["central"]
        return dict(known) if (known["line"], known["unseen"]) == ("up", 0) else None

    known = floor.until(seen, "central has all moves")
    assert known is not None
    assert (known["on_hand"], known["available"]) == (9, 7)
    floor.in_step()
    floor.line("down")
    try:
        floor.until(lambda: why(floor, one)["central"]["line"] == "down", "the line is down")
        floor.hub.done("/sales", {"sale_id": sku(), "lines": [{"sku": one, "qty": 4}]})
        told = why(floor, one)
        assert told["on_hand"] == 5
        assert (told["central"]["on_hand"], told["central"]["unseen"]) == (9, 1)
        assert told["central"]["as_of"]
        assert floor.central.json(f"/stores/{floor.store}/stock/{one}")["on_hand"] == 9
        said = floor.storehub("explain", "stock", one).stdout
        assert "THE LINE IS DOWN" in said
        assert "SALE 4 available → customer" in said
    finally:
        floor.line("up")


def broken(floor: Floor) -> float:
    """Return how many promises the hub says were broken."""
    numbers = requests.get(f"{floor.facts()['urls']['hub']}/metrics", timeout=10).text
    (line,) = [line for line in numbers.splitlines() if line.startswith("storehub_promises_broken")]
    return float(line.split()[1])


def test_staff_confirm_a_sale_that_breaks_a_promise_and_the_order_is_short(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 3})
    order_id = floor.place({one: 3})["order_id"]
    before, code = broken(floor), floor.arrived(order_id)["short_code"]
    sale = {"sale_id": f"S-{secrets.token_hex(4)}", "lines": [{"sku": one, "qty": 1}]}
    refused = floor.hub.post("/sales", sale)
    assert refused.status_code == 409
    assert f"{code} (1 of SKU {one})" in refused.json()["detail"]
    assert floor.stock(one)["on_hand"] == 3
    floor.hub.done("/sales", sale | {"confirm_break": True})
    assert (
        floor.stock(one)["buckets"] | {"committed": 2, "available": 0}
        == (floor.stock(one)["buckets"])
    )
    assert floor.hub.json(f"/orders/{order_id}")["lines"][0]["short"] == 1
    tasks = floor.hub.json("/tasks", kind="broken")["items"]
    assert [task["reason"] for task in tasks if task["order_id"] == order_id] == ["BROKEN_BY_SALE"]
    counted = {"sku": one, "counted": 1}
    assert floor.hub.post("/counts", counted).status_code == 409
    floor.hub.done("/counts", counted | {"confirm_break": True})
    assert floor.hub.json(f"/orders/{order_id}")["lines"][0]["short"] == 2
    assert broken(floor) == before + 2
    floor.until(
        lambda: floor.central.json(f"/orders/{order_id}")["lines"][0]["short"] == 2,
        "central knows what the order lacks",
    )
