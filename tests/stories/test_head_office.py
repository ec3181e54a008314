"""Head office has two stores: one lacks the goods and the other has them; one falls silent."""

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.floor import COMMAND, ROOT, Floor, Http
from tests.stories.test_a_history_is_mended import second_hub

pytestmark = pytest.mark.timeout(600)
OTHER = "harbour"
ONE, TWO = "OFFICE-1", "OFFICE-TWO"


def commanded(floor: Floor, *arguments: str) -> str:
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env=floor.environment,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def harbour(floor: Floor, directory: Path) -> Iterator[Http]:
    """Run a second store of this central, enrolled with nothing but a token."""
    at = ("--data", str(directory))
    if not directory.exists():
        enrolment = floor.central.done(f"/stores/{OTHER}/enrolment", {})["token"]
        url = floor.facts()["urls"]["central"]
        commanded(
            floor, "init", "--store", OTHER, "--central", url, "--enrol", enrolment, *at
        )  # fmt: skip
    made = commanded(floor, "token", "create", "--role", "it", "--json", *at)
    with second_hub(floor, directory, json.loads(made)["token"]) as (_, hub):
        yield hub


def seen(floor: Floor) -> dict[str, Any]:
    (row,) = floor.central.json("/fleet", q=OTHER)["items"]
    return dict(row)


@pytest.fixture
def office(new_floor: Callable[..., Floor]) -> Floor:
    floor = new_floor()
    floor.central.done("/stores", {"store": OTHER, "name": "Harbour Street"})
    return floor


@pytest.mark.slow
def test_what_one_store_lacks_the_named_other_one_gives(office: Floor, tmp_path: Path) -> None:
    floor = office
    assert seen(floor)["condition"] == "new"
    with harbour(floor, tmp_path / OTHER) as hub:
        floor.until(lambda: seen(floor)["condition"] == "well", "central hears the harbour", 90)
        assert seen(floor)["release"]
        receipt = {"receipt_id": secrets.token_hex(6), "lines": [{"sku": ONE, "qty": 5}]}
        hub.done("/receipts", receipt)
        order = {
            "order_id": "OFFICE-R-1", "store": floor.store, "fallback": OTHER, "currency": "EUR",
            "lines": [{"line_id": "L1", "sku": ONE, "qty": 2, "unit_price_minor": 300}],
            "customer": {"name": "Ida Probe"},
        }  # fmt: skip
        floor.central.done("/orders", order, key="once")

        def shown() -> dict[str, Any]:
            return dict(floor.central.json("/orders/OFFICE-R-1"))

        floor.until(lambda: shown()["state"] == "RESERVED", "the fallback keeps the goods")
        assert (shown()["store"], shown()["rerouted_from"]) == (OTHER, floor.store)
        assert hub.json("/orders/OFFICE-R-1")["state"] == "RESERVED"
        assert hub.json(f"/stock/{ONE}")["buckets"]["committed"] == 2
        assert floor.hub.json("/orders/OFFICE-R-1")["state"] == "REJECTED"
        page = requests.get(f"{floor.facts()['urls']['central']}/orders/OFFICE-R-1", timeout=40)
        assert "so Harbour Street has it now" in page.text
        again = floor.central.post("/orders", order, key="once")
        assert again.headers["Idempotency-Replayed"] == "true"
        assert hub.json(f"/stock/{ONE}")["buckets"]["committed"] == 2
        breaks_at_the_till(floor, hub, order)


def breaks_at_the_till(floor: Floor, hub: Http, order: dict[str, Any]) -> None:
    """What was reserved is sold from a customer's hand while the line is down: the order moves."""
    floor.receive({TWO: 2})
    hub.done("/receipts", {"receipt_id": "two", "lines": [{"sku": TWO, "qty": 2}]})
    lines = [order["lines"][0] | {"sku": TWO}]
    floor.central.done("/orders", order | {"order_id": "OFFICE-R-2", "lines": lines})
    floor.arrived("OFFICE-R-2")
    sold = {"sale_id": "TILL-1", "lines": [{"sku": TWO, "qty": 1}]}
    refused = floor.hub.post("/sales", sold)
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:storehub:problem:breaks-promise"
    assert "(1 of SKU OFFICE-TWO)" in refused.json()["detail"]
    floor.in_step()
    floor.line("down")
    try:
        with floor.device("till-1") as till:
            assert till.send("sale", sold)["status"] == "committed"
        assert floor.hub.json("/orders/OFFICE-R-2")["state"] == "REJECTED"
        assert floor.stock(TWO)["buckets"]["available"] == 1
        assert floor.central.json("/orders/OFFICE-R-2")["state"] == "RESERVED"
    finally:
        floor.line("up")

    def moved() -> bool:
        shown = floor.central.json("/orders/OFFICE-R-2")
        return bool((shown["store"], shown["state"]) == (OTHER, "RESERVED"))

    floor.until(moved, "the fallback keeps the goods")
    assert hub.json(f"/stock/{TWO}")["buckets"]["committed"] == 2
    numbers = requests.get(f"{floor.facts()['urls']['central']}/metrics", timeout=10).text
    assert "central_promise_breaks 1.0" in numbers
    assert "central_orders_rerouted 2.0" in numbers


@pytest.mark.soak
def test_a_store_that_falls_silent_is_unreachable_until_it_is_heard(
    office: Floor, tmp_path: Path
) -> None:
    floor = office
    with harbour(floor, tmp_path / OTHER):
        floor.until(lambda: seen(floor)["condition"] == "well", "central hears the harbour", 90)
    heard = seen(floor)["heard_at"]
    floor.until(lambda: seen(floor)["condition"] == "unreachable", "its silence is seen", 240)
    silent = seen(floor)
    assert (silent["since"], silent["heard_at"]) == (heard, heard)
    first = floor.central.json("/fleet")["items"][0]
    assert first["store"] == OTHER
    with harbour(floor, tmp_path / OTHER):
        floor.until(lambda: seen(floor)["condition"] == "well", "it is back", 90)
