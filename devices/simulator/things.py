"""What stands on the floor: a till that sells, shelves that weigh, a kiosk that is touched."""

from random import Random

from devices.simulator.people import Life, Sends, World

# What one piece weighs on the simulated shelves (grams), and how the cell trembles.
PIECE_G = 500
NOISE_G = 3.0


def till(world: World, device: Sends) -> Life:
    """Sells one to three articles at a time."""
    random = world.random
    while True:
        yield random.uniform(6, 20)
        lines = [
            {"gtin" if one.code != one.sku else "sku": one.code, "qty": 1}
            for one in world.goods.some(random, random.choice((1, 2, 3)))
        ]
        if lines:
            sale_id = f"T-{random.getrandbits(48):012x}"
            device.observe("sale", {"sale_id": sale_id, "lines": lines})


def shelf(world: World, device: Sends, seed: int) -> Life:
    """Weighs itself: pieces are taken, now and then it is filled up."""
    random = Random(seed)
    pieces = 24
    while True:
        yield random.uniform(2, 4)
        if random.random() < 0.15:
            pieces = pieces - 1 if pieces else 24
        grams = max(0.0, pieces * PIECE_G + random.gauss(0, NOISE_G))
        device.observe("weight", {"grams": round(grams, 1)})


def kiosk(world: World, device: Sends) -> Life:
    """Is touched by shoppers who look for something."""
    random = world.random
    while True:
        yield random.uniform(10, 40)
        for one in world.goods.some(random, 1):
            device.observe("kiosk", {"event": "viewed", "sku": one.sku})


def pulse(device: Sends, seed: int) -> Life:
    """Every device says now and then that it is alive."""
    random = Random(seed)
    battery = random.uniform(60, 100)
    while True:
        device.observe("heartbeat", {"battery_pct": round(battery), "firmware": "sim-1"})
        battery = battery - 0.05 if battery > 20 else 100
        yield 60.0
