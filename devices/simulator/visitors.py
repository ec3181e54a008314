"""Shoppers who walk in, look, take, change their minds, pay, and leave through the door.

It must never tell the store more than a shopper would: what they take only the shelves feel.
"""

from dataclasses import dataclass, field
from typing import Final

from devices.simulator.goods import Article
from devices.simulator.people import Life, Sends, World
from devices.simulator.truth import Truth

WORDS: Final = ("milk", "bread", "tea", "where is the soap", "gluten free", "mlik", "apple juice")


@dataclass
class Way:
    """Where a visitor may pass; any of these may be missing in a store."""

    truth: Truth
    tills: list[Sends] = field(default_factory=list)
    kiosks: list[Sends] = field(default_factory=list)


def visitor(world: World, way: Way) -> Life:
    """One shopper after the other, each with a basket of their own."""
    random = world.random
    while True:
        yield random.uniform(5, 60)
        if way.kiosks and random.random() < 0.3:
            yield from _ask(world, random.choice(way.kiosks))
        basket: list[Article] = []
        for _ in range(random.choice((1, 1, 2, 3, 5))):
            yield random.uniform(4, 20)
            if taken := way.truth.take(random.choice(list(way.truth.shelves))):
                basket.append(taken)
        if basket and random.random() < 0.05:
            # Not that one after all: back it goes, to the nearest shelf.
            way.truth.put_down(random.choice(list(way.truth.shelves)), basket.pop())
        if way.tills and basket and random.random() < 0.99:
            yield random.uniform(10, 60)
            _pay(world, random.choice(way.tills), basket)
        way.truth.leaving += basket


def _ask(world: World, kiosk: Sends) -> Life:
    random = world.random
    kiosk.observe("kiosk", {"event": "searched", "query": random.choice(WORDS)})
    for one in world.goods.some(random, random.choice((0, 1, 2))):
        yield random.uniform(3, 10)
        kiosk.observe("kiosk", {"event": "viewed", "sku": one.sku})


def _pay(world: World, till: Sends, basket: list[Article]) -> None:
    lines = [
        {"gtin" if one.code != one.sku else "sku": one.code, "qty": basket.count(one)}
        for one in dict.fromkeys(basket)
    ]
    sale_id = f"T-{world.random.getrandbits(48):012x}"
    till.observe("sale", {"sale_id": sale_id, "lines": lines})


def stocker(world: World, truth: Truth) -> Life:
    """Fills what looks empty; now and then somebody else was more important."""
    random = world.random
    while True:
        yield random.uniform(60, 180)
        if random.random() < 0.2:
            yield random.uniform(300, 900)
        for name, shelf in truth.shelves.items():
            if shelf.pieces < 6:
                yield random.uniform(10, 40)
                truth.fill(name)
