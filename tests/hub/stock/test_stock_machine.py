"""The ledger under any order of steps: units are conserved and no bucket goes below zero."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hub.errors import Refusal
from hub.stock import promise, rules
from hub.stock.facts import INSIDE, HoldExtended, StockMoved
from hub.stock.ledger import Evidence, Hold, Policy, Stock, StockFact, evolve
from hub.stock.queries import load
from hub.stock.rules import SaleLine, Wanted
from tests.hub.shop import NOON, Shop

UNITS = st.integers(1, 6)
PICK = st.integers(0, 1000)


class Ledger(RuleBasedStateMachine):
    """One SKU, moved by rules alone; the clock is a number that grows."""

    def __init__(self) -> None:
        super().__init__()
        self.stock = Stock("A")
        self.clock = 0
        self.trusted = True
        self.names = 0
        self.facts: list[StockFact] = []

    @property
    def now(self) -> str | None:
        return f"{self.clock:06}" if self.trusted else None

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def apply(self, facts: list[StockFact] | list[StockMoved]) -> None:
        """Every prefix of an append must be sound, not only its end."""
        for fact in facts:
            self.facts.append(fact)
            self.stock = evolve(self.stock, fact)
            self.nothing_is_below_zero()

    def open(self, kind: str, pick: int) -> Hold | None:
        found = [hold for hold in self.stock.holds if hold.kind == kind]
        return found[pick % len(found)] if found else None

    @rule(qty=UNITS)
    def receive(self, qty: int) -> None:
        self.apply(rules.decide_receipt(self.name("R"), [("A", qty)]))

    @rule(qty=UNITS, length=st.integers(1, 20))
    def hold(self, qty: int, length: int) -> None:
        free = promise.available_to_promise(self.stock, "store", self.now).qty
        until = f"{self.clock + length:06}"
        try:
            self.apply(rules.decide_hold(self.stock, self.name("H"), qty, until, "store", self.now))
        except Refusal:
            assert qty > free
        else:
            assert qty <= free

    @rule(pick=PICK, qty=UNITS)
    def release(self, pick: int, qty: int) -> None:
        hold = self.open("HOLD", pick)
        if hold is None:
            return
        if qty > hold.open_qty:
            with pytest.raises(Refusal):
                rules.release(hold, qty)
        else:
            self.apply([rules.release(hold, qty)])

    @rule(pick=PICK, length=st.integers(0, 30))
    def extend(self, pick: int, length: int) -> None:
        hold = self.open("HOLD", pick)
        if hold is None or hold.expired(self.now):
            return
        facts = rules.decide_extension(hold, f"{self.clock + length:06}", self.now)
        self.apply([*facts])

    @rule(by=st.integers(1, 15))
    def wait(self, by: int) -> None:
        self.clock += by

    @rule(trusted=st.booleans())
    def clock_quality(self, trusted: bool) -> None:
        self.trusted = trusted

    @rule()
    def expire(self) -> None:
        moves = rules.decide_expiry(self.stock.holds, self.now)
        assert self.trusted or moves == []
        self.apply(moves)
        assert self.stock.expired(self.now) == []

    @rule(quantities=st.lists(UNITS, min_size=1, max_size=3))
    def allocate(self, quantities: list[int]) -> None:
        free = promise.available_to_promise(self.stock, "web", self.now).qty
        wanted = [Wanted(self.name("O/L"), "L", "A", qty) for qty in quantities]
        try:
            moves = rules.decide_allocation({"A": self.stock}, wanted, "O", "web", self.now)
        except Refusal:
            assert sum(quantities) > free
        else:
            assert sum(quantities) <= free
            self.apply(moves)

    @rule(pick=PICK, qty=UNITS, back=st.booleans())
    def stage(self, pick: int, qty: int, back: bool) -> None:
        hold = self.open("ALLOCATION", pick)
        if hold is None:
            return
        try:
            self.apply([rules.stage(hold, qty, back=back)])
        except Refusal:
            assert qty > (hold.staged_qty if back else hold.open_qty - hold.staged_qty)

    @rule(pick=PICK, qty=UNITS, staged=st.booleans(), to=st.sampled_from(["shrink", "customer"]))
    def close(self, pick: int, qty: int, staged: bool, to: str) -> None:
        hold = self.open("ALLOCATION", pick)
        if hold is None:
            return
        try:
            self.apply([rules.close(hold, qty, to, "SALE", staged=staged)])
        except Refusal:
            assert qty > (hold.staged_qty if staged else hold.open_qty - hold.staged_qty)

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        hold = self.open("ALLOCATION", pick)
        if hold is None:
            return
        self.apply(rules.close_all(hold, "CANCELLATION"))
        assert self.open("ALLOCATION", 0) is None or hold.ref not in {
            left.ref for left in self.stock.holds
        }

    @rule(quantities=st.lists(UNITS, min_size=1, max_size=3), pick=PICK, from_hold=st.booleans())
    def sell(self, quantities: list[int], pick: int, from_hold: bool) -> None:
        """A till is never refused, unless it names a hold that has less."""
        hold = self.open("HOLD", pick) if from_hold else None
        lines = [SaleLine("A", qty) for qty in quantities]
        holds = {}
        if hold is not None:
            lines.append(SaleLine("A", hold.open_qty, hold.ref))
            holds[hold.ref] = hold
        before = self.stock.units("customer")
        self.apply(rules.decide_sale({"A": self.stock}, self.name("S"), lines, holds, self.now))
        sold = sum(line.qty for line in lines)
        assert self.stock.units("customer") == before + sold

    @rule(counted=st.integers(0, 30))
    def count(self, counted: int) -> None:
        facts = rules.decide_count(self.stock, counted, moved_since=0, since=None, now=self.now)
        self.apply(facts)
        kept = sum(self.stock.units(bucket) for bucket in ("held", "committed", "staged"))
        assert self.stock.on_hand == max(counted, kept)

    @invariant()
    def units_are_conserved(self) -> None:
        assert sum(self.stock.buckets.values()) == 0

    @invariant()
    def nothing_is_below_zero(self) -> None:
        assert all(self.stock.units(bucket) >= 0 for bucket in INSIDE), self.stock.buckets

    @invariant()
    def holds_and_buckets_agree(self) -> None:
        held = sum(hold.open_qty for hold in self.stock.holds if hold.kind == "HOLD")
        open_allocations = [hold for hold in self.stock.holds if hold.kind == "ALLOCATION"]
        staged = sum(hold.staged_qty for hold in open_allocations)
        promised = sum(hold.open_qty for hold in open_allocations)
        assert self.stock.units("held") == held
        assert self.stock.units("staged") == staged
        assert self.stock.units("committed") == promised - staged

    @invariant()
    def no_more_is_promised_than_is_there(self) -> None:
        free = promise.available_to_promise(self.stock, "web", self.now).qty
        promised = sum(self.stock.units(bucket) for bucket in ("committed", "staged"))
        assert free + promised <= self.stock.on_hand


TestLedger = Ledger.TestCase
TestLedger.settings = settings(
    max_examples=settings().max_examples // 2, stateful_step_count=40, deadline=None
)


MOVES = st.builds(
    StockMoved,
    sku=st.sampled_from(["A", "B"]),
    qty=UNITS,
    source=st.sampled_from(["available", "held", "committed", "staged", "supplier", "shrink"]),
    target=st.sampled_from(["available", "held", "committed", "staged", "customer", "damaged"]),
    kind=st.sampled_from(["HOLD", "ALLOCATION", "RELEASE", "SALE", "ADJUSTMENT", "RETURN"]),
    ref=st.sampled_from([None, "H1", "H2"]),
    closes=st.sampled_from([None, "H1", "H2"]),
    until=st.sampled_from([None, "2026-11-21T12:00:00.000Z"]),
)
EXTENDED = st.builds(
    HoldExtended,
    sku=st.just("A"),
    ref=st.sampled_from(["H1", "H2", "H3"]),
    until=st.just("2026-11-21T13:00:00.000Z"),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(facts=st.lists(st.one_of(MOVES, EXTENDED), min_size=1, max_size=12))
def test_the_rows_and_the_fold_say_the_same_of_any_facts(
    shop: Shop, facts: list[StockMoved | HoldExtended]
) -> None:
    """No rule was asked here: this is what a rebase may bring. Sums stay, whatever their sign."""
    known = {sku: shop.store.read(load, sku, NOON) for sku in ("A", "B")}
    cause = shop.cause()
    shop.run(lambda tx: tx.append(facts, cause=cause, actor="hub"))
    for fact in facts:
        known[fact.sku] = evolve(known[fact.sku], fact)
    for sku, folded in known.items():
        live = shop.store.read(load, sku, NOON)
        assert {b: q for b, q in live.buckets.items() if q} == {
            b: q for b, q in folded.buckets.items() if q
        }
        assert sum(live.buckets.values()) == 0
    shop.is_sound()


# -- boundaries --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "level"),
    [
        (Evidence(), "normal"),
        (Evidence(days=3650), "normal"),
        (Evidence(adjustments=2), "normal"),
        (Evidence(adjustments=3), "low"),
        (Evidence(days=3, adjustments=2), "low"),
        (Evidence(days=2, adjustments=2), "normal"),
        (Evidence(sold=19, adjustments=2), "normal"),
        (Evidence(sold=20, adjustments=2), "low"),
        (Evidence(days=90, sold=400), "normal"),
        (Evidence(days=90, sold=420, adjustments=1), "low"),
        (Evidence(days=3, adjustments=2, agreed=1), "normal"),
        (Evidence(adjustments=3, agreed=99), "low"),
    ],
)
def test_confidence_falls_by_age_sales_and_corrections(evidence: Evidence, level: str) -> None:
    assert promise.confidence(evidence) == level


def test_low_confidence_and_thresholds_keep_units_back_and_never_below_nothing() -> None:
    doubtful = Stock("A", {"available": 1}, evidence=Evidence(adjustments=3))
    assert promise.available_to_promise(doubtful, "web", None).qty == 0
    careful = Policy(safety_stock=1, safety_stock_low=4, channel_threshold=3)
    stock = Stock("A", {"available": 6}, policy=careful)
    assert promise.available_to_promise(stock, "web", None).qty == 2
    assert promise.available_to_promise(stock, "store", None).qty == 5
    lent = Stock("A", {"available": 6}, policy=careful, lent=3)
    assert promise.available_to_promise(lent, "web", None).qty == 0
    assert promise.available_to_promise(lent, "store", None).qty == 2
    doubtful = Stock("A", {"available": 6}, evidence=Evidence(adjustments=3), policy=careful)
    assert promise.available_to_promise(doubtful, "store", None).qty == 2


def test_a_hold_is_over_at_the_moment_it_names_and_not_before() -> None:
    hold = Hold("H", "A", "HOLD", 1, until="2026-11-21T12:10:00.000Z")
    assert not hold.expired("2026-11-21T12:09:59.999Z")
    assert hold.expired("2026-11-21T12:10:00.000Z")
    assert not hold.expired(None)
    assert not Hold("H", "A", "HOLD", 1).expired("2026-11-21T12:10:00.000Z")
