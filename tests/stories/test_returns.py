"""Goods come back at the counter by HTTP: once, into their bucket, with the line down as well."""

import secrets
from concurrent.futures import ThreadPoolExecutor

from tests.floor import Floor


def handed_over(floor: Floor, sku: str, qty: int) -> str:
    floor.receive({sku: qty})
    order_id: str = floor.place({sku: qty})["order_id"]
    floor.arrived(order_id)
    at = f"/orders/{order_id}"
    floor.hub.done(f"{at}/claim")
    floor.hub.done(f"{at}/pick", {"line_id": "L1", "qty": qty})
    floor.hub.done(f"{at}/stage", {"shelf": "B-1"})
    floor.hub.done(f"{at}/ready")
    floor.hub.done(f"{at}/handover", {"proof": {"kind": "id_seen", "value": "passport"}})
    return order_id


def test_a_unit_comes_back_once_though_two_counters_ask_with_the_line_down(floor: Floor) -> None:
    sku = f"BACK-{secrets.token_hex(3)}"
    order_id = handed_over(floor, sku, 3)
    floor.line("down")
    try:
        body = {
            "order_id": order_id,
            "lines": [{"line_id": "L1", "qty": 2}],
            "reason": "CHANGED_MIND",
        }
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda _: floor.hub.post("/returns", body), range(2)))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        refused = next(answer for answer in answers if answer.status_code == 409)
        assert "Only 1 of SKU" in refused.json()["detail"]
        name = next(a.json()["return_id"] for a in answers if a.status_code == 201)
        at = f"/returns/{name}"
        floor.hub.done(f"{at}/dispose", {"line_id": "B1", "disposition": "NOT_RESTOCKED"})
        floor.hub.done(f"{at}/dispose", {"line_id": "B1", "disposition": "RESTOCKED"})
        key = secrets.token_hex(8)
        for _ in range(2):
            closed = floor.hub.done(f"{at}/close", key=key)
        assert (closed["state"], closed["refund"]) == ("CLOSED", "REQUESTED")
        assert floor.stock(sku)["buckets"]["available"] == 2
        assert floor.hub.done(f"{at}/refund", {"state": "PAID"})["refund"] == "PAID"
        found = floor.hub.json("/returns", order_id=order_id)["items"]
        assert [one["return_id"] for one in found] == [name]
    finally:
        floor.line("up")
    floor.in_step()
    on_hand = floor.central.json(f"/stores/{floor.store}/stock/{sku}")["buckets"]["available"]
    assert on_hand == 2, "restocked where it was received, and central knows"
    assert floor.verify()["ok"]
