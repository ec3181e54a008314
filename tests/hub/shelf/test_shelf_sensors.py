"""What sensors report opens gaps and tasks, and never touches stock."""

from collections.abc import Iterator

import pytest

from hub.errors import NotFound
from hub.shelf import actions, sensors
from hub.shelf.rules import Facing
from tests.hub.shelf.sensing_floor import DEVICES, SCALES, Floor, place_of, seen
from tests.hub.shop import Shop

GAPS = ("ShelfGapOpened", "ShelfGapClosed")
FILL = "shelf:A-1:MILK"


@pytest.fixture
def floor(shop: Shop) -> Iterator[Floor]:
    yield Floor(shop)
    shop.is_sound()


def test_a_shelf_that_empties_opens_one_gap_and_a_task_and_restocking_closes_both(
    floor: Floor, shop: Shop
) -> None:
    shop.receive("MILK", 20)
    floor.calibrate()
    floor.load(4)
    assert shop.tasks("replenish") == [("replenish", FILL, "LOW_ON_SHELF")]
    floor.load(0)
    assert floor.gaps() == []
    floor.tick(SCALES.gap_ms / 1000)
    assert floor.gaps() == [("A-1", "MILK")]
    for grams in (480, 510, 495, 520, 500):
        floor.weigh(grams)
        floor.tick()
    floor.load(12)
    assert floor.gaps() == []
    assert shop.tasks("replenish") == []
    assert floor.facts(*GAPS) == ["ShelfGapOpened", "ShelfGapClosed"]
    assert shop.stock("MILK")["on_hand"] == 20, "a sensor's units are no stock"


def test_a_gap_without_units_to_fill_it_is_told_but_nobody_is_sent(
    floor: Floor, shop: Shop
) -> None:
    floor.calibrate()
    floor.load(0)
    floor.tick(SCALES.gap_ms / 1000)
    assert floor.gaps() == [("A-1", "MILK")]
    assert shop.tasks("replenish") == []
    shop.receive("MILK", 5)
    shop.do(sensors.review, SCALES)
    assert shop.tasks("replenish") == [("replenish", FILL, "SHELF_GAP")]


def test_units_on_the_shelf_itself_are_no_reserve(floor: Floor, shop: Shop) -> None:
    shop.receive("MILK", 4)
    floor.calibrate()
    floor.load(4)
    assert shop.tasks("replenish") == []


def test_a_presence_sensor_opens_and_closes_the_gap_of_its_only_product(
    floor: Floor, shop: Shop
) -> None:
    shop.receive("BREAD", 9)
    floor.look(True)
    floor.tick(4)
    floor.look(False)
    floor.tick(SCALES.gap_ms / 1000)
    assert floor.gaps() == [("B-7", "BREAD")]
    assert shop.tasks("replenish") == [("replenish", "shelf:B-7:BREAD", "SHELF_GAP")]
    floor.look(True)
    floor.tick(4)
    assert (floor.gaps(), shop.tasks("replenish")) == ([], [])


def test_an_old_reading_does_not_reopen_what_a_newer_one_closed(floor: Floor, shop: Shop) -> None:
    floor.calibrate()
    old_ms = floor.now_ms + 500
    floor.load(6)
    before = shop.length()
    late = [(seen("scale-1", "weight", {"grams": 500.0}), old_ms + n) for n in range(20)]
    shop.run(lambda tx: sensors.weigh(tx, late, place_of, SCALES))
    floor.tick(SCALES.gap_ms / 1000 + 5)
    assert floor.sensor().units == 6
    assert shop.length() == before


def test_a_shelf_that_contradicts_the_ledger_asks_for_one_count(floor: Floor, shop: Shop) -> None:
    shop.receive("MILK", 20)
    floor.calibrate(units=12)
    shop.do(sensors.review, SCALES)
    floor.wait(SCALES.disagree_ms / 1000 - 1)
    shop.do(sensors.review, SCALES)
    assert shop.tasks("count") == []
    floor.wait(1)
    for _ in range(3):
        shop.do(sensors.review, SCALES)
        floor.wait(SCALES.disagree_ms / 1000)
    assert shop.tasks("count") == [("count", "sku:MILK", "SENSOR_DISAGREES")]
    assert shop.stock("MILK")["on_hand"] == 20


def test_where_a_backroom_holds_the_rest_fewer_on_the_shelf_is_no_contradiction(
    floor: Floor, shop: Shop
) -> None:
    shop.do(actions.set_facing, Facing("BACK", "MILK"))
    shop.receive("MILK", 20)
    floor.calibrate(units=12)
    for _ in range(3):
        floor.wait(SCALES.disagree_ms / 1000)
        shop.do(sensors.review, SCALES)
    assert shop.tasks("count") == []


def test_more_on_the_shelf_than_the_ledger_knows_is_a_contradiction_anywhere(
    floor: Floor, shop: Shop
) -> None:
    shop.do(actions.set_facing, Facing("BACK", "MILK"))
    shop.receive("MILK", 3)
    floor.calibrate(units=12)
    for _ in range(2):
        shop.do(sensors.review, SCALES)
        floor.wait(SCALES.disagree_ms / 1000)
    assert shop.tasks("count") == [("count", "sku:MILK", "SENSOR_DISAGREES")]


def test_a_device_at_no_place_of_the_plan_is_kept_and_says_nothing(
    floor: Floor, shop: Shop
) -> None:
    before = shop.length()
    floor.weigh(0, 0, 0, 0, device="lost")
    floor.look(False, device="lost")
    floor.tick(SCALES.gap_ms / 1000)
    assert floor.sensor("lost").place == ""
    assert shop.length() == before


def test_a_sensor_that_moves_takes_no_gap_with_it(
    floor: Floor, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.receive("MILK", 20)
    floor.calibrate()
    floor.load(0)
    floor.tick(SCALES.gap_ms / 1000)
    assert floor.gaps() == [("A-1", "MILK")]
    monkeypatch.setitem(DEVICES, "scale-1", "B-7")
    floor.weigh(500)
    assert floor.gaps() == []
    assert shop.tasks("replenish") == []
    assert floor.sensor().place == "B-7"


def test_a_forgotten_sensor_closes_its_gap(floor: Floor, shop: Shop) -> None:
    floor.calibrate()
    floor.load(0)
    floor.tick(SCALES.gap_ms / 1000)
    shop.do(sensors.forget, "scale-1")
    assert floor.gaps() == []
    with pytest.raises(NotFound):
        shop.do(sensors.forget, "scale-1")


def test_nothing_is_settled_by_a_clock_that_nobody_can_trust(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor.calibrate()
    floor.load(0)
    monkeypatch.setattr(type(floor.shop.clock), "quality", lambda self: "unknown")
    floor.tick(SCALES.gap_ms / 1000)
    assert floor.gaps() == []
    monkeypatch.undo()
    floor.tick()
    assert floor.gaps() == [("A-1", "MILK")]


def test_a_scale_that_also_reports_presence_stays_a_scale(floor: Floor) -> None:
    floor.calibrate()
    floor.look(False, device="scale-1")
    assert (floor.sensor().kind, floor.sensor().units) == ("weight", 6)


def test_a_presence_sensor_that_is_replaced_by_a_scale_leaves_no_gap_behind(
    floor: Floor,
) -> None:
    floor.look(True)
    floor.tick(4)
    floor.look(False)
    floor.tick(SCALES.gap_ms / 1000)
    assert floor.gaps() == [("B-7", "BREAD")]
    floor.weigh(500, device="eye-1")
    assert (floor.gaps(), floor.sensor("eye-1").kind) == ([], "weight")


def test_two_sensors_over_one_facing_ask_for_one_task(
    floor: Floor, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEVICES, "eye-2", "B-7")
    for name in ("eye-1", "eye-2"):
        floor.look(False, device=name)
    floor.tick(SCALES.gap_ms / 1000)
    shop.receive("BREAD", 5)
    shop.do(sensors.review, SCALES)
    assert floor.facts("TaskOpened") == ["TaskOpened"]
    assert floor.gaps() == [("B-7", "BREAD")] * 2
