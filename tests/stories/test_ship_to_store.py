"""Goods come from elsewhere for a customer's order: from central's word to the handover."""

import secrets
from typing import Any

import requests

from hub import gs1
from tests.floor import Floor


def sscc() -> str:
    digits = "3" + f"{secrets.randbelow(10**16):016}"
    return digits + gs1.check_digit(digits)


def page_of(floor: Floor, order_id: str) -> str:
    """Read the customer's page of an order, by its link."""
    link = floor.central.json(f"/orders/{order_id}")["page"]
    return requests.get(f"{floor.facts()['urls']['central']}{link}", timeout=20).text


def parcel_tasks(floor: Floor) -> list[tuple[Any, ...]]:
    found = floor.hub.json("/tasks", kind="parcel")["items"]
    return [(task["subject"], task["reason"]) for task in found]


def test_what_was_sent_is_received_short_put_away_and_handed_over_with_the_line_cut(
    floor: Floor,
) -> None:
    tea, soap = (one["sku"] for one in floor.goods(2))
    had = {sku: floor.settled(sku)["buckets"] for sku in (tea, soap)}
    first, second, lost = sscc(), sscc(), sscc()
    placed = floor.place({tea: 3, soap: 1}, supply="ship_to_store")
    order_id = placed["order_id"]
    waiting = floor.arrived(order_id)
    assert waiting["promise_at"] is None
    assert {sku: floor.settled(sku)["buckets"] for sku in had} == had, "nothing here is promised"
    sent = {"parcels": [first, f"(00){second}"], "carrier": "DPD", "tracking": "0144 77"}
    shown = floor.central.done(f"/orders/{order_id}/shipped", sent)
    assert shown["shipment"]["parcels"] == [
        {"code": code, "here": False} for code in sorted((first, second))
    ]
    floor.central.done(f"/orders/{order_id}/shipped", sent)
    floor.arrived(order_id, "IN_TRANSIT")
    floor.until(
        lambda: floor.central.json(f"/orders/{order_id}")["state"] == "IN_TRANSIT",
        "central heard that it is on its way",
    )
    assert "Sent with DPD, number 0144 77" in page_of(floor, order_id)

    floor.line("down")
    try:
        floor.until(lambda: floor.status()["sync"]["state"] != "online", "the hub is cut off")
        unheard = floor.place({tea: 1}, supply="ship_to_store")["order_id"]
        floor.central.done(f"/orders/{unheard}/shipped", {"parcels": [lost]})
        # One of two parcels is here, the other one never comes whole.
        assert floor.hub.done(f"/parcels/{first}/receive")["state"] == "IN_TRANSIT"
        again = floor.hub.post(f"/parcels/{first}/receive")
        assert again.status_code == 409
        assert "was scanned before" in again.json()["detail"]
        lacking = {"lines": [{"line_id": "L1", "missing": 1, "damaged": 1}]}
        here = floor.hub.done(f"/parcels/{second}/receive", lacking)
        assert (here["state"], here["lines"][0]["short"]) == ("RECEIVED", 2)
        assert here["promise_at"] is not None
        # What nobody announced is put aside, and waits as work.
        unknown = floor.hub.post(f"/parcels/{lost}/receive")
        assert unknown.status_code == 409
        assert "put it aside" in unknown.json()["detail"]
        floor.hub.done(f"/parcels/{lost}/aside")
        assert (f"parcel:{lost}", "NO_ORDER") in parcel_tasks(floor)
        badge = floor.facts()["staff"][0]["badge"]
        floor.step(order_id, "put_away", shelf="A9")
        floor.step(order_id, "ready")
        done = floor.step(
            order_id, "handover", proof={"kind": "code", "value": placed["pickup_code"]}
        )
        assert (done["state"], done["shelf"]) == ("PICKED_UP", "A9")
        assert [line["handed_over"] for line in done["lines"]] == [1, 1]
    finally:
        floor.line("up")
    floor.until(
        lambda: (f"order:{unheard}", "PUT_ASIDE") in parcel_tasks(floor),
        "the parcel that was put aside has its order",
    )
    # The scanner that staff carry: a badge, the parcel, the shelf.
    with floor.device() as scanner:
        for code in (badge, f"]C100{lost}", "SH1:S:A8"):
            ack = scanner.send("scan", {"code": code})
            assert ack["status"] == "committed", (code, ack)
    put = floor.arrived(unheard, "PREPARED")
    assert put["shelf"] == "A8"
    assert (f"order:{unheard}", "PUT_ASIDE") not in parcel_tasks(floor)
    floor.step(unheard, "cancel", reason="BUYER_REQUEST")
    floor.in_step()
    known = floor.central.json(f"/orders/{order_id}")
    assert known["state"] == "PICKED_UP"
    assert known["lines"][0]["short"] == 2
    assert all(parcel["here"] for parcel in known["shipment"]["parcels"])
    told = [event for event in known["timeline"] if event.get("type") == "OrderReceived"]
    assert told[0]["lines"] == [{"line_id": "L1", "missing": 1, "damaged": 1}]
    assert "not all of them whole" in page_of(floor, order_id)
    now = floor.settled(tea)["buckets"]
    assert now.get("damaged", 0) == had[tea].get("damaged", 0) + 1
    assert floor.verify()["ok"]
