"""Shoppers who walk in, look, take, change their minds, pay, and leave through the door.

It must never tell the store more than a shopper would: what they take only the shelves feel.
"""

from dataclasses import dataclass, field
from typing import Final

from devices.simulator.goods import Article
from devices.simulator.people import Life, Sends, World
from devices.simulator.truth import FULL, Shelf, Truth

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


def teacher(world: World, truth: Truth, name: str) -> Life:
    """Teaches a scale once, as staff do: an empty shelf, then a dozen of what belongs there."""
    while True:
        yield 15.0
        sensors = world.hub.get("/shelf/sensors")["items"]
        told = next((o for o in sensors if o["device"] == name and o["kind"] == "weight"), None)
        if told is None or not told["place"] or told["calibrated"]:
            continue
        products = world.hub.get(f"/shelf/places/{told['place']}")["products"]
        if products:
            yield from _teach(world, truth.shelves[name], name, products[0]["sku"])


def _teach(world: World, shelf: Shelf, name: str, sku: str) -> Life:
    known = next((one for one in world.goods.all if one.sku == sku), None)
    shelf.article = known or Article(sku, sku, 199)
    shelf.closed = True
    try:
        for pieces, step in ((0, {}), (12, {"units": 12, "sku": sku})):
            shelf.pieces, shelf.wrong_g = pieces, 0.0
            yield 25.0
            key = f"sim-{world.random.getrandbits(48):x}"
            world.hub.post(f"/shelf/sensors/{name}/calibrate", step, key)
    finally:
        shelf.pieces, shelf.closed = FULL, False


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
