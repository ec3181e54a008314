"""Who moves on the floor: shoppers who order, an associate who picks, customers who collect.

It must never pick what the person at the screen may want to pick: the newest orders are left.
"""

import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol

from devices.simulator.api import Api, Away
from devices.simulator.goods import Goods

# So many waiting orders are the person's, the newest ones.
LEFT: Final = 3
# Shoppers hold back while so many orders wait.
BUSY: Final = 8
SHELVES: Final = tuple(f"{row}{n}" for row in "ABC" for n in range(1, 9))
NAMES: Final = ("Ida Probe", "Ben Muster", "Ana Ejemplo", "Yu Sample", "Leo Esempio", "Mia Exempel")

# A life yields how long (seconds of the store's time) until it goes on.
Life = Iterator[float]
Walk = Generator[float, None, bool]

log = logging.getLogger(__name__)


class Sends(Protocol):
    """What a person holds in the hand: a device client."""

    def observe(self, kind: str, data: dict[str, Any]) -> str: ...


@dataclass
class World:
    """What everybody on the floor shares."""

    store: str
    hub: Api
    central: Api
    goods: Goods
    random: Random
    # The hub's word on an observation, once it has come: (status, reason).
    answers: dict[str, tuple[str, str | None]]
    # Orders that a simulated associate has in hand; who met a closed door goes on with them.
    begun: set[str]


@dataclass(frozen=True)
class Habits:
    """How often (0 … 1) an associate begins late, takes the wrong article, does not find one, or
    leaves what is picked in the trolley.
    """

    late: float = 0.0
    wrong: float = 0.05
    short: float = 0.0
    forgets: float = 0.0


CAREFUL: Final = Habits()
HUMAN: Final = Habits(late=0.1, wrong=0.08, short=0.04, forgets=0.08)
REASONS: Final = ("not on the shelf", "damaged", "past its date")


def shopper(world: World) -> Life:
    """Orders something to collect, now and then."""
    random = world.random
    while True:
        yield random.uniform(25, 70)
        if len(waiting(world)) >= BUSY:
            continue
        wished = world.goods.some(random, random.choice((1, 2, 2, 3, 4)))
        chosen = [one for one in wished if _available(world, one.sku) >= 3]
        if not chosen:
            continue
        lines = [
            {
                "line_id": f"L{n}",
                "sku": one.sku,
                "qty": random.choice((1, 1, 1, 2)),
                "unit_price_minor": one.price_minor,
            }
            for n, one in enumerate(chosen, 1)
        ]
        name = random.choice(NAMES)
        order_id = f"W-{random.getrandbits(40):010x}"
        order = {
            "order_id": order_id,
            "store": world.store,
            "lines": lines,
            "currency": "EUR",
            "customer": {
                "name": name,
                "email": f"{name.split()[0].lower()}@example.test",
                "phone": "+49 30 0000000",
            },
            "promise_at": None,
        }
        world.central.post("/orders", order, f"sim-{order_id}")


def waiting(world: World) -> list[dict[str, Any]]:
    """Return the orders that nobody has begun, the oldest first."""
    orders: list[dict[str, Any]] = world.hub.get("/orders", state="RESERVED")["items"]
    return sorted(orders, key=lambda order: order.get("accepted_at") or "")


def associate(world: World, scanner: Sends, badge: str, habits: Habits = CAREFUL) -> Life:
    """Picks the oldest order with the scanner, stages it and makes it ready."""
    while True:
        yield world.random.uniform(4, 10)
        if world.random.random() < habits.late:
            yield world.random.uniform(120, 600)
        order_id = next(iter(world.begun), None)
        if order_id is None:
            mine = waiting(world)[:-LEFT]
            if not mine:
                continue
            order_id = str(mine[0]["order_id"])
            world.begun.add(order_id)
        picked = yield from _pick(world, scanner, badge, order_id, habits)
        if picked:
            yield world.random.uniform(3, 8)
            _quietly(world, f"/orders/{order_id}/ready", {}, f"sim-ready-{order_id}")
        else:
            # Somebody else was quicker, or the goods are not there: back it goes.
            key = f"sim-release-{world.random.getrandbits(32):x}"
            _quietly(world, f"/orders/{order_id}/release", {}, key)
            yield 30.0
        world.begun.discard(order_id)


def _pick(world: World, scanner: Sends, badge: str, order_id: str, habits: Habits) -> Walk:
    random = world.random
    yield from _scan(world, scanner, badge)
    if not (yield from _scan(world, scanner, f"SH1:O:{order_id}")):
        return False
    for line in world.hub.get(f"/orders/{order_id}")["lines"]:
        yield random.uniform(4, 9)
        if random.random() < habits.wrong:
            # The wrong article from the shelf beside it: the hub says so, and nothing moves.
            (wrong, *_) = world.goods.some(random, 1)
            if wrong.sku != line["sku"]:
                yield from _scan(world, scanner, wrong.code)
        left = line["ordered"] - line["picked"] - line.get("short", 0)
        if left and random.random() < habits.short:
            left -= 1
            short = {"line_id": line["line_id"], "qty": 1, "reason": random.choice(REASONS)}
            key = f"sim-short-{order_id}-{line['line_id']}"
            _quietly(world, f"/orders/{order_id}/short", short, key)
        for _ in range(left):
            if not (yield from _scan(world, scanner, world.goods.code(line["sku"]))):
                return False
    if random.random() < habits.forgets:
        # Called to the till with the trolley full; it stands there until somebody asks.
        yield random.uniform(300, 900)
    return (yield from _scan(world, scanner, f"SH1:S:{random.choice(SHELVES)}"))


def _scan(world: World, scanner: Sends, code: str) -> Walk:
    """Scan and look at the scanner's lamp: True when the hub took it."""
    name = scanner.observe("scan", {"code": code})
    for _ in range(100):
        yield 1.0
        if name in world.answers:
            return world.answers.pop(name)[0] in ("committed", "duplicate")
    return False


def customers(world: World) -> Life:
    """Collect, after a while, what an associate of the simulation has made ready."""
    first_seen: dict[str, int] = {}
    while True:
        yield world.random.uniform(20, 40)
        ready = world.hub.get("/orders", state="READY_FOR_PICKUP")["items"]
        first_seen = {one["order_id"]: first_seen.get(one["order_id"], 0) + 1 for one in ready}
        for order_id, times in first_seen.items():
            # The last few stay, so that there is always one to hand over.
            if times >= 4 and len(ready) > LEFT:
                proof = {"proof": {"kind": "id_seen", "value": "passport"}}
                _quietly(world, f"/orders/{order_id}/handover", proof, f"sim-h-{order_id}")
                break


def van(world: World) -> Life:
    """Brings goods that run low, so that the store can go on for days."""
    while True:
        yield 45.0
        low = [one for one in world.goods.all if _available(world, one.sku) < 6][:20]
        if low:
            key = f"van-{world.random.getrandbits(40):010x}"
            lines = [{"sku": one.sku, "qty": 24} for one in low]
            _quietly(world, "/receipts", {"receipt_id": key, "lines": lines}, key)


def _available(world: World, sku: str) -> int:
    return int(world.hub.get(f"/stock/{sku}")["buckets"].get("available", 0))


def _quietly(world: World, path: str, body: dict[str, Any], key: str) -> None:
    """Try; another person may have done it, and that is fine."""
    try:
        world.hub.post(path, body, key)
    except Away as why:
        log.debug("%s", why)
