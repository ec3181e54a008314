"""A till's sales, by MQTT and by HTTP, move stock once."""

import secrets

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


def test_what_may_be_promised_is_explained_to_the_unit(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 9})
    floor.hub.done("/holds", {"sku": one, "qty": 2})
    told = floor.hub.json(f"/stock/{one}/explain", channel="web")
    assert told["available_to_promise"] == floor.stock(one)["available_to_promise"]["web"]
    assert told["terms"]


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
