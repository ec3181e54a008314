"""A store is worked in while hub, broker and central die and the line flaps; then it is counted.

SOAK_MINUTES says how long (15 unless told), SOAK_SEED which trouble (printed at the start).
"""

import os
import random
import secrets
import time
from collections.abc import Callable

import pytest

from tests.floor import Floor

MINUTES = float(os.environ.get("SOAK_MINUTES", "15"))
SKUS = 20
STOCK = 100_000


@pytest.mark.timeout(MINUTES * 60 + 600)
def test_a_day_of_trouble_loses_and_doubles_nothing(new_floor: Callable[..., Floor]) -> None:
    seed = int(os.environ.get("SOAK_SEED", secrets.randbelow(10**6)))
    print(f"SOAK_SEED={seed}")
    chance = random.Random(seed)
    floor = new_floor()
    skus = [f"SOAK-{n}-{secrets.token_hex(3)}" for n in range(SKUS)]
    floor.receive(dict.fromkeys(skus, STOCK))
    sold = dict.fromkeys(skus, 0)
    orders: dict[str, tuple[str, int]] = {}
    end = time.monotonic() + MINUTES * 60
    with floor.device("till-1") as till:
        while time.monotonic() < end:
            waiting = []
            for n in range(chance.randrange(50, 500)):
                sku, qty = chance.choice(skus), chance.randrange(1, 4)
                body = till.body(
                    {"sale_id": secrets.token_hex(8), "lines": [{"sku": sku, "qty": qty}]}
                )
                till.publish("sale", body)
                waiting.append(body["id"])
                sold[sku] += qty
                if n % 100 == 50:
                    trouble(floor, chance)
            place(floor, chance.choice(skus), orders)
            till.wait(waiting, timeout=120)
        floor.line("up")
        floor.wait_ready(60)
    for order_id in orders:
        floor.arrived(order_id, timeout=120)
    floor.in_step(120)
    promised = dict.fromkeys(skus, 0)
    for sku, qty in orders.values():
        promised[sku] += qty
    for sku in skus:
        stock = floor.stock(sku)
        assert stock["on_hand"] == STOCK - sold[sku]
        assert stock["buckets"]["committed"] == promised[sku]
        known = floor.central.json(f"/stores/{floor.store}/stock/{sku}")
        assert known["on_hand"] == stock["on_hand"]
    report = floor.verify()
    assert report["ok"], report


def trouble(floor: Floor, chance: random.Random) -> None:
    what = chance.choice(("hub", "broker", "central", "down", "up", "nothing"))
    if what in ("hub", "broker", "central"):
        floor.kill(what)
    elif what != "nothing":
        floor.line(what)


def place(floor: Floor, sku: str, orders: dict[str, tuple[str, int]]) -> None:
    """Place an order as a shop's site does: the same one again until central answers."""
    order_id = f"W-{secrets.token_hex(5)}"
    for _ in range(200):
        try:
            floor.place({sku: 1}, order_id=order_id)
        except (OSError, AssertionError):  # central is down, or just starting
            time.sleep(0.2)
        else:
            orders[order_id] = (sku, 1)
            return
    raise AssertionError("central did not take the order")
