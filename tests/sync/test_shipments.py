"""Head office says what was sent to a store, once, and for whom."""

from typing import Any

from tests.sync.pair import Central, order_body

SSCC = "340123450000000017"


def place(central: Central, order_id: str, **more: Any) -> Any:
    return central.post("/orders", order_body(order_id, {"4711": 2}, **more))


def refused(answer: Any, status: int, words: str) -> None:
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]


def test_what_was_sent_is_told_once_and_no_parcel_carries_two_orders(central: Central) -> None:
    assert place(central, "S-1", supply="ship_to_store").status_code == 201
    assert place(central, "S-1", supply="ship_to_store").status_code == 201
    shown = central.get("/orders/S-1").json()
    assert (shown["supply"], shown["promise_at"], shown["shipment"]) == (
        "ship_to_store",
        None,
        None,
    )
    refused(place(central, "S-1"), 409, "already another order")
    refused(place(central, "S-9", supply="ship_to_store", fallback="mars"), 422, "no fallback")
    sent = {"parcels": [f"(00){SSCC}"], "carrier": "DPD"}
    for _ in range(2):
        shown = central.post("/orders/S-1/shipped", sent).json()
        assert shown["shipment"]["parcels"] == [{"code": SSCC, "here": False}]
        assert (shown["state"], shown["shipment"]["carrier"]) == ("PROPOSED", "DPD")
    more = central.post("/orders/S-1/shipped", {"parcels": [SSCC, "DPD-7"]}).json()
    assert [one["code"] for one in more["shipment"]["parcels"]] == [SSCC, "DPD-7"]
    place(central, "S-2", supply="ship_to_store")
    refused(central.post("/orders/S-2/shipped", sent), 409, "carries order S-1")
    place(central, "S-3")
    refused(central.post("/orders/S-3/shipped", {}), 409, "supplied by its store")
    assert central.post("/orders/S-8/shipped", {}).status_code == 404
    wrong = {"parcels": ["340123450000000018"]}
    refused(central.post("/orders/S-2/shipped", wrong), 422, "check digit")
    refused(central.post("/orders/S-2/shipped", {"carrier": "<b>"}), 422, "carrier is")
    # A label without a code of its own carries the order's number.
    assert central.post("/orders/S-2/shipped", {}).json()["shipment"]["parcels"] == []
    with central.running.inventory.store.reader() as conn:
        rows = conn.execute("SELECT row FROM command_feed ORDER BY position").fetchall()
    ships = [row[0] for row in rows if '"order.ship"' in row[0]]
    assert len(ships) == 3
