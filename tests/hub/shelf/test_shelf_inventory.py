"""An inventory by RFID is a count with its evidence; a person confirms what differs much."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hub.chain import decode
from hub.errors import NotFound, Refusal
from hub.pickup import selling
from hub.shelf import actions, inventory, queries
from hub.shelf.rules import Facing
from hub.shelf.sweeping import WHOLE, Found, needs_person
from tests.hub.shelf.sensing_floor import BREAD, MILK, Floor, epc
from tests.hub.shop import Shop

MOST = 2


@pytest.fixture
def floor(shop: Shop) -> Iterator[Floor]:
    made = Floor(shop)
    shop.do(actions.set_tagged, "MILK", True)
    yield made
    shop.is_sound()


def milk(count: int) -> list[str]:
    return [epc(MILK, n) for n in range(count)]


def evidence(shop: Shop) -> list[dict[str, Any]]:
    with shop.store.database.reader() as conn:
        rows = conn.execute("SELECT entry FROM journal WHERE instr(entry, '\"TagsCounted\"')")
        return [decode(row[0]).body for row in rows]


def swept(floor: Floor, tags: list[str], place: str = "A-1", **named: Any) -> queries.Sweep:
    sweep = floor.shop.do(inventory.begin, place, **named)
    floor.wait(1)
    for _ in range(3):
        floor.read(tags, device=named.get("device") or "reader-2")
    ended: queries.Sweep = floor.shop.do(inventory.end, sweep.id, MOST)
    return ended


def lines(sweep: queries.Sweep) -> list[tuple[str, int, int, str]]:
    return [(one["sku"], one["tags"], one["difference"], one["state"]) for one in sweep.result]


def test_a_sweep_counts_distinct_tags_and_keeps_the_evidence(floor: Floor, shop: Shop) -> None:
    shop.receive("MILK", 12)
    done = swept(floor, milk(11))
    assert (done.state, lines(done)) == ("counted", [("MILK", 11, -1, "counted")])
    assert shop.stock("MILK")["on_hand"] == 11
    (proof,) = evidence(shop)
    assert (proof["epcs"], proof["devices"], proof["place"]) == (11, ["reader-2"], "A-1")
    assert proof["began"] < proof["ended"]


def test_sales_that_go_on_meanwhile_are_no_difference(floor: Floor, shop: Shop) -> None:
    shop.receive("MILK", 12)
    sweep = shop.do(inventory.begin, "A-1")
    floor.read(milk(12), device="reader-2")
    shop.do(selling.sell, "S-1", [{"sku": "MILK", "qty": 5}])
    done = shop.do(inventory.end, sweep.id, MOST)
    assert lines(done) == [("MILK", 12, 0, "counted")]
    assert shop.stock("MILK")["on_hand"] == 7


def test_the_tags_of_a_sweep_are_read_as_often_for_many_products_as_for_one(
    floor: Floor, shop: Shop
) -> None:
    def reads(place: str) -> int:
        sweep, asked = shop.do(inventory.begin, place), list[str]()
        floor.read(milk(1), device="reader-2")
        shop.run(lambda tx: tx.conn.set_trace_callback(asked.append))
        shop.do(inventory.end, sweep.id, MOST)
        shop.run(lambda tx: tx.conn.set_trace_callback(None))
        return sum("FROM shelf_sweep_tag" in one for one in asked)

    shop.receive("MILK", 1)
    one = reads("A-1")
    for n in range(20):
        shop.do(actions.set_tagged, f"SKU-{n}", True)
    assert reads(WHOLE) == one


def test_a_large_difference_waits_for_a_person(floor: Floor, shop: Shop) -> None:
    shop.receive("MILK", 12)
    done = swept(floor, milk(8))
    assert (done.state, lines(done)) == ("waiting", [("MILK", 8, -4, "waiting")])
    assert shop.stock("MILK")["on_hand"] == 12
    assert shop.tasks("confirm") == [("confirm", f"inventory:{done.id}", "INVENTORY_DIFFERS")]
    confirmed = shop.do(inventory.confirm, done.id, "MILK", True)
    assert (confirmed.state, lines(confirmed)[0][3]) == ("counted", "counted")
    assert shop.stock("MILK")["on_hand"] == 8
    assert shop.tasks("confirm") == []
    shop.do(inventory.confirm, done.id, "MILK", True)
    assert len(evidence(shop)) == 1, "once"


def test_a_person_may_leave_the_record_as_it_is(floor: Floor, shop: Shop) -> None:
    shop.receive("MILK", 12)
    done = swept(floor, milk(8))
    left = shop.do(inventory.confirm, done.id, "MILK", False)
    assert (left.state, lines(left)[0][3]) == ("counted", "left")
    assert (shop.stock("MILK")["on_hand"], shop.tasks("confirm"), evidence(shop)) == (12, [], [])


def test_the_tags_of_an_inventory_are_forgotten_after_a_week_and_their_number_is_kept(
    floor: Floor, shop: Shop
) -> None:
    shop.receive("MILK", 12)
    done = swept(floor, milk(11))
    waits = swept(floor, milk(3))
    shop.clock.advance(timedelta(days=6))
    shop.run(floor.watch.forget)
    assert len(shop.store.read(queries.swept, done.id)) == 11
    shop.clock.advance(timedelta(days=2))
    shop.run(floor.watch.forget)
    assert shop.store.read(queries.swept, done.id) == []
    assert shop.store.read(queries.sweep, done.id).tags == 11
    assert len(shop.store.read(queries.swept, waits.id)) == 3, "a person has yet to confirm"


def test_what_stands_in_another_place_as_well_is_not_counted_by_a_sweep_of_one(
    floor: Floor, shop: Shop
) -> None:
    shop.do(actions.set_facing, Facing("BACK", "MILK"))
    shop.receive("MILK", 12)
    assert lines(swept(floor, milk(8))) == []
    assert lines(swept(floor, milk(11), WHOLE)) == [("MILK", 11, -1, "counted")]


def test_what_is_not_tagged_is_not_counted(floor: Floor, shop: Shop) -> None:
    shop.receive("BREAD", 5)
    assert lines(swept(floor, [epc(BREAD, 1)], "A-1", device="sled")) == [("MILK", 0, 0, "counted")]
    assert shop.stock("BREAD")["on_hand"] == 5


def test_units_set_aside_are_added_to_what_a_sweep_of_one_place_saw(
    floor: Floor, shop: Shop
) -> None:
    shop.receive("MILK", 12)
    shop.picked("R-1", ("MILK", 3))
    from hub.pickup import actions as pickup

    shop.do(pickup.stage, "R-1", "H1")
    assert lines(swept(floor, milk(9))) == [("MILK", 9, 0, "counted")]
    assert shop.stock("MILK")["on_hand"] == 12
    assert lines(swept(floor, milk(12), WHOLE)) == [("MILK", 12, 0, "counted")], "seen themselves"
    assert shop.stock("MILK")["on_hand"] == 12


def test_reads_before_the_sweep_and_of_other_places_do_not_belong_to_it(
    floor: Floor, shop: Shop
) -> None:
    shop.receive("MILK", 3)
    before_ms = floor.now_ms
    floor.wait(60)
    sweep = shop.do(inventory.begin, "A-1")
    floor.read(milk(9), device="reader-2", at_ms=before_ms)
    floor.read(milk(9), device="reader-1")
    floor.read(milk(3), device="reader-2")
    done = shop.do(inventory.end, sweep.id, MOST)
    assert lines(done) == [("MILK", 3, 0, "counted")]


def test_a_sled_counts_wherever_it_is_carried(floor: Floor, shop: Shop) -> None:
    shop.receive("MILK", 4)
    assert lines(swept(floor, milk(4), "A-1", device="sled-9"))[0][:3] == ("MILK", 4, 0)


def test_a_restart_in_the_middle_of_a_sweep_loses_no_tag(floor: Floor, shop: Shop) -> None:
    shop.receive("MILK", 12)
    sweep = shop.do(inventory.begin, "A-1")
    floor.read(milk(7), device="reader-2")
    fresh = Floor.__new__(Floor)
    fresh.__dict__ |= floor.__dict__ | {"watch": type(floor.watch)(floor.watch._tuning, _at)}
    fresh.read(milk(12), device="reader-2")
    assert lines(shop.do(inventory.end, sweep.id, MOST)) == [("MILK", 12, 0, "counted")]


def _at(conn: object, device: str) -> str:
    return "A-1"


def test_two_sweeps_of_one_place_and_a_sweep_that_read_nothing_are_refused(
    floor: Floor, shop: Shop
) -> None:
    sweep = shop.do(inventory.begin, "A-1")
    for place in ("A-1", WHOLE):
        with pytest.raises(Refusal):
            shop.do(inventory.begin, place)
    with pytest.raises(Refusal):
        shop.do(inventory.end, sweep.id, MOST)
    assert shop.do(inventory.drop, sweep.id).state == "dropped"
    assert shop.do(inventory.drop, sweep.id).state == "dropped"
    with pytest.raises(NotFound):
        shop.do(inventory.begin, "NOWHERE")
    with pytest.raises(NotFound):
        shop.do(inventory.end, "I-none", MOST)


@pytest.mark.parametrize(
    ("tags", "asks"), [(10, False), (8, False), (7, True), (12, False), (13, True)]
)
def test_how_large_is_large(tags: int, asks: bool) -> None:
    assert needs_person(Found("MILK", tags, 0, 10), 2) is asks
