"""What a customer said, and was promised, goes with an order to the store that it moves to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.clock import FixedClock, stamp
from sync.central import store_buyer, store_people
from sync.central.inventory import Inventory
from tests.sync.pair import STORE, entry
from tests.sync.test_fallback import OTHER, Chain, proposed

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.fixture
def chain(tmp_path: Path, database: str | None) -> Iterator[Chain]:
    central = Inventory(tmp_path, FixedClock(NOW), database)
    yield Chain(central, STORE, OTHER)
    central.close()


def moved(chain: Chain, order_id: str = "R-1", **more: Any) -> None:
    chain.place(order_id, fallback=OTHER, **more)
    chain.say(STORE, *proposed(order_id, "OrderRejected", STORE))


def told(chain: Chain, store: str, kind: str) -> list[dict[str, Any]]:
    """Return the commands of that kind which a store was sent."""
    with chain.central.store.reader() as conn:
        rows = conn.execute(
            "SELECT row FROM command_feed WHERE store_id = ? ORDER BY position", (store,)
        ).fetchall()
    commands = [msgspec.json.decode(row[0]) for row in rows]
    return [one for one in commands if one["type"] == kind]


def name(chain: Chain, order_id: str, who: str) -> None:
    chain.central.store.run(lambda tx: store_buyer.name_delegate(tx, order_id, who))


def said(chain: Chain, order_id: str) -> dict[str, Any]:
    with chain.central.store.reader() as conn:
        return store_buyer.of_order(conn, order_id)


def test_who_else_collects_is_told_to_the_store_that_has_the_order(chain: Chain) -> None:
    chain.place("R-1", fallback=OTHER)
    name(chain, "R-1", "Anna")
    name(chain, "R-1", "Anna")
    assert len(told(chain, STORE, "delegate")) == 1
    chain.say(STORE, *proposed("R-1", "OrderRejected", STORE))
    (there,) = told(chain, OTHER, "delegate")
    assert (there["order_id"], len(there["words"])) == ("R-1", 1)
    order = told(chain, OTHER, "order.place")
    assert order, "the order itself came before"
    assert said(chain, "R-1")["delegate"] == "Anna"
    name(chain, "R-1", "Anna")
    assert len(told(chain, OTHER, "delegate")) == 1


def test_the_same_name_for_another_order_is_told_for_that_one_too(chain: Chain) -> None:
    chain.place("R-1")
    ref = chain.shown("R-1")["customer_ref"]
    chain.place("R-2", OTHER, customer={"name": "Ida Probe", "ref": ref})
    name(chain, "R-1", "Anna")
    assert said(chain, "R-2")["delegate"] is None
    name(chain, "R-2", "Anna")
    assert [one["order_id"] for one in told(chain, OTHER, "delegate")] == ["R-2"]


def test_where_the_customer_is_has_to_be_told_to_the_new_store_and_can_be(chain: Chain) -> None:
    def here(where: str) -> None:
        chain.central.store.run(lambda tx: store_buyer.say_where(tx, "R-1", where, None, "3", ""))

    chain.place("R-1", fallback=OTHER)
    here("arrived")
    assert said(chain, "R-1")["buyer"]["said"] == "arrived"
    chain.say(STORE, *proposed("R-1", "OrderRejected", STORE))
    assert said(chain, "R-1")["buyer"] is None, "nobody there was told"
    here("arrived")
    assert [one["stall"] for one in told(chain, OTHER, "buyer")] == ["3"]


def test_the_store_that_an_order_left_may_have_its_customer_forgotten(chain: Chain) -> None:
    moved(chain)
    ref = chain.shown("R-1")["customer_ref"]
    chain.say(STORE, entry("forget", {"ref": ref}, "PersonalDataErased"))
    with chain.central.store.reader() as conn:
        assert store_people.erased_at(conn, ref) is not None
    assert [one["ref"] for one in told(chain, OTHER, "customer.erase")] == [ref]


@pytest.mark.parametrize(("late", "kept"), [(-30, True), (30, False)], ids=["ahead", "past"])
def test_a_promise_that_is_past_is_no_promise_of_the_next_store(
    chain: Chain, late: int, kept: bool
) -> None:
    promised = stamp(NOW + timedelta(hours=1))
    chain.place("R-1", fallback=OTHER, promise_at=promised)
    clock = chain.central.store.clock
    assert isinstance(clock, FixedClock)
    clock.advance(timedelta(minutes=60 + late))
    chain.say(STORE, *proposed("R-1", "OrderRejected", STORE))
    (sent,) = told(chain, OTHER, "order.place")
    assert sent["order"]["promise_at"] == (promised if kept else None)
