"""One seed: stores that sell, a central that forgets, everything that goes wrong; then quiet.

It must never judge a rule by looking inside a step: only what both ends hold afterwards counts.
"""

from dataclasses import dataclass, field
from typing import Any

from sync.protocol import append_of, confirm

from .judge import check, pressed, unlike
from .office import Books, Office
from .shop import Disk, Hub, Told
from .world import Crash, Violation, World

TROUBLE_S = 420.0
QUIET_S = 3000.0
LOOK_S = 30.0
SKUS = [f"s{n}" for n in range(6)]


@dataclass
class Device:
    """A till or a scanner: it resends until it is acknowledged."""

    name: str
    hub: Hub
    world: World
    pending: dict[str, dict[str, Any]] = field(default_factory=dict)
    person: bool = False

    def press(self, row: dict[str, Any]) -> None:
        if self.person:
            # A person at the hub's own screen: named there, and pressed once.
            self.hub.observe(self.hub.name(), row | {"p": self.world.bits()}, lambda: None)
            return
        name = f"{self.name}:{self.world.bits()}"
        self.pending[name] = row | {"p": name}
        self.try_again(name)

    def named(self, name: str) -> str:
        """The id that the device gave once, and gives again."""
        return name

    def try_again(self, name: str) -> None:
        row = self.pending.get(name)
        if row is None or self.hub.retired:
            return
        world = self.world
        if not world.quiet and world.rng.random() < 0.15:
            world.after(world.rng.uniform(1, 8), lambda: self.try_again(name))
            return
        lost = not world.quiet and world.rng.random() < 0.25

        def ack() -> None:
            if not lost:
                self.pending.pop(name, None)

        self.hub.observe(self.named(name), row, ack)
        if name in self.pending:
            world.after(world.rng.uniform(1, 90), lambda: self.try_again(name))


@dataclass
class Story:
    """The people, devices and accidents of one world."""

    world: World
    stores: list[str] = field(default_factory=list)
    hubs: list[Hub] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    orders: dict[str, list[str]] = field(default_factory=dict)
    prunes = False

    def __post_init__(self) -> None:
        world = self.world
        self.stores = [f"store{n}" for n in range(world.rng.choice((1, 2, 2, 3)))]
        self.office = Office(world, self.stores)
        for store in self.stores:
            self.told[store], self.orders[store] = Told(), []
            hub = Hub(world, self.office, store, f"{store}/a", Disk(), self.told[store])
            self.hubs.append(hub)
            hub.start()
            self.devices += [Device(f"dev-{store}-{n}", hub, world) for n in range(2)]
            self.devices.append(Device(f"staff-{store}", hub, world, person=True))
        self.office.on_fence = self.alarmed
        self.trade()
        self.accidents()
        world.after(LOOK_S, self.person)

    # --- what goes on

    def trade(self) -> None:
        rng, world = self.world.rng, self.world
        for device in self.devices:
            for _ in range(rng.randint(4, 22)):
                world.at(rng.uniform(1, TROUBLE_S), lambda d=device: d.press(self.wish(d)))  # type: ignore[misc]
        for store in self.stores:
            for n in range(rng.randint(2, 14)):
                when = rng.uniform(1, TROUBLE_S)
                world.at(when, lambda s=store, n=n: self.command(s, n))  # type: ignore[misc]
        for _ in range(rng.randint(2, 16)):
            world.at(rng.uniform(1, TROUBLE_S), self.publish)

    def wish(self, device: Device) -> dict[str, Any]:
        rng = self.world.rng
        orders = self.orders[device.hub.store]
        if orders and rng.random() < 0.3:
            return {"kind": "hand", "order": rng.choice(orders), "sku": rng.choice(SKUS)}
        moves = [
            (rng.choice(SKUS), rng.choice((-1, 1, 5))) for _ in range(rng.choice((1, 1, 2, 4)))
        ]
        return {"kind": "move", "moves": moves}

    def command(self, store: str, n: int) -> None:
        world, rng = self.world, self.world.rng
        if not self.office.alive:
            return
        orders = self.orders[store]
        row: dict[str, Any] = {"id": f"{n}-{world.bits()}", "sku": rng.choice(SKUS)}
        if world.chance("poison"):
            row |= {"kind": "poison"}
        elif orders and rng.random() < 0.3:
            row |= {"kind": "cancel", "order": rng.choice(orders)}
        else:
            row |= {"kind": "place", "order": f"R{world.bits()}"}
            orders.append(row["order"])
        try:
            self.office.order(store, row)
        except Crash:
            return

    def publish(self) -> None:
        rng = self.world.rng
        if not self.office.alive:
            return
        rows = {
            f"k{rng.randrange(25)}": rng.choice((None, rng.random()))
            for _ in range(rng.randint(1, 9))
        }
        try:
            self.office.publish(rows)
        except Crash:
            return

    # --- what goes wrong

    def accidents(self) -> None:
        world, plan, rng = self.world, self.world.plan, self.world.rng

        def some_time() -> float:
            return rng.uniform(20, TROUBLE_S)

        for _ in range(plan.cuts):
            world.at(some_time(), lambda: self.cut(rng.uniform(5, 150)))
        for _ in range(plan.flaps):
            for n in range(10):
                world.at(some_time() / 2 + n * 4, lambda: self.cut(2))
        for _ in range(plan.restores):
            self.restore("restore", rng.uniform(30, 300))
        for _ in range(plan.power):
            self.restore("power loss", rng.uniform(0.2, 15))
        for _ in range(plan.damages):
            world.at(some_time(), self.damage)
        for _ in range(plan.failovers):
            made = some_time()
            back = made + rng.uniform(1, 200)
            world.at(made, lambda w=back: self.copy_central(w))  # type: ignore[misc]
        for _ in range(plan.kills):
            world.at(some_time(), self.kill)
        for _ in range(plan.truncations):
            world.at(some_time(), self.office.truncate)
        for _ in range(plan.clones):
            world.at(some_time(), self.clone)

    def cut(self, seconds: float) -> None:
        world, rng = self.world, self.world.rng
        hub = rng.choice(self.hubs)
        ways = rng.choice((("up", "down"), ("up",), ("down",)))
        world.counts["partition" if len(ways) == 2 else "one-way partition"] += 1
        for way in ways:
            world.up[hub.machine, way] = False
            world.after(seconds, lambda w=way: world.up.__setitem__((hub.machine, w), True))  # type: ignore[misc]

    def restore(self, why: str, back: float) -> None:
        world = self.world
        hub = world.rng.choice(self.hubs)
        made = world.rng.uniform(5, TROUBLE_S - 10)

        def image() -> None:
            kept = hub.disk.copy()
            world.after(back, lambda: self.put_back(hub, kept, why))

        world.at(made, image)

    def put_back(self, hub: Hub, image: Disk, why: str) -> None:
        if self.world.quiet or hub.retired:
            return
        hub.put_back(image, why)
        if why == "restore" and self.world.rng.random() < 0.5:
            # People go on before the line is there.
            self.world.up[hub.machine, "up"] = False
            back = lambda: self.world.up.__setitem__((hub.machine, "up"), True)  # noqa: E731
            self.world.after(self.world.rng.uniform(10, 120), back)
            self.world.counts["facts before contact"] += 1
        self.count_losses()

    def damage(self) -> None:
        world = self.world
        hub = world.rng.choice(self.hubs)
        if world.quiet or not hub.disk.rows:
            return
        newest = max(0, len(hub.disk.rows) - 4) if world.rng.random() < 0.5 else 0
        seq = world.rng.randrange(newest, len(hub.disk.rows))
        content = bytearray(hub.disk.rows[seq])
        content[world.rng.randrange(len(content))] ^= 1 << world.rng.randrange(7)
        whole = append_of(hub.disk.rows[seq])[0]
        hub.told.damaged |= {p for p, cause in pressed(hub.disk.rows) if cause == whole}
        hub.told.garbled |= {append_of(bytes(content))[0], whole}
        hub.disk.rows[seq] = bytes(content)
        self.count_losses()
        world.counts["damage"] += 1
        # It is found at the next start, or by night.
        world.after(world.rng.uniform(0, 60), lambda: hub.crash("damage"))

    def copy_central(self, when: float) -> None:
        books = self.office.books.copy()
        with_nonce = self.world.rng.random() < 0.5
        self.world.at(when, lambda: self.fail_over(books, with_nonce))

    def fail_over(self, books: Books, with_nonce: bool) -> None:
        if not self.world.quiet:
            self.office.fail_over(books, with_nonce)
            self.count_losses()

    def kill(self) -> None:
        if self.world.rng.random() < 0.3:
            self.office.crash()
        else:
            self.world.rng.choice(self.hubs).crash("killed")
        self.world.counts["kill"] += 1

    def clone(self) -> None:
        world = self.world
        if world.quiet:
            return
        first = world.rng.choice(self.hubs)
        if first.told.clones:
            return
        first.told.clones += 1
        twin = Hub(
            world, self.office, first.store, f"{first.store}/b", first.disk.copy(), first.told
        )
        self.hubs.append(twin)
        device = Device(f"dev-{first.store}-twin", twin, world)
        self.devices.append(device)
        for _ in range(world.rng.randint(1, 8)):
            world.after(world.rng.uniform(1, 100), lambda: device.press(self.wish(device)))
        world.counts["clone"] += 1
        twin.start()

    def count_losses(self) -> None:
        """What stood nowhere else is gone for good, and nobody can be blamed for it."""
        for store, told in self.told.items():
            kept: set[str] = set()
            for hub in self.hubs:
                # A retired machine is switched off: nobody asks its disk again.
                if hub.store == store and not hub.retired:
                    kept |= {p for p, _ in pressed(hub.disk.rows)} - told.damaged
            kept |= {p for p, _ in pressed(self.office.books.journals[store].rows)}
            told.lost |= (told.acked | told.damaged) - kept

    def alarmed(self, store: str) -> None:
        """Central says that two hubs of a store are on line."""
        if sum(hub.store == store and not hub.retired for hub in self.hubs) < 2:
            raise Violation(f"{store}: a false alarm, there is no second hub")

    def person(self) -> None:
        """Somebody at head office looks at stores with two hubs on line, and says which stays."""
        world, office = self.world, self.office
        for store, fence in office.books.fences.items():
            here = [hub for hub in self.hubs if hub.store == store and not hub.retired]
            machines = sorted(hub.machine for hub in here)
            if fence.oldest and office.alive and machines and world.rng.random() < 0.5:
                keep = world.rng.choice(machines)
                office.books.fences[store] = confirm(fence, keep)
                world.counts["confirmed"] += 1
                world.tell("confirmed", keep)
        if self.prunes:
            for hub in self.hubs:
                cursor = hub.pusher.cursor
                if hub.alive and hub.pusher.agreed and hub.disk.pair_at(cursor.seq) == cursor:
                    hub.disk.start = cursor.seq
        world.after(LOOK_S, self.person)

    # --- the end

    def play(self) -> None:
        """Trouble, then quiet until both ends are one; raises Violation."""
        world = self.world
        world.run(TROUBLE_S)
        world.quiet = True
        world.up.clear()
        for hub in self.hubs:
            hub.start()
        # Accidents that were under way come to their end: the last damage is looked for.
        world.run(world.now + 90)
        until = world.now + QUIET_S
        why = "never looked"
        while world.now < until:
            world.run(world.now + LOOK_S)
            found = unlike(self)
            if not found:
                break
            why = found
        else:
            raise Violation(f"not one after {QUIET_S:.0f} quiet seconds: {why}")
        check(self)


def play(seed: int) -> World:
    """Run one seed; raises Violation."""
    world = World(seed)
    Story(world).play()
    return world
