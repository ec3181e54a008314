"""What stands on the floor and what it senses: scales, gates; with noise, as things do.

It must never sense the truth: each reading is off by what such a device is off.
"""

from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol

from devices.simulator.goods import Article
from devices.simulator.people import Life, Sends, World
from devices.simulator.truth import Truth
from hub.gs1.epc import encode_sgtin96

# How a load cell trembles and creeps (grams), and how often a presence sensor is wrong.
NOISE_G: Final = 3.0
CREEP_G: Final = 0.2
BLIND: Final = 0.005
LOW_PCT: Final = 15


class Unit(Sends, Protocol):
    """A whole device client, with its battery and its radio."""

    def heartbeat(self, **more: Any) -> str: ...
    def radio(self, on: bool) -> None: ...


@dataclass
class Scale:
    """The mistakes of one load cell: it creeps with the temperature, and trembles."""

    random: Random
    off_g: float = 0.0

    def reading(self, grams: float) -> float:
        self.off_g += self.random.gauss(0, CREEP_G)
        return round(max(0.0, grams + self.off_g + self.random.gauss(0, NOISE_G)), 1)


def shelf(world: World, device: Sends, truth: Truth, name: str) -> Life:
    """Weighs itself, and says whether anything lies on it when that seems to change."""
    random = world.random
    scale = Scale(random)
    seemed: bool | None = None
    while True:
        yield random.uniform(2, 4)
        place = truth.shelves[name]
        before = place.grams
        device.observe("weight", {"grams": scale.reading(before)})
        seems = (place.pieces > 0) != (random.random() < BLIND)
        if seems != seemed:
            seemed = seems
            device.observe("presence", {"present": seems})
        if random.random() < 0.02 and not place.closed:
            # A hand on the shelf: two readings that mean nothing.
            for _ in range(2):
                yield 0.5
                device.observe("weight", {"grams": scale.reading(before + random.uniform(0, 2000))})


def door(world: World, device: Sends, truth: Truth) -> Life:
    """Reads the tags of what goes through, each several times; and what lies near, now and then."""
    random = world.random
    near = [_epc(one, random) for one in world.goods.some(random, 3)]
    while True:
        yield random.uniform(1, 5)
        passing, truth.leaving = truth.leaving, []
        for article in passing:
            epc = _epc(article, random)
            for antenna in random.choice(((1, 2), (1, 1, 2), (2, 2))):
                yield random.uniform(0.05, 0.3)
                device.observe("rfid", _read(epc, antenna, random.gauss(-52, 4)))
        if near and random.random() < 0.1:
            device.observe("rfid", _read(random.choice(near), 1, random.gauss(-71, 3)))


def _read(epc: str, antenna: int, rssi_dbm: float) -> dict[str, Any]:
    return {"epc": epc, "antenna": antenna, "rssi_dbm": round(rssi_dbm, 1)}


def _epc(article: Article, random: Random) -> str:
    serial = random.getrandbits(20)
    if article.code.isdigit() and len(article.code) <= 14:
        return encode_sgtin96(article.code.zfill(14), serial)
    # A tag of one's own: not every article has a GTIN.
    return f"e2{serial:022x}"


def pulse(world: World, device: Unit) -> Life:
    """Every device says now and then that it is alive; its battery falls, and is changed late."""
    random = world.random
    battery = random.uniform(LOW_PCT + 1, 100)
    while True:
        device.heartbeat(battery_pct=round(battery), firmware="sim-1")
        battery -= random.uniform(0.02, 0.2)
        if battery < 1 or (battery < LOW_PCT and random.random() < 0.1):
            battery = 100.0
        yield 60.0


def link(world: World, device: Unit) -> Life:
    """Loses the line: often for a minute behind the steel shelf, seldom for hours in a drawer."""
    random = world.random
    while True:
        yield random.expovariate(1 / 1800)
        device.radio(on=False)
        yield random.uniform(10, 90) if random.random() < 0.9 else random.uniform(1800, 14_400)
        device.radio(on=True)
