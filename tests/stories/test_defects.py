"""Other systems' defects at the counter, from outside, with the line up and with the line down."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.floor import Floor, Http

ID_SEEN = {"proof": {"kind": "id_seen", "value": "passport"}}


class Store:
    """A store whose line is up or down, and how an order reaches it then."""

    def __init__(self, floor: Floor, line: str) -> None:
        self.floor = floor
        self.line = line

    def order(self, units: dict[str, int], **changes: Any) -> tuple[str, str]:
        """Place an order at central; let it come by the feed, or by the customer's code.

        Returns its id and what became of it: RESERVED, or REJECTED (refused, with the line down).
        """
        placed = self.floor.place(units, **changes)
        order_id = placed["order_id"]
        if self.line == "up":
            states = ("RESERVED", "REJECTED")
            found = self.floor.until(
                lambda: (self.floor.order(order_id) or {}).get("state") in states,
                "the store decided",
            )
            assert found
            return order_id, self.floor.order(order_id)["state"]  # type: ignore[index]
        with self.floor.device("scanner-1") as scanner:
            scanner.send("scan", {"code": self.floor.facts()["staff"][0]["badge"]})
            ack = scanner.send("scan", {"code": placed["pickup_code"]})
        if ack["status"] == "refused":
            assert self.floor.order(order_id) is None
            return order_id, "REJECTED"
        return order_id, self.floor.order(order_id)["state"]  # type: ignore[index]

    def ready(self, sku: str, qty: int = 1) -> str:
        order_id, state = self.order({sku: qty})
        assert state == "RESERVED"
        self.floor.step(order_id, "claim")
        self.floor.step(order_id, "pick", line_id="L1", qty=qty)
        self.floor.step(order_id, "stage", shelf="A1")
        self.floor.step(order_id, "ready")
        return order_id


@pytest.fixture(scope="module", params=["up", "down"])
def store(request: pytest.FixtureRequest, floor: Floor) -> Iterator[Store]:
    if request.param == "down":
        floor.line("down")
    try:
        yield Store(floor, request.param)
    finally:
        floor.line("up")
    floor.in_step()
    report = floor.verify()
    assert report["ok"], report


@pytest.fixture
def sku(store: Store) -> str:
    """An article of which the store has two."""
    name = f"DEFECT-{secrets.token_hex(5)}"
    store.floor.receive({name: 2})
    return name


def held(store: Store, sku: str, qty: int) -> int:
    return store.floor.hub.post("/holds", {"sku": sku, "qty": qty}).status_code


def test_the_last_unit_is_not_sold_to_the_kiosk_and_to_an_order(store: Store, sku: str) -> None:
    assert held(store, sku, 1) == 201
    assert store.order({sku: 2})[1] == "REJECTED"
    assert store.order({sku: 1})[1] == "RESERVED"
    assert held(store, sku, 1) == 409
    assert store.floor.stock(sku)["buckets"]["committed"] == 1


def test_two_lines_of_one_article_do_not_each_pass_the_check(store: Store, sku: str) -> None:
    line = {"sku": sku, "qty": 2, "unit_price_minor": 100}
    _, state = store.order({}, lines=[line | {"line_id": "a"}, line | {"line_id": "b"}])
    assert state == "REJECTED"
    assert store.floor.stock(sku)["buckets"].get("committed", 0) == 0


def test_what_ended_gives_its_units_back_and_nothing_more(store: Store, sku: str) -> None:
    before = store.floor.settled(sku)
    for _ in range(2):
        order_id, state = store.order({sku: 2})
        assert state == "RESERVED"
        store.floor.step(order_id, "cancel", reason="BUYER_REQUEST")
        hold = store.floor.hub.done("/holds", {"sku": sku, "qty": 2})
        store.floor.hub.done(f"/holds/{hold['hold_id']}/release")
        store.floor.hub.done(f"/holds/{hold['hold_id']}/release")
    assert store.floor.settled(sku) == before


def test_a_double_click_ships_once(store: Store, sku: str) -> None:
    order_id = store.ready(sku)

    def click(_: int) -> tuple[int, bytes]:
        http = Http(store.floor.hub.url, store.floor.facts()["tokens"]["hub"])
        answer = http.post(f"/orders/{order_id}/handover", ID_SEEN, key=f"click-{order_id}")
        return answer.status_code, answer.content

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(click, range(2))
    assert one == two
    assert one[0] == 200
    again = store.floor.hub.post(f"/orders/{order_id}/handover", ID_SEEN)
    assert again.status_code == 409
    assert again.json()["detail"]
    assert store.floor.stock(sku)["on_hand"] == 1


def test_an_order_is_not_complete_before_its_handover(store: Store, sku: str) -> None:
    order_id = store.ready(sku)
    order = store.floor.order(order_id)
    assert order is not None
    assert order["state"] == "READY_FOR_PICKUP"
    assert store.floor.stock(sku)["on_hand"] == 2
    assert store.floor.step(order_id, "handover", **ID_SEEN)["state"] == "PICKED_UP"
    assert store.floor.stock(sku)["on_hand"] == 1


def test_sales_beyond_the_record_take_nothing_below_zero(store: Store, sku: str) -> None:
    sale = {"sale_id": secrets.token_hex(6), "lines": [{"sku": sku, "qty": 5}]}
    store.floor.hub.done("/sales", sale)
    stock = store.floor.stock(sku)
    assert stock["on_hand"] == 0
    assert min(stock["buckets"].values(), default=0) == 0


def test_the_kiosk_sells_nothing_that_is_sold_out(store: Store, sku: str) -> None:
    store.floor.hub.done(
        "/sales", {"sale_id": secrets.token_hex(6), "lines": [{"sku": sku, "qty": 2}]}
    )
    assert held(store, sku, 1) == 409
    assert store.floor.stock(sku)["available_to_promise"]["kiosk"] == 0


def test_a_misclick_is_taken_back_until_the_handover(store: Store, sku: str) -> None:
    order_id = store.ready(sku)
    assert store.floor.step(order_id, "undo")["state"] == "PREPARED"
    assert store.floor.step(order_id, "undo")["state"] == "PICKING"
    assert store.floor.step(order_id, "undo")["lines"][0]["picked"] == 0
    stock = store.floor.stock(sku)
    assert (stock["on_hand"], stock["buckets"]["staged"]) == (2, 0)
