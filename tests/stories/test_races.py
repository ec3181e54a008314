"""Two clients after the last unit: one gets it, a thousand times over."""

import secrets
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.floor import Floor, Http

ROUNDS = 1000


def test_the_last_unit_is_promised_once_in_a_thousand_races(floor: Floor) -> None:
    run = secrets.token_hex(3)
    skus = [f"RACE-{run}-{n}" for n in range(ROUNDS)]
    for begin in range(0, ROUNDS, 250):
        floor.receive(dict.fromkeys(skus[begin : begin + 250], 1))
    start = threading.Barrier(2, timeout=60)

    def client(_: int) -> list[int]:
        http = Http(floor.hub.url, floor.facts()["tokens"]["hub"])
        answers = []
        for sku in skus:
            start.wait()
            answers.append(http.post("/holds", {"sku": sku, "qty": 1}).status_code)
        return answers

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(client, range(2))
    results = Counter(tuple(sorted(pair)) for pair in zip(one, two, strict=True))
    assert results == {(201, 409): ROUNDS}
    for sku in (skus[0], skus[-1]):
        assert floor.stock(sku)["buckets"]["held"] == 1
        assert floor.stock(sku)["available_to_promise"]["store"] == 0


def test_the_same_command_from_two_clients_at_once_is_one_effect(floor: Floor) -> None:
    sku = f"RACE-{secrets.token_hex(4)}"
    floor.receive({sku: 500})
    start = threading.Barrier(2, timeout=60)
    rounds = 100

    def client(_: int) -> list[tuple[int, bytes]]:
        http = Http(floor.hub.url, floor.facts()["tokens"]["hub"])
        answers = []
        for n in range(rounds):
            start.wait()
            answer = http.post("/holds", {"sku": sku, "qty": 1}, key=f"{sku}-{n}")
            answers.append((answer.status_code, answer.content))
        return answers

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(client, range(2))
    assert one == two
    assert {status for status, _ in one} == {201}
    assert floor.stock(sku)["buckets"]["held"] == rounds


def test_sales_and_holds_at_once_never_promise_more_than_there_is(floor: Floor) -> None:
    sku = f"RACE-{secrets.token_hex(4)}"
    floor.receive({sku: 60})

    def client(_: int) -> int:
        http = Http(floor.hub.url, floor.facts()["tokens"]["hub"])
        return sum(
            http.post("/holds", {"sku": sku, "qty": 1}).status_code == 201 for _ in range(30)
        )

    with ThreadPoolExecutor(4) as pool:
        held = sum(pool.map(client, range(4)))
    assert held == 60
    assert floor.stock(sku)["buckets"]["held"] == 60
