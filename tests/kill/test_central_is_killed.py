"""kill -9 of central while the hub pushes: central ends with the hub's journal, once."""

import secrets
import time
from collections.abc import Callable

import pytest

from tests.floor import Floor


@pytest.mark.timeout(300)
def test_kills_of_central_during_push_lose_and_double_nothing(
    new_floor: Callable[..., Floor],
) -> None:
    floor = new_floor()
    sku = f"KILL-{secrets.token_hex(4)}"
    floor.receive({sku: 10_000})
    sold = 0
    orders: list[str] = []
    for _ in range(3):
        floor.line("down")
        for _ in range(150):
            lines = [{"sku": sku, "qty": 1}]
            floor.hub.done("/sales", {"sale_id": secrets.token_hex(8), "lines": lines})
            sold += 1
        floor.line("up")
        time.sleep(secrets.randbelow(1500) / 1000)
        floor.kill("central")
        floor.until(lambda: place_one(floor, sku, orders), "central takes orders again")
    floor.in_step()
    for order_id in orders:
        floor.arrived(order_id)
    floor.in_step()
    known = floor.central.json(f"/stores/{floor.store}/stock/{sku}")
    assert known["on_hand"] == floor.stock(sku)["on_hand"] == 10_000 - sold
    assert floor.stock(sku)["buckets"]["committed"] == len(orders)
    report = floor.verify()
    assert report["ok"], report


def place_one(floor: Floor, sku: str, orders: list[str]) -> bool:
    try:
        orders.append(floor.place({sku: 1})["order_id"])
    except (OSError, AssertionError):  # not listening yet, or starting
        return False
    return True


@pytest.mark.timeout(300)
def test_a_hub_killed_between_steps_of_an_order_goes_on_where_it_was(
    new_floor: Callable[..., Floor],
) -> None:
    floor = new_floor()
    sku = f"KILL-{secrets.token_hex(4)}"
    floor.receive({sku: 5})
    order_id = floor.place({sku: 1})["order_id"]
    floor.arrived(order_id)
    steps: tuple[tuple[str, dict[str, object]], ...] = (
        ("claim", {}),
        ("pick", {"line_id": "L1", "qty": 1}),
        ("stage", {"shelf": "SH1:S:A1"}),
        ("ready", {}),
        ("handover", {"proof": {"kind": "id_seen", "value": "passport"}}),
    )
    for step, body in steps:
        key = secrets.token_hex(8)
        first = floor.hub.post(f"/orders/{order_id}/{step}", body, key)
        assert first.status_code == 200, first.text
        floor.kill("hub")
        floor.wait_ready()
        again = floor.hub.post(f"/orders/{order_id}/{step}", body, key)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"
    assert floor.stock(sku)["on_hand"] == 4
    assert floor.verify()["ok"]
