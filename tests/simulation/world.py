"""Virtual time, chance, the network and what went wrong: one seed makes one world.

It must never read a real clock nor a chance of its own: the same seed gives the same bytes.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

MOST_STEPS = 25_000


@dataclass(frozen=True)
class Plan:
    """Which faults this world knows, each as a probability or a rate; drawn from the seed."""

    drop: float = 0.0
    double: float = 0.0
    late: float = 0.0
    truncate: float = 0.0
    half_open: float = 0.0
    portal: float = 0.0
    ghost: float = 0.0
    busy: float = 0.0
    crash: float = 0.0
    unknown: float = 0.0
    cuts: int = 0
    flaps: int = 0
    restores: int = 0
    power: int = 0
    damages: int = 0
    failovers: int = 0
    clones: int = 0
    kills: int = 0
    truncations: int = 0
    slow_commits: bool = False
    poison: float = 0.0
    clock: bool = False


def plan(rng: random.Random) -> Plan:
    """Draw a plan: each seed has some of the faults, so that each of them is alone at times."""

    def some(chance: float, value: float) -> float:
        return value * rng.random() if rng.random() < chance else 0.0

    def times(chance: float, most: int) -> int:
        return rng.randint(1, most) if rng.random() < chance else 0

    return Plan(
        drop=some(0.5, 0.3),
        double=some(0.5, 0.3),
        late=some(0.5, 0.3),
        truncate=some(0.3, 0.2),
        half_open=some(0.3, 0.2),
        portal=some(0.2, 0.3),
        ghost=some(0.5, 1.0),
        busy=some(0.2, 0.3),
        crash=some(0.5, 0.03),
        unknown=some(0.3, 0.05),
        cuts=times(0.5, 3),
        flaps=times(0.2, 2),
        restores=times(0.45, 2),
        power=times(0.3, 2),
        damages=times(0.3, 2),
        failovers=times(0.45, 2),
        clones=times(0.3, 1),
        kills=times(0.3, 3),
        truncations=times(0.4, 3),
        slow_commits=rng.random() < 0.3,
        poison=some(0.3, 0.1),
        clock=rng.random() < 0.3,
    )


class Violation(AssertionError):
    """A rule of DESIGN section 8 does not hold in this world."""


class Crash(Exception):
    """The process died here."""


@dataclass
class World:
    """The heap of what is to come, and the tally of what came."""

    seed: int
    rng: random.Random = field(init=False)
    now: float = 0.0
    steps: int = 0
    quiet: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    heap: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    plan: Plan = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.plan = plan(self.rng)
        self._n = 0
        self._told = blake2b(digest_size=16)
        self.up: dict[tuple[str, str], bool] = {}

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Do `what` at `when`."""
        self._n += 1
        heapq.heappush(self.heap, (when, self._n, what))

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        self.at(self.now + seconds, what)

    def run(self, until: float) -> None:
        """Let time pass."""
        heap = self.heap
        while heap and heap[0][0] <= until:
            self.now, _, what = heapq.heappop(heap)
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise Violation("both ends talk and talk and get nowhere")
            what()
        self.now = until

    def tell(self, *what: object) -> None:
        """Note something in the world's trace: two runs of one seed have one trace."""
        self._told.update(repr((round(self.now, 6), *what)).encode())

    def trace(self) -> str:
        return self._told.hexdigest()

    def chance(self, fault: str) -> bool:
        """Does this fault strike now? It is counted."""
        rate = getattr(self.plan, fault)
        if self.quiet or not rate or self.rng.random() >= rate:
            return False
        self.counts[fault] += 1
        return True

    def bits(self) -> str:
        return f"{self.rng.getrandbits(64):016x}"


TIMEOUT_S = 30.0


@dataclass
class Exchange:
    """One question over the line, as an HTTP client asks it: answered once, or timed out."""

    world: World
    name: str
    answer: Callable[[object], None]
    failed: Callable[[str, float | None], None]
    done: bool = False

    def send(self, serve: Callable[[], object], patience: float = TIMEOUT_S) -> None:
        """Carry the question to `serve` and its answer back, through all that may befall them.

        `serve` raises Crash when central dies, Busy when it has no time.
        """
        world = self.world
        up = world.up.get((self.name, "up"), True)
        if not up and world.up.get((self.name, "down"), True) is False:
            # A line that is cut is told at once; one that swallows is not.
            world.after(0.1, lambda: self._fail("unreachable"))
            return
        world.after(patience, lambda: self._fail("unreachable"))
        if not up or world.chance("drop") or world.chance("half_open"):
            return
        if world.chance("portal"):
            world.after(0.1, lambda: self._fail("unavailable"))
            return
        world.after(self._delay(), lambda: self._arrive(serve))
        if world.chance("double"):
            world.after(self._delay(), lambda: self._arrive(serve))

    def _delay(self) -> float:
        rng = self.world.rng
        return rng.uniform(1, 40) if self.world.chance("late") else rng.uniform(0.01, 0.2)

    def _arrive(self, serve: Callable[[], object]) -> None:
        world = self.world
        if world.chance("busy"):
            world.after(0.05, lambda: self._fail("unavailable", 20.0))
            return
        try:
            answer = serve()
        except Crash:
            return
        except Busy:
            world.after(0.05, lambda: self._fail("unavailable"))
            return
        if not world.up.get((self.name, "down"), True) or world.chance("drop"):
            return
        if world.chance("truncate"):
            world.after(self._delay(), lambda: self._fail("unavailable"))
            return
        world.after(self._delay(), lambda: self._take(answer))

    def _take(self, answer: object) -> None:
        # A late answer reaches the step as well: it has to know that it counts no more.
        if not self.done or self.world.chance("ghost"):
            self.done = True
            self.answer(answer)

    def _fail(self, trouble: str, retry_after_s: float | None = None) -> None:
        if not self.done:
            self.done = True
            self.failed(trouble, retry_after_s)


class Busy(Exception):
    """Central does not run, or has no time."""
