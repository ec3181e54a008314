"""The ways of promising one store's stock over two channels, each on one SKU at a time.

They must never know more than they would: central hears of the store while the line is up alone.
Escrow is the shipped code (`hub.stock.rights`, `hub.stock.promise`), not a copy of it.
"""

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hub.errors import Refusal
from hub.stock import rights
from hub.stock.facts import RightsGranted, RightsTold
from hub.stock.ledger import Evidence, Policy, Stock
from hub.stock.promise import available_to_promise
from hub.stock.rights import Quota, Rights, Side, Wishes
from tests.bench.escrow_demand import DAY, HOUR, WEEK, Demand, Outages, deliveries, level

NIGHT: Final = 2 * HOUR  # when head office takes its snapshot
BATCH: Final = 900  # how often a store's sales are sent, where they are not sent at once
COUNTED_WEEKS: Final = 4


class Setting(NamedTuple):
    """What the world does beside the line.

    `in_hand`: who shops on the floor takes the goods from the shelf, and nobody can say no.
    `errors_pct`: of so many SKUs in a week one or two units vanish that the record still has.
    """

    in_hand: bool = False
    errors_pct: int = 0


@dataclass
class Shelf:
    """One SKU in one store: what is there, what the hub's record says, and what went wrong."""

    outages: Outages
    there: int = 0
    record: int = 0
    sold: int = 0
    wrong: int = 0
    counted_at: int = 0
    oversold: int = 0
    refused: int = 0
    pending: list[int] = field(default_factory=list)  # promised by central, unknown to the hub

    def leave(self, qty: int) -> bool:
        """The hub lets `qty` units of its record go; False when they are not found."""
        self.record -= qty
        self.sold += qty
        if qty <= self.there:
            self.there -= qty
            return True
        # Somebody looked, found less, and wrote down what there is.
        self.record, self.wrong = self.there, self.wrong + 1
        return False

    def evidence(self, now: int) -> Evidence:
        return Evidence((now - self.counted_at) // DAY, self.sold, self.wrong)


class Central:
    """How central answers the web. Here: from its copy of the stock, as `learn` last saw it."""

    kept = 0

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.copy = 0

    def look(self, since: int, now: int) -> None:
        """Time went on from `since` to `now`, and nothing was sold meanwhile."""

    def web(self, demand: Demand, up: bool) -> bool:
        """Promise it, or not."""
        if self.copy - self.kept < demand.qty:
            return False
        self.copy -= demand.qty
        return True

    def arrive(self, qty: int) -> bool:
        """The hub hears of an order that central promised; False: it can't keep it."""
        return self.shelf.record >= qty and self.shelf.leave(qty)

    def floor(self, demand: Demand, now: int) -> bool:
        """May the hub promise it to somebody in the store?"""
        return self.shelf.record >= demand.qty


class Snapshot(Central):
    """Head office promises from the stock of last night, less what it promised since."""

    def look(self, since: int, now: int) -> None:
        night = (now - NIGHT) // DAY * DAY + NIGHT
        while night > since and not self.shelf.outages.up(night):
            night -= DAY
        if night > since:
            self.copy = self.shelf.record - sum(self.shelf.pending)


class Decrement(Central):
    """Both sides count down their own copy; the store's sales come every quarter of an hour."""

    def look(self, since: int, now: int) -> None:
        batch = now // BATCH * BATCH
        if batch > since and self.shelf.outages.up(batch):
            self.copy = self.shelf.record - sum(self.shelf.pending)


class RealTime(Central):
    """Central asks the store while the line is up, and goes by its last answer when it is not."""

    def look(self, since: int, now: int) -> None:
        if self.shelf.outages.up_between(since, now):
            self.copy = self.shelf.record - sum(self.shelf.pending)


class Safety1(RealTime):
    """Real time, and one unit is never promised to the web."""

    kept = 1


class Safety2(RealTime):
    """Real time, and two units are never promised to the web."""

    kept = 2


class Escrow(Central):
    """Central spends the rights that it was lent, and asks the store for more while it can."""

    quota = Quota()

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf)
        self.hub, self.office = Rights(), Rights()
        self.wishes = Wishes()
        self.week: deque[tuple[int, int]] = deque()

    def _stock(self, now: int) -> Stock:
        return Stock(
            "A",
            {"available": self.shelf.record},
            evidence=self.shelf.evidence(now),
            policy=Policy(),
            lent=max(0, self.hub.held),
        )

    def look(self, since: int, now: int) -> None:
        while self.week and self.week[0][0] < now - WEEK:
            self.week.popleft()
        if self.shelf.outages.up_between(since, now):
            self._talk()
        asked = sum(qty for _, qty in self.week)
        facts = rights.decide_balance(self._stock(now), self.hub, asked, self.wishes, self.quota)
        for fact in facts:
            if isinstance(fact, RightsGranted):
                self.hub = self.hub._replace(owner=self.hub.owner._replace(given=fact.granted))
            else:
                self.wishes = self.wishes._replace(asked=fact.asked)
        if self.shelf.outages.up(now):
            self._talk()

    def _talk(self) -> None:
        """The line is up: grants and wishes go one way, what central says of itself the other."""
        self.office = self.office.merged(Rights(self.hub.owner))
        answered = self.wishes.answered
        if self.wishes.asked > answered:
            back = rights.decide_return(self.office, self.wishes)
            self.office, answered = rights.give_back(self.office, back), self.wishes.asked
        own = self.office.other
        told = RightsTold(sku="A", returned=own.given, spent=own.spent, answered=answered)
        for fact in rights.decide_told(self.hub, self.wishes, told):
            side = Side(fact.returned, fact.spent)
            self.hub = Rights(self.hub.owner, self.hub.other.merged(side))
            self.wishes = self.wishes._replace(answered=fact.answered)

    def web(self, demand: Demand, up: bool) -> bool:
        if up:
            # The order is at the store within the second, and the store itself decides.
            part = min(demand.qty, max(0, self.office.held))
            self.office = rights.spend(self.office, part)
            self._talk()
            if available_to_promise(self._stock(demand.at), "web", None).qty < demand.qty:
                return False
        else:
            try:
                self.office = rights.spend(self.office, demand.qty)
            except Refusal:
                return False
        self.week.append((demand.at, demand.qty))
        return True

    def arrive(self, qty: int) -> bool:
        self._talk()
        return super().arrive(qty)

    def floor(self, demand: Demand, now: int) -> bool:
        return available_to_promise(self._stock(now), "store", None).qty >= demand.qty


POLICIES: Final[dict[str, type[Central]]] = {
    "HQ snapshot, nightly": Snapshot,
    "local decrement": Decrement,
    "real time, snapshot offline": RealTime,
    "the same, safety stock 1": Safety1,
    "the same, safety stock 2": Safety2,
    "escrow": Escrow,
}


class Outcome(NamedTuple):
    demands: int
    oversold: int
    refused: int

    def per_10_000(self) -> tuple[float, float]:
        each = 10_000 / max(1, self.demands)
        return self.oversold * each, self.refused * each


def run_sku(
    kind: type[Central],
    demands: list[Demand],
    end: int,
    outages: Outages,
    setting: Setting,
    chance: random.Random,
) -> Outcome:
    """Play one SKU through; `oversold`: promised to the web and not to be had in the store.

    `refused`: not promised although enough units stood there that were promised to nobody.
    """
    shelf = Shelf(outages)
    central = kind(shelf)
    full, last = level(demands, end), 0
    events: list[tuple[int, Demand | None]] = [(one.at, one) for one in demands]
    events += [(at, None) for at in deliveries(end)]
    for at, demand in sorted(events, key=lambda event: event[0]):
        if shelf.pending and outages.up_between(last, at):
            _bring(shelf, central)
        central.look(last, at)
        if demand is None:
            _deliver(shelf, full, at, setting, chance)
            central.look(last, at)
        else:
            _ask(shelf, central, demand, outages.up(at), setting)
        last = at
    _bring(shelf, central)
    return Outcome(len(demands), shelf.oversold, shelf.refused)


def _bring(shelf: Shelf, central: Central) -> None:
    for qty in shelf.pending:
        shelf.oversold += not central.arrive(qty)
    shelf.pending.clear()


def _deliver(shelf: Shelf, full: int, at: int, setting: Setting, chance: random.Random) -> None:
    if chance.random() * 100 < setting.errors_pct:
        shelf.there = max(0, shelf.there - chance.choice((1, 1, 2)))
    if at // WEEK % COUNTED_WEEKS == 0:
        shelf.record, shelf.counted_at, shelf.sold, shelf.wrong = shelf.there, at, 0, 0
    came = max(0, full - shelf.record)
    shelf.there, shelf.record = shelf.there + came, shelf.record + came


def _ask(shelf: Shelf, central: Central, demand: Demand, up: bool, setting: Setting) -> None:
    free = shelf.there - sum(shelf.pending)
    if demand.web:
        if not central.web(demand, up):
            shelf.refused += free >= demand.qty
        elif up:
            shelf.oversold += not central.arrive(demand.qty)
        else:
            shelf.pending.append(demand.qty)
    elif setting.in_hand:
        if shelf.there >= demand.qty:
            shelf.there, shelf.sold = shelf.there - demand.qty, shelf.sold + demand.qty
            shelf.record = max(0, shelf.record - demand.qty)
    elif not central.floor(demand, demand.at):
        shelf.refused += free >= demand.qty
    else:
        shelf.leave(demand.qty)
