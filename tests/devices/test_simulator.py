"""The simulated floor leaves the person something to do, and stops for no closed door."""

import threading
from collections.abc import Mapping
from random import Random
from typing import Any, cast

from devices.simulator import people, things
from devices.simulator.api import Api, Away
from devices.simulator.floor import _live
from devices.simulator.goods import Article, Goods
from devices.simulator.people import LEFT, Life, World


class Store:
    """A hub as far as the floor sees it: a list of orders and what was asked of it."""

    def __init__(self, waiting: int) -> None:
        self.orders: dict[str, dict[str, Any]] = {
            f"W-{n}": {
                "order_id": f"W-{n}",
                "state": "RESERVED",
                "accepted_at": f"2026-11-21T12:00:{n:02}Z",
                "lines": [{"sku": "1", "ordered": 2, "picked": 0}],
            }
            for n in range(waiting)
        }
        self.asked: list[str] = []
        self.closed = False

    def get(self, path: str, **query: str) -> Any:
        if self.closed:
            raise Away("closed")
        if path == "/orders":
            found = [one for one in self.orders.values() if one["state"] == query["state"]]
            return {"items": found}
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


def test_the_same_seed_gives_the_same_floor() -> None:
    class Scale:
        def __init__(self) -> None:
            self.grams: list[float] = []

        def observe(self, kind: str, data: dict[str, Any]) -> str:
            self.grams.append(data["grams"])
            return ""

    first, second, other = Scale(), Scale(), Scale()
    for scale, seed in ((first, 1), (second, 1), (other, 2)):
        walk(things.shelf(a_world(Store(0)), scale, seed), 300)
    assert first.grams == second.grams != other.grams
    assert min(first.grams) >= 0
