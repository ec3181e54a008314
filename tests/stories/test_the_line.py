"""With the line cut the store goes on; when it returns both sides agree by themselves."""

import secrets

from tests.floor import Floor


def sku() -> str:
    return f"T-{secrets.token_hex(5)}"


def test_the_store_works_with_the_line_down_and_converges_when_it_returns(floor: Floor) -> None:
    article = floor.goods(1)[0]
    one = article["sku"]
    floor.receive({one: 10})
    had = floor.on_hand(one)
    before = floor.place({one: 1})
    floor.arrived(before["order_id"])
    floor.in_step()
    floor.line("down")
    try:
        floor.until(
            lambda: floor.status()["sync"]["state"] != "online", "the hub sees that it is cut off"
        )
        waiting = floor.place({one: 2})
        floor.hub.done("/sales", {"sale_id": sku(), "lines": [{"sku": one, "qty": 1}]})
        order_id = before["order_id"]
        badge = floor.facts()["staff"][0]["badge"]
        with floor.device() as scanner:
            for code in (badge, before["pickup_code"], article["gtin"], "SH1:S:A1"):
                ack = scanner.send("scan", {"code": code})
                assert ack["status"] == "committed", (code, ack)
        floor.step(order_id, "ready")
        done = floor.step(
            order_id, "handover", proof={"kind": "code", "value": before["pickup_code"]}
        )
        assert done["state"] == "PICKED_UP"
        assert floor.stock(one)["on_hand"] == had - 2
        assert floor.central.json(f"/orders/{order_id}")["state"] == "RESERVED"
        assert floor.order(waiting["order_id"]) is None
        status = floor.status()
        assert status["sync"]["pushed_seq"] < status["seq"]
    finally:
        floor.line("up")
    floor.arrived(waiting["order_id"])
    floor.in_step()
    assert floor.central.json(f"/orders/{order_id}")["state"] == "PICKED_UP"
    known = floor.central.json(f"/stores/{floor.store}/stock/{one}")
    assert known["on_hand"] == floor.stock(one)["on_hand"] == had - 2
    report = floor.verify()
    assert report["ok"], report


def test_a_line_that_flaps_loses_and_doubles_nothing(floor: Floor) -> None:
    one = sku()
    floor.receive({one: 40})
    orders = []
    try:
        for n in range(10):
            floor.line("down" if n % 2 else "up")
            orders.append(floor.place({one: 1})["order_id"])
            floor.hub.done("/sales", {"sale_id": sku(), "lines": [{"sku": one, "qty": 1}]})
    finally:
        floor.line("up")
    for order_id in orders:
        floor.arrived(order_id)
    floor.in_step()
    stock = floor.stock(one)
    assert stock["buckets"]["committed"] == 10
    assert stock["on_hand"] == 30
    assert floor.central.json(f"/stores/{floor.store}/stock/{one}")["on_hand"] == 30
    assert floor.verify()["ok"]
