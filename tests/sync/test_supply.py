"""The distribution centre lends hubs its units; hubs sell them with the line down, never twice."""

from typing import Any

import pytest
import requests

from hub import journal
from hub.aisle import actions, queries
from hub.customers import actions as customers
from hub.customers import queries as people
from hub.errors import Refusal
from sync import frames
from sync.central import store_aisle
from tests.sync.pair import STORE, Both, Central, StoreSide, until


def count(central: Central, units: dict[str, int]) -> list[dict[str, Any]]:
    rows = [{"sku": sku, "on_hand": qty} for sku, qty in units.items()]
    answer = central.post("/distribution/stock", {"rows": rows, "ref": "test"})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def there(central: Central, sku: str = "A") -> dict[str, Any]:
    shown: dict[str, Any] = central.get(f"/distribution/stock/{sku}").json()
    return shown


def rights(hub: StoreSide, sku: str = "A") -> int:
    units: int = hub.read(queries.supplied, sku)["rights"]
    return units


def place(hub: StoreSide, qty: int, cause: str, sku: str = "A") -> str:
    lines = [{"sku": sku, "qty": qty}]
    return hub.store.writer.run(
        lambda tx: actions.place(tx, lines, "home", actor="test", cause=cause)
    )


def state(hub: StoreSide, order_id: str) -> str:
    found: str = hub.read(queries.order, order_id)["state"]
    return found


def known(hub: StoreSide, sku: str = "A") -> str | None:
    word: str | None = hub.read(queries.supplied, sku)["supply"]
    return word


@pytest.fixture
def supplied(both: Both) -> Both:
    """Twenty units at the distribution centre, and a first order that shows their demand."""
    both.hub.agent.start()
    count(both.central, {"A": 20})
    until(lambda: known(both.hub) == "here", "the store knows that there are some")
    first = place(both.hub, 2, "first")
    until(lambda: state(both.hub, first) == "CONFIRMED", "central has them")
    until(lambda: rights(both.hub) > 0, "the store was lent some")
    both.in_step()
    return both


def test_the_first_order_is_on_condition_and_brings_rights(supplied: Both) -> None:
    # Two a week: 0.1 in eight hours, one with two deviations.
    assert rights(supplied.hub) == 1
    shown = there(supplied.central)
    assert (shown["on_hand"], shown["promised"], shown["free"]) == (20, 2, 17)
    assert shown["lent"] == {STORE: 1}


def test_with_the_line_down_the_rights_are_sold_and_the_rest_waits(supplied: Both) -> None:
    hub = supplied.hub
    supplied.line.down()
    within = place(hub, 1, "within")
    beyond = place(hub, 3, "beyond")
    assert (state(hub, within), state(hub, beyond)) == ("CONFIRMED", "CONDITIONAL")
    assert rights(hub) == 0
    supplied.line.up()
    until(lambda: state(hub, beyond) == "CONFIRMED", "central had three more")
    supplied.in_step()
    assert there(supplied.central)["promised"] == 6
    until(lambda: rights(hub) > 0, "rights are filled up again")


def test_sold_out_goods_and_goods_of_nowhere_are_refused(supplied: Both) -> None:
    hub = supplied.hub
    with pytest.raises(Refusal, match="not supplied"):
        place(hub, 1, "nowhere", sku="B")
    count(supplied.central, {"A": 0})
    until(lambda: known(hub) == "gone", "the store knows that they are gone")
    with pytest.raises(Refusal, match="sold out"):
        place(hub, 2, "gone")


def test_what_central_lacks_is_declined(supplied: Both) -> None:
    much = place(supplied.hub, 30, "much")
    until(lambda: state(supplied.hub, much) == "DECLINED", "nobody has thirty")
    assert supplied.hub.read(queries.order, much)["reason"] == "OUT_OF_STOCK"


def test_rights_that_an_order_needs_come_back_first(supplied: Both) -> None:
    """All 18 that are left are wanted; one of them is lent to this very store."""
    all_of_it = place(supplied.hub, 18, "all")
    until(lambda: state(supplied.hub, all_of_it) == "CONFIRMED", "the lent one came back")
    assert there(supplied.central)["free"] == 0
    assert rights(supplied.hub) == 0


def test_units_that_vanish_are_asked_back_and_then_orders_are_declined(supplied: Both) -> None:
    hub = supplied.hub
    second = place(hub, 1, "second")
    assert state(hub, second) == "CONFIRMED"
    supplied.in_step()
    until(lambda: rights(hub) == 1, "filled up again")
    count(supplied.central, {"A": 2})
    until(lambda: rights(hub) == 0, "the right was asked back")
    until(lambda: state(hub, second) == "DECLINED", "the youngest order gives way")
    until(lambda: there(supplied.central)["free"] == 0, "the right came back")
    shown = there(supplied.central)
    assert (shown["promised"], shown["broken"]) == (2, 1)
    assert (
        "central_aisle_breaks 1.0"
        in requests.get(f"{supplied.central.url}/metrics", timeout=40).text
    )


def test_goods_that_left_are_neither_there_nor_promised(supplied: Both) -> None:
    items = supplied.central.get(f"/stores/{STORE}/aisle-orders").json()["items"]
    path = f"/stores/{STORE}/aisle-orders/{items[0]['order_id']}/shipped"
    for _ in range(2):
        assert supplied.central.post(path, {}).json()["state"] == "SHIPPED"
    shown = there(supplied.central)
    assert (shown["on_hand"], shown["promised"]) == (18, 0)
    assert [move["kind"] for move in shown["moves"]] == ["SHIPPED", "COUNT"]


def test_a_person_takes_back_what_a_dead_store_was_lent(supplied: Both) -> None:
    hub, central = supplied.hub, supplied.central
    supplied.line.down()
    taken = central.post(f"/stores/{STORE}/rights/reclaim", {}).json()["taken"]
    assert taken == [{"sku": "A", "units": 1}]
    assert there(central)["free"] == 18
    # It was not dead, and had promised what a person took back: both promises count.
    place(hub, 1, "alive")
    supplied.line.up()
    supplied.in_step()
    until(lambda: there(central)["promised"] == 3, "its order is believed")
    # Central lends anew at once, and the hub hears of it later.
    until(
        lambda: there(central)["free"] == there(central)["on_hand"] - 3 - rights(hub),
        "both ends count the same rights",
    )


def test_a_central_that_was_put_back_lends_nothing_until_all_agreed(supplied: Both) -> None:
    running: Any = supplied.central.running
    store = running.inventory.store
    supplied.line.down()
    store.renew(store.generation)
    assert there(supplied.central)["unsure"] == [STORE]
    waiting = place(supplied.hub, 3, "waits")
    supplied.line.up()
    until(lambda: state(supplied.hub, waiting) == "CONFIRMED", "heard again, answered")
    assert there(supplied.central)["unsure"] == []


def test_the_same_facts_again_spend_nothing_twice(supplied: Both) -> None:
    place(supplied.hub, 1, "once")
    supplied.in_step()
    until(lambda: there(supplied.central)["promised"] == 3, "promised")
    before = there(supplied.central)
    assert supplied.central.post(f"/stores/{STORE}/refold", {}).status_code == 200
    assert there(supplied.central) == before


def test_a_restored_hub_sells_and_returns_nothing_until_it_met_central(supplied: Both) -> None:
    hub = supplied.hub
    supplied.line.down()
    hub.store.writer.run(lambda tx: journal.doubt(tx.conn, "2026-11-20T00:00:00.000Z"))
    assert rights(hub) == 0
    restored = place(hub, 1, "restored")
    assert state(hub, restored) == "CONDITIONAL"
    count(supplied.central, {"A": 2})
    asked = {"sku": "A", "granted": 1, "asked": 1}
    hub.store.writer.run(lambda tx: actions.lent(tx, [asked], cause="central:asked"))
    assert hub.read(queries.supplied, "A")["returned"] == 0


def test_a_count_that_says_nothing_readable_is_refused(supplied: Both) -> None:
    for rows in ([{"sku": "A", "on_hand": -1}], [{"on_hand": 1}], [{"sku": "A"}], []):
        answer = supplied.central.post("/distribution/stock", {"rows": rows})
        assert answer.status_code == 422, rows
    assert count(supplied.central, {"A": 25}) == [
        {"sku": "A", "before": 20, "on_hand": 25, "difference": 5}
    ]


IDA = {
    "name": "Ida Aislewright",
    "email": "ida@aislewright.example",
    "phone": "+49 30 5550 118",
    "address": "Muehlgasse 7, 10115 Berlin",
}


def place_for(hub: StoreSide, cause: str, ref: str) -> str:
    def work(tx: journal.Transaction) -> str:
        customers.put(tx, ref, IDA)
        lines = [{"sku": "A", "qty": 1}]
        return actions.place(tx, lines, "home", customer_ref=ref, actor="test", cause=cause)

    return hub.store.writer.run(work)


def test_who_ordered_is_known_where_it_is_packed_and_nowhere_in_facts(supplied: Both) -> None:
    hub, central = supplied.hub, supplied.central
    supplied.line.down()
    order_id = place_for(hub, "for-ida", "c_ida")
    at = f"/stores/{STORE}/aisle-orders/{order_id}"
    assert central.get(f"{at}/customer").status_code == 404
    supplied.line.up()
    until(lambda: central.get(f"{at}/customer").status_code == 200, "central knows who gets it")
    assert central.get(f"{at}/customer").json() == IDA
    assert "Ida" not in central.get(at).text
    facts = b"".join(content for _, content in hub.read(journal.tail, 0))
    assert b"Aislewright" not in facts
    # A hub that tells of somebody central knows already changes nothing.
    again = frames.Person("c_ida", "Somebody Else")
    central.running.inventory.store.run(lambda tx: store_aisle.tell(tx, [again]))
    assert central.get(f"{at}/customer").json()["name"] == IDA["name"]


def test_who_is_erased_at_central_is_gone_at_both_ends_and_does_not_come_back(
    supplied: Both,
) -> None:
    hub, central = supplied.hub, supplied.central
    order_id = place_for(hub, "for-ida", "c_ida2")
    at = f"/stores/{STORE}/aisle-orders/{order_id}/customer"
    until(lambda: central.get(at).status_code == 200, "central knows who gets it")
    assert central.post("/customers/c_ida2/erase", {}).status_code == 200
    assert central.get(at).status_code == 404
    until(lambda: hub.read(people.person, "c_ida2") is None, "the hub forgets as well")
    told = frames.Person("c_ida2", **IDA)
    central.running.inventory.store.run(lambda tx: store_aisle.tell(tx, [told]))
    assert central.get(at).status_code == 404
    kept = central.running.inventory.store
    with kept.reader() as conn:
        words = conn.execute("SELECT text FROM customer_word WHERE ref = ?", ("c_ida2",)).fetchall()
    assert all("Muehl" not in row["text"] for row in words)


def test_who_is_erased_at_the_store_is_gone_at_central(supplied: Both) -> None:
    hub, central = supplied.hub, supplied.central
    order_id = place_for(hub, "for-ida", "c_ida3")
    at = f"/stores/{STORE}/aisle-orders/{order_id}/customer"
    until(lambda: central.get(at).status_code == 200, "central knows who gets it")
    hub.store.writer.run(lambda tx: customers.erase(tx, "c_ida3", actor="test", cause="erase"))
    until(lambda: central.get(at).status_code == 404, "central forgets as well")
