"""A hub's machine in memory: a disk that survives, a process that does not, facts that it writes.

It must never decide anything of the protocol: that is `sync.protocol`, driven by `shop`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hub import chain
from hub.chain import ORIGIN, Entry
from hub.clock import stamp
from sync import protocol
from sync.pace import Pace
from sync.protocol import Badge, Cursor, Puller, Pusher

from .fold import Ledger
from .office import Office
from .world import Crash, Violation, World


class Disk(Ledger):
    """What a hub has on disk: journal, projections, records, and the replica beside."""

    def __init__(self) -> None:
        super().__init__()
        self.causes: set[str] = set()
        self.seen: set[str] = set()
        self.pushed = (ORIGIN, "")
        self.commands = Cursor()
        self.replica: dict[str, Any] = {}
        self.replica_at = Cursor()
        self.staged: list[bytes] = []
        self.part = bytearray()
        self.quarantine: set[str] = set()
        self.forked = 0

    def copy(self) -> "Disk":
        made = Disk()
        self.copied(made)
        made.causes, made.seen = set(self.causes), set(self.seen)
        made.pushed, made.commands = self.pushed, self.commands
        made.replica, made.replica_at = dict(self.replica), self.replica_at
        made.quarantine = set(self.quarantine)
        return made


@dataclass
class Told:
    """What all hubs of a store promised, and what screens saw; it outlives every disk."""

    acked: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    damaged: set[str] = field(default_factory=set)
    garbled: set[str] = field(default_factory=set)
    screens: dict[tuple[str, int], str] = field(default_factory=dict)
    clones: int = 0


class Machine:
    """One machine of a store; `wake` and the loops are `shop.Hub`'s."""

    def __init__(
        self, world: World, office: Office, store: str, machine: str, disk: Disk, told: Told
    ) -> None:
        self.world, self.office = world, office
        self.store, self.machine, self.told = store, machine, told
        self.disk = disk
        self.alive = self.retired = False
        self.life = 0
        self.settle_every = 10.0

    # --- life and death

    def start(self) -> None:
        """A process begins: all but the disk is new."""
        if self.alive or self.retired:
            return
        world, now = self.world, self.world.now
        self.alive, self.life = True, self.life + 1
        self.epoch = world.bits()
        cursor, shown = self.disk.pushed
        if not protocol.holds(self.disk, cursor):
            cursor, shown = self.disk.floor(), ""
        self.pusher = Pusher(
            Pace(now),
            cursor,
            shown=shown,
            badge=Badge(hardware=self.machine),
            scrub_at=now + 2,
            limit=8,
        )
        self.pullers = {
            "commands": Puller(Pace(now), self.disk.commands),
            "replica": Puller(Pace(now), self.disk.replica_at),
        }
        self.due: dict[str, float] = {}
        world.tell(self.machine, "starts", self.disk.head())
        for loop in ("push", "commands", "replica"):
            self.wake(loop, 0.0)
        life = self.life
        world.after(self.settle_every, lambda: self._settle(life))

    def crash(self, why: str = "crash") -> None:
        if self.alive:
            self.alive = False
            self.world.tell(self.machine, "dies", why)
            self.world.after(self.world.rng.uniform(1, 20), self.start)

    def put_back(self, image: Disk, why: str) -> None:
        """The disk is an older one now."""
        self.alive = False
        self.life += 1
        self.disk = image.copy()
        self.world.counts[why] += 1
        self.world.tell(self.machine, why, self.disk.head())
        self.world.after(self.world.rng.uniform(1, 20), self.start)

    def commit(self, work: Callable[[], None]) -> None:
        """Do `work` whole; before or after it the process may die."""
        if self.world.chance("crash"):
            self.world.counts["hub crash before commit"] += 1
            self.crash()
            raise Crash
        work()
        self._screens()
        if self.world.chance("crash"):
            self.world.counts["hub crash after commit"] += 1
            self.crash()
            raise Crash

    def _screens(self) -> None:
        head = self.disk.head()
        shown = self.told.screens.setdefault((self.epoch, head.seq), head.hash)
        if shown != head.hash:
            raise Violation(f"{self.machine}: screens' id {head.seq} names two histories")

    # --- facts

    def append(self, cause: str, facts: list[tuple[str, dict[str, Any]]]) -> list[bytes]:
        """Return the entries of an append."""
        world = self.world
        skew = 3.15e8 * world.rng.uniform(-1, 1) if world.plan.clock else 0.0
        at = _stamp(world.now + skew)
        size = len(facts)
        return [
            chain.encode(Entry(chain.entry_id(cause, i, size), kind, 1, at, at, "sim", cause, body))
            for i, (kind, body) in enumerate(facts)
        ]

    def write(self, cause: str, contents: list[bytes]) -> None:
        disk = self.disk
        if cause in disk.causes:
            raise Violation(f"{self.machine}: cause {cause} has a second append")
        disk.extend(contents)
        disk.causes.add(cause)

    def decide(self, row: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """What a request becomes, by this store's own projections."""
        fold, kind = self.disk.fold, row["kind"]
        if kind == "move":
            return [fact for sku, qty in row["moves"] for fact in self._move(sku, qty)]
        order = row["order"]
        if kind == "place":
            return [("Placed", {"order": order}), *self._move(row["sku"], -1)]
        if kind == "cancel":
            if fold.handed.get(order) or order not in fold.placed:
                return [("Refused", {"order": order})]
            return [("Canceled", {"order": order})]
        if fold.handed.get(order) or fold.placed.get(order) != "open":
            return []
        return [("Handed", {"order": order}), *self._move(row["sku"], -1)]

    def _move(self, sku: str, qty: int) -> list[tuple[str, dict[str, Any]]]:
        """A move; where the record does not know of the units, their finding comes first."""
        found = [("Moved", {"sku": sku, "qty": 1})] if self.disk.fold.stock.get(sku, 0) < 1 else []
        return [*found, ("Moved", {"sku": sku, "qty": qty})]

    def name(self) -> str:
        """Name what a person does here without a key: 128 random bits."""
        return f"cmd:{self.world.bits()}"

    def observe(self, name: str, row: dict[str, Any], ack: Callable[[], None]) -> None:
        """A device sends, or a person presses; it is answered after the commit."""
        if not self.alive or self.retired or self.pusher.standing == "retired":
            return
        disk = self.disk
        if name in disk.seen:
            ack()
            return
        if name in disk.causes:
            raise Violation(f"{self.machine}: {name} is in the journal and not in `seen`")
        facts = [(kind, body | {"p": row["p"]}) for kind, body in self.decide(row)]
        contents = self.append(name, facts)

        def work() -> None:
            disk.seen.add(name)
            if contents:
                self.write(name, contents)

        try:
            self.commit(work)
        except Crash:
            return
        if contents:
            self.told.acked.add(row["p"])
        self.world.counts["facts"] += len(contents)
        ack()
        self.wake("push", 0.05)

    def conflict(self, entry: str) -> str:
        """Name the task about a fact that nobody foresaw."""
        return f"conflict:{entry}"

    def _settle(self, life: int) -> None:
        if not self.alive or self.life != life:
            return
        for entry in self.disk.fold.conflicts:
            cause = self.conflict(entry)
            if cause not in self.disk.causes:
                contents = self.append(cause, [("Task", {"about": entry, "p": f"ask {entry}"})])
                try:
                    self.commit(lambda c=cause, e=contents: self.write(c, e))  # type: ignore[misc]
                except Crash:
                    return
                self.world.counts["conflict task"] += 1
                self.wake("push", 0.05)
                break
        self.world.after(self.settle_every, lambda: self._settle(life))

    def wake(self, loop: str, delay: float) -> None:
        """Let a loop step after `delay`, unless it is to step earlier."""
        raise NotImplementedError


def _stamp(seconds: float) -> str:
    return stamp(datetime.fromtimestamp(1_700_000_000 + seconds, UTC))
