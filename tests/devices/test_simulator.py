"""The simulated floor leaves the person something to do, and stops for no closed door."""

import json
import threading
from collections.abc import Mapping
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, cast

import msgspec
import pytest

from devices.simulator import people, things, visitors
from devices.simulator.api import Api, Away
from devices.simulator.floor import _Demo, _live, _lives, _Person
from devices.simulator.goods import Article, Goods
from devices.simulator.people import LEFT, Habits, Life, World
from devices.simulator.recording import Recorder, Said, Tape, play, read
from devices.simulator.truth import FULL, furnished
from hub.errors import Invalid
from hub.gs1.epc import decode_epc


class Store:
    """A hub as far as the floor sees it: a list of orders and what was asked of it."""

    def __init__(self, waiting: int) -> None:
        self.orders: dict[str, dict[str, Any]] = {
            f"W-{n}": {
                "order_id": f"W-{n}",
                "state": "RESERVED",
                "accepted_at": f"2026-11-21T12:00:{n:02}Z",
                "lines": [{"line_id": "L1", "sku": "1", "ordered": 2, "picked": 0}],
            }
            for n in range(waiting)
        }
        self.asked: list[str] = []
        self.closed = False
        self.sensors: list[dict[str, Any]] = []

    def get(self, path: str, **query: str) -> Any:
        if self.closed:
            raise Away("closed")
        if path == "/orders":
            found = [one for one in self.orders.values() if one["state"] == query["state"]]
            return {"items": found}
        if path == "/shelf/sensors":
            return {"items": self.sensors}
        if path.startswith("/shelf/places/"):
            return {"products": [{"sku": "1"}]}
        if path.startswith("/stock/"):
            return {"buckets": {"available": 10}}
        return self.orders[path.removeprefix("/orders/")]

    def post(self, path: str, body: Mapping[str, Any], key: str) -> Any:
        if self.closed:
            raise Away("closed")
        self.asked.append(path)
        return {}


class Scanner:
    def __init__(self, world: World, refuse: str = "") -> None:
        self.world, self.refuse = world, refuse
        self.scanned: list[str] = []

    def observe(self, kind: str, data: dict[str, Any]) -> str:
        code = data["code"]
        self.scanned.append(code)
        name = f"s{len(self.scanned)}"
        self.world.answers[name] = ("refused" if code == self.refuse else "committed", None)
        return name


def a_world(store: Store, seed: int = 1) -> World:
    goods = Goods()
    goods.all = (Article("1", "4006381333931", 199),)
    api = cast(Api, store)
    return World("store-1", api, api, goods, Random(seed), {}, set())


def walk(life: Life, seconds: float) -> None:
    passed = 0.0
    while passed < seconds:
        passed += next(life)


def test_the_associate_picks_the_oldest_order_and_leaves_the_newest() -> None:
    store = Store(LEFT + 1)
    world = a_world(store)
    scanner = Scanner(world)
    life = people.associate(world, scanner, "SH1:B:X")
    while not store.asked:
        next(life)
    assert scanner.scanned[:2] == ["SH1:B:X", "SH1:O:W-0"]
    assert scanner.scanned[2:4] == ["4006381333931"] * 2
    assert scanner.scanned[4].startswith("SH1:S:")
    assert store.asked == ["/orders/W-0/ready"]


def test_with_few_orders_waiting_nobody_takes_one_from_the_person() -> None:
    store = Store(LEFT)
    world = a_world(store)
    scanner = Scanner(world)
    walk(people.associate(world, scanner, "SH1:B:X"), 600)
    assert scanner.scanned == []


def test_an_order_that_somebody_else_has_is_let_go() -> None:
    store = Store(LEFT + 1)
    world = a_world(store)
    scanner = Scanner(world, refuse="SH1:O:W-0")
    life = people.associate(world, scanner, "SH1:B:X")
    while not store.asked:
        next(life)
    assert store.asked == ["/orders/W-0/release"]
    next(life)
    assert world.begun == set()


def test_shoppers_hold_back_when_the_store_is_busy() -> None:
    store = Store(people.BUSY)
    walk(people.shopper(a_world(store)), 600)
    assert store.asked == []
    quiet = Store(0)
    walk(people.shopper(a_world(quiet)), 600)
    assert len(quiet.asked) >= 8


def test_a_closed_door_ends_no_life_and_what_was_in_hand_is_not_forgotten() -> None:
    store = Store(LEFT + 1)
    world = a_world(store)
    scanner = Scanner(world)
    stop = threading.Event()
    scans = len("badge order article article shelf".split())

    def look() -> Life:
        while True:
            if len(scanner.scanned) >= 2 and not store.closed and not store.asked:
                store.closed = len(scanner.scanned) == 2
            elif store.closed:
                store.closed = False
            if store.asked or len(scanner.scanned) > 4 * scans:
                stop.set()
            yield 0.5

    lives = [lambda: people.associate(world, scanner, "SH1:B:X"), look]
    _live(lives, 2000.0, stop)
    assert store.asked == ["/orders/W-0/ready"]


# --- a whole store


class Unit:
    """A device that says nothing to anybody and remembers all."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.radios: list[bool] = []

    def observe(self, kind: str, data: dict[str, Any]) -> str:
        self.said.append((kind, data))
        self.world.answers[str(len(self.said))] = ("committed", None)
        return str(len(self.said))

    def heartbeat(self, **more: Any) -> str:
        return self.observe("heartbeat", more)

    def radio(self, on: bool) -> None:
        self.radios.append(on)

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [data for what, data in self.said if what == kind]


GTINS = ("4006381333931", "4003994155486", "5449000000996", "7622210449283", "4001724819806")
NAMES = ("shelf-1", "shelf-2", "till-1", "kiosk-1", "door-1", "scanner-1")


def whole_floor(seed: int, speed: float, seconds: float) -> tuple[list[Said], dict[str, Unit]]:
    """Let a whole floor live for so long (of its own time); return what was said, in order."""
    world = a_world(Store(LEFT + 2), seed)
    world.goods.all = tuple(Article(str(n), code, 199) for n, code in enumerate(GTINS))
    units = {name: Unit(world) for name in NAMES}
    staff = [_Person("Ada", "associate", "SH1:B:X")]
    demo = _Demo("store-1", {}, staff, {}, [])
    stop = threading.Event()
    file = BytesIO()
    tape = Tape(file)
    taped: dict[str, Any] = {name: Recorder(name, unit, tape) for name, unit in units.items()}

    def clock() -> Life:
        yield seconds
        stop.set()
        yield 1.0

    _live([*_lives(demo, world, taped, seed, whole=True), clock], speed, stop, tape)
    decoder = msgspec.json.Decoder(Said)
    return [decoder.decode(line) for line in file.getvalue().splitlines()], units


def test_the_same_seed_gives_the_same_day_at_any_speed() -> None:
    first, _ = whole_floor(1, 1e9, 3600)
    again, _ = whole_floor(1, 1e5, 3600)
    other, _ = whole_floor(2, 1e9, 3600)
    assert len(first) > 1000
    assert first == again != other
    assert {one.kind for one in first} >= {"weight", "presence", "sale", "rfid", "kiosk", "scan"}


def test_what_shoppers_take_the_scales_feel_through_their_noise() -> None:
    world = a_world(Store(0))
    world.goods.all = tuple(Article(str(n), code, 199) for n, code in enumerate(GTINS))
    truth = furnished(["shelf-1"], world.goods.all, Random(1))
    scale = Unit(world)
    life = things.shelf(world, scale, truth, "shelf-1")
    walk(life, 200)
    full = truth.shelves["shelf-1"].grams
    readings = sorted(one["grams"] for one in scale.all("weight"))
    assert abs(readings[len(readings) // 2] - full) < 15
    assert len(set(readings)) > 20, "it trembles"
    while truth.take("shelf-1"):
        pass
    said = len(scale.said)
    walk(life, 400)
    (first, *_) = [one for kind, one in scale.said[said:] if kind == "presence"]
    assert first == {"present": False}
    light = sorted(one["grams"] for kind, one in scale.said[said:] if kind == "weight")
    assert light[len(light) // 2] < 25


def test_what_is_paid_and_what_leaves_was_taken_from_a_shelf() -> None:
    world = a_world(Store(0), seed=3)
    world.goods.all = tuple(Article(str(n), code, 199) for n, code in enumerate(GTINS))
    truth = furnished([], world.goods.all, Random(1))
    till = Unit(world)
    walk(visitors.visitor(world, visitors.Way(truth, [till])), 6000)
    sold = sum(line["qty"] for sale in till.all("sale") for line in sale["lines"])
    gone = sum(FULL - one.pieces for one in truth.shelves.values())
    assert 0 < sold <= len(truth.leaving) <= gone
    assert len({sale["sale_id"] for sale in till.all("sale")}) == len(till.all("sale"))
    door = Unit(world)
    left = [one.code.zfill(14) for one in truth.leaving]
    walk(things.door(world, door, truth), 3000)
    read = [decode_epc(one["epc"]).gtin for one in door.all("rfid") if one["rssi_dbm"] > -65]
    assert set(read) == set(left)
    assert len(read) >= 2 * len(left), "each tag is read several times"


def test_links_are_lost_and_come_back_and_batteries_run_low_and_are_changed() -> None:
    unit = Unit(a_world(Store(0)))
    walk(things.link(unit.world, unit), 86_400)
    assert len(unit.radios) > 10
    assert unit.radios == [n % 2 == 1 for n in range(len(unit.radios))]
    walk(things.pulse(unit.world, unit), 2 * 86_400)
    levels = [one["battery_pct"] for one in unit.all("heartbeat")]
    assert min(levels) < 20 < max(levels)
    assert any(later > before for before, later in pairwise(levels))


def test_people_are_late_take_what_is_not_there_and_forget() -> None:
    store = Store(LEFT + 1)
    world = a_world(store)
    scanner = Scanner(world)
    habits = Habits(late=1.0, wrong=0.0, short=1.0, forgets=1.0)
    life = people.associate(world, scanner, "SH1:B:X", habits)
    passed = 0.0
    while "/orders/W-0/ready" not in store.asked:
        passed += next(life)
    assert store.asked == ["/orders/W-0/short", "/orders/W-0/ready"]
    assert scanner.scanned.count("4006381333931") == 1
    assert passed > 120 + 300


def test_a_scale_is_taught_once_by_what_belongs_on_its_place() -> None:
    store = Store(0)
    world = a_world(store)
    truth = furnished(["shelf-1"], (Article("9", "9", 1),), Random(1))
    shelf = truth.shelves["shelf-1"]
    sensor = {"device": "shelf-1", "kind": "weight", "place": "3-1", "calibrated": False}
    store.sensors = [sensor]
    seen = []
    life = visitors.teacher(world, truth, "shelf-1")
    while len(store.asked) < 2:
        next(life)
        seen.append((shelf.closed, shelf.pieces))
    assert store.asked == ["/shelf/sensors/shelf-1/calibrate"] * 2
    assert seen == [(False, FULL), (True, 0), (True, 12), (False, FULL)]
    assert shelf.article.sku == "1"
    sensor["calibrated"] = True
    walk(life, 600)
    assert len(store.asked) == 2


# --- recordings


def test_a_recording_is_said_again_and_nothing_is_sold_twice(tmp_path: Path) -> None:
    said, units = whole_floor(1, 1e9, 600)
    file = tmp_path / "day"
    file.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in said))
    world = a_world(Store(0))
    again: dict[str, Any] = {name: Unit(world) for name in NAMES if name != "door-1"}
    told, left_out = play(file, again, 1e9, threading.Event())
    assert told + left_out == len(said)
    assert left_out == len(units["door-1"].said) > 0
    assert again["shelf-1"].said == units["shelf-1"].said
    before, after = ([one["sale_id"] for one in u["till-1"].all("sale")] for u in (units, again))
    assert len(before) == len(after) > 0
    assert not set(before) & set(after)


class Waits(threading.Event):
    """A stop that passes no time and remembers how long it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout or 0.0)
        return False


def test_a_recording_keeps_the_time_and_speed_shortens_it(tmp_path: Path) -> None:
    file = tmp_path / "day"
    lines = [{"ms": ms, "device": "till-1", "kind": "kiosk", "data": {}} for ms in (0, 10**8)]
    file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    world = a_world(Store(0))
    units: dict[str, Any] = {"till-1": Unit(world)}
    stop = Waits()
    assert play(file, units, 100.0, stop) == (2, 0)
    at_once, later = stop.asked
    # Of a thousand seconds, less what this machine took meanwhile.
    assert (at_once, round(later, -2)) == (0.0, 1_000)


def test_a_line_that_is_no_observation_is_named(tmp_path: Path) -> None:
    file = tmp_path / "day"
    file.write_text('{"ms":0,"device":"a","kind":"scan","data":{}}\n{}\n')
    with pytest.raises(Invalid, match="day:2 is no recorded observation"):
        list(read(file))
