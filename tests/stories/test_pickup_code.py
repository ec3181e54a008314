"""With the line down the customer's code is enough: it is checked, picked from, and counts once."""

from tests.floor import Floor


def test_an_order_that_the_hub_never_received_is_picked_from_its_code_and_merged_once(
    floor: Floor,
) -> None:
    article = floor.goods(1)[0]
    sku = article["sku"]
    floor.receive({sku: 5})
    had = floor.on_hand(sku)
    badge = floor.facts()["staff"][0]["badge"]
    floor.line("down")
    try:
        placed = floor.place({sku: 2})
        order_id, code = placed["order_id"], placed["pickup_code"]
        forged = code[:-6] + ("AAAAAA" if code[-6:] != "AAAAAA" else "BBBBBB")
        assert floor.order(order_id) is None
        with floor.device() as scanner:
            assert scanner.send("scan", {"code": badge})["status"] == "committed"
            assert scanner.send("scan", {"code": forged})["status"] == "refused"
            for seen in (code, code, article["gtin"], article["gtin"], "SH1:S:A1"):
                ack = scanner.send("scan", {"code": seen})
                assert ack["status"] == "committed", (seen, ack)
        floor.step(order_id, "ready")
        proof = {"kind": "code", "value": code}
        assert floor.step(order_id, "handover", proof=proof)["state"] == "PICKED_UP"
        # Single use: whoever shows it again gets nothing, and the fact of the first is on record.
        again = floor.hub.post(f"/orders/{order_id}/handover", {"proof": proof})
        assert again.status_code == 409
        assert "already handed over" in again.json()["detail"]
        assert floor.hub.json(f"/orders/{order_id}")["proof_kind"] == "code"
        assert floor.on_hand(sku) == had - 2
        assert floor.central.json(f"/orders/{order_id}")["state"] == "PROPOSED"
    finally:
        floor.line("up")
    floor.until(
        lambda: floor.central.json(f"/orders/{order_id}")["state"] == "PICKED_UP",
        "central hears of it",
    )
    floor.in_step()
    kinds = [event["type"] for event in floor.hub.json(f"/orders/{order_id}")["timeline"]]
    assert [kinds.count(kind) for kind in ("OrderProposed", "OrderMatched")] == [1, 1]
    assert kinds.count("OrderHandedOver") == 1
    assert floor.on_hand(sku) == had - 2
    known = floor.central.json(f"/stores/{floor.store}/stock/{sku}")
    assert known["on_hand"] == had - 2
    assert floor.verify()["ok"]


def test_a_code_of_another_store_opens_nothing_here_line_up_or_down(floor: Floor) -> None:
    sku = floor.goods(1)[0]["sku"]
    floor.central.done("/stores", {"store": "elsewhere", "name": "Elsewhere"})
    placed = floor.place({sku: 1}, store="elsewhere")
    badge = floor.facts()["staff"][0]["badge"]
    for state in ("up", "down"):
        floor.line(state)
        try:
            with floor.device() as scanner:
                scanner.send("scan", {"code": badge})
                ack = scanner.send("scan", {"code": placed["pickup_code"]})
            assert ack["status"] == "refused"
            assert "elsewhere" in ack["reason"]
            assert floor.order(placed["order_id"]) is None
        finally:
            floor.line("up")


def test_a_key_is_turned_while_the_store_is_away_and_its_customers_still_get_their_goods(
    floor: Floor,
) -> None:
    article = floor.goods(1)[0]
    floor.receive({article["sku"]: 5})
    floor.line("down")
    try:
        turned = floor.central.done("/keys/rotate")
        code = floor.place({article["sku"]: 1})["pickup_code"]
        with floor.device() as scanner:
            scanner.send("scan", {"code": floor.facts()["staff"][0]["badge"]})
            assert scanner.send("scan", {"code": code})["status"] == "committed"
    finally:
        floor.line("up")
    floor.until(
        lambda: {one["key_id"]: one["stores"] for one in floor.central.json("/keys")["items"]}.get(
            turned["key_id"]
        ),
        "the new key signs for the store",
    )
    code = floor.place({article["sku"]: 1})["pickup_code"]
    with floor.device() as scanner:
        scanner.send("scan", {"code": floor.facts()["staff"][0]["badge"]})
        assert scanner.send("scan", {"code": code})["status"] == "committed"
