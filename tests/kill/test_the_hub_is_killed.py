"""kill -9 of the hub at full rate: nothing that was sent is lost, nothing is counted twice."""

import os
import secrets
import time
from collections.abc import Callable

import pytest

from tests.floor import Floor

OBSERVATIONS = 1000
KILLS = int(os.environ.get("KILLS", "10"))


def sell_through_a_kill(floor: Floor, name: str, round_no: int) -> None:
    """Send 1,000 sales of one unit; end `name` by signal 9 somewhere on the way."""
    sku = f"KILL-{round_no}-{secrets.token_hex(4)}"
    floor.receive({sku: OBSERVATIONS + 1})
    with floor.device("till-1") as till:
        bodies = [
            till.body({"sale_id": f"{sku}-{n}", "lines": [{"sku": sku, "qty": 1}]}, id=f"{sku}-{n}")
            for n in range(OBSERVATIONS)
        ]
        moment = secrets.randbelow(OBSERVATIONS)
        for n, body in enumerate(bodies):
            till.publish("sale", body)
            if n == moment:
                # Somewhere between the first arrival and the last commit.
                time.sleep(secrets.randbelow(300) / 1000)
                floor.kill(name)
        acks = till.wait([body["id"] for body in bodies], timeout=120)
    wrong = {ack["status"] for ack in acks.values()} - {"committed", "duplicate"}
    assert wrong == set()
    floor.wait_ready()
    assert floor.stock(sku)["on_hand"] == 1, "lost or doubled"


@pytest.mark.timeout(600)
def test_kills_of_the_hub_lose_and_double_nothing(
    new_floor: Callable[..., Floor],
) -> None:
    floor = new_floor("mosquitto")
    for round_no in range(KILLS):
        sell_through_a_kill(floor, "hub", round_no)
    floor.in_step()
    report = floor.verify()
    assert report["ok"], report


@pytest.mark.timeout(300)
def test_two_kills_of_the_hub_on_the_embedded_broker_lose_nothing(
    new_floor: Callable[..., Floor],
) -> None:
    floor = new_floor("amqtt")
    for round_no in range(2):
        sell_through_a_kill(floor, "hub", round_no)
    report = floor.verify()
    assert report["ok"], report


@pytest.mark.timeout(300)
def test_kills_of_the_broker_lose_and_double_nothing(new_floor: Callable[..., Floor]) -> None:
    floor = new_floor("mosquitto")
    for round_no in range(3):
        sell_through_a_kill(floor, "broker", round_no)
    report = floor.verify()
    assert report["ok"], report
