"""Two holders promise from one stock without asking each other, and never more than there is."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hub.errors import Refusal
from hub.stock import rights
from hub.stock.facts import RightsGranted, RightsRecalled, RightsTold
from hub.stock.ledger import Policy, Stock
from hub.stock.rights import Quota, Rights, Side, Wishes

QUOTA = Quota(outage_h=8, share_pct=50, low_pct=50)
PLAIN = Policy(safety_stock_low=0)
NONE = Wishes()
QTY = st.integers(0, 6)


class Escrow(RuleBasedStateMachine):
    """The owner with its units, the other with rights; each hears the other late, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.units = 20  # in the store, not promised by the owner itself
        self.owner = Rights()
        self.other = Rights()
        self.sent: list[Rights] = []
        self.promised = 0

    def _free(self) -> int:
        return self.units - max(0, self.owner.held)

    @rule(qty=QTY)
    def the_owner_promises(self, qty: int) -> None:
        if qty <= self._free():
            self.units -= qty
            self.promised += qty

    @rule(qty=QTY)
    def the_owner_gives(self, qty: int) -> None:
        if qty <= self._free():
            self.owner = rights.give(self.owner, qty)

    @rule(qty=QTY)
    def the_other_promises(self, qty: int) -> None:
        if qty <= self.other.held:
            self.other = rights.spend(self.other, qty)
            self.promised += qty
        else:
            with pytest.raises(Refusal):
                rights.spend(self.other, qty)

    @rule(qty=QTY)
    def the_other_gives_back(self, qty: int) -> None:
        if qty <= self.other.held:
            self.other = rights.give_back(self.other, qty)

    @rule()
    def each_says_what_it_knows(self) -> None:
        self.sent += [self.owner, self.other]

    @precondition(lambda self: self.sent)
    @rule(n=st.integers(0, 1000), forget=st.booleans(), to_owner=st.booleans())
    def something_said_is_heard_or_lost(self, n: int, forget: bool, to_owner: bool) -> None:
        said = self.sent[n % len(self.sent)]  # the same again and again, in any order
        if forget:
            self.sent.remove(said)
        elif to_owner:
            spent = self.owner.merged(said).other.spent - self.owner.other.spent
            self.owner = self.owner.merged(said)
            self.units -= spent  # what the other promised is not the owner's to promise
        else:
            self.other = self.other.merged(said)

    @invariant()
    def never_more_is_promised_than_there_is(self) -> None:
        assert self.promised <= 20

    @invariant()
    def each_knows_its_own_side_best(self) -> None:
        assert self.owner.owner.given >= self.other.owner.given
        assert self.other.other.given >= self.owner.other.given
        assert self.other.other.spent >= self.owner.other.spent

    @invariant()
    def no_holder_has_less_than_nothing(self) -> None:
        assert self.other.held >= 0
        assert self._free() >= 0


TestEscrow = Escrow.TestCase
TestEscrow.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@given(st.lists(st.tuples(QTY, QTY, QTY, QTY), min_size=1, max_size=8), st.randoms())
def test_copies_merge_to_one_in_any_order(
    numbers: list[tuple[int, int, int, int]], chance: random.Random
) -> None:
    copies = [Rights(Side(a, b), Side(c, d)) for a, b, c, d in numbers]
    shuffled = [*copies, *copies]
    chance.shuffle(shuffled)
    one, other = Rights(), Rights()
    for copy in copies:
        one = one.merged(copy)
    for copy in shuffled:
        other = other.merged(copy)
    assert one == other


def test_what_is_not_held_is_neither_spent_nor_returned() -> None:
    lent = rights.give(Rights(), 3)
    assert rights.spend(lent, 3).held == 0
    assert rights.give_back(lent, 3).held == 0
    for step in (rights.spend, rights.give_back):
        with pytest.raises(Refusal, match="Only 3 units"):
            step(lent, 4)


@pytest.mark.parametrize(
    ("week", "free", "units"),
    [
        (0, 100, 0),  # nobody asks: nothing is lent
        (21, 100, 3),  # one expected in eight hours, and two deviations
        (21, 4, 2),  # no more than half of what is free
        (21, 1, 0),  # the last unit stays on the floor
        (21, -5, 0),
        (2100, 1000, 120),
    ],
)
def test_the_quota_follows_the_demand_of_an_outage(week: int, free: int, units: int) -> None:
    assert rights.target(week, free, QUOTA) == units


def test_no_outage_to_bridge_is_no_quota() -> None:
    assert rights.target(2100, 1000, Quota(outage_h=0)) == 0


def test_rights_are_filled_up_below_the_mark_and_not_at_every_order() -> None:
    stock = Stock("A", {"available": 100}, policy=PLAIN)
    first = rights.decide_balance(stock, Rights(), 210, NONE, QUOTA)
    assert first == [RightsGranted(sku="A", granted=17)]
    held_9 = Rights(Side(17), Side(0, 8))
    assert rights.decide_balance(stock, held_9, 210, NONE, QUOTA) == []
    held_8 = Rights(Side(17), Side(0, 9))
    assert rights.decide_balance(stock, held_8, 210, NONE, QUOTA) == [
        RightsGranted(sku="A", granted=26)
    ]


def test_rights_without_units_behind_them_are_asked_back_once() -> None:
    stock = Stock("A", {"available": 3}, policy=PLAIN)
    lent = Rights(Side(10), Side(1, 2))  # 7 held
    assert rights.decide_balance(stock, lent, 210, NONE, QUOTA) == [
        RightsRecalled(sku="A", asked=4)
    ]
    assert rights.decide_balance(stock, lent, 210, Wishes(4, 0), QUOTA) == []
    none_left = Stock("A", {"available": -2}, policy=PLAIN)
    assert rights.decide_balance(none_left, lent, 210, Wishes(4, 0), QUOTA) == []


def test_what_central_could_not_return_is_asked_for_again_once_it_has_answered() -> None:
    stock = Stock("A", {"available": 8}, policy=PLAIN)
    lent = Rights(Side(20), Side(2, 8))  # 5 were asked, 2 returned: the rest was spent by then
    assert rights.decide_balance(stock, lent, 0, Wishes(5, 5), QUOTA) == [
        RightsRecalled(sku="A", asked=7)
    ]


def test_central_gives_back_what_it_has_and_no_more() -> None:
    assert rights.decide_return(Rights(Side(10), Side(1, 2)), Wishes(5, 1)) == 4
    assert rights.decide_return(Rights(Side(10), Side(1, 8)), Wishes(5, 1)) == 1
    assert rights.decide_return(Rights(Side(10), Side(5, 2)), Wishes(5, 5)) == 0


def test_what_central_says_again_or_late_is_no_fact() -> None:
    known = Rights(Side(10), Side(1, 4))
    wishes = Wishes(3, 2)
    for again in ((1, 4, 2), (0, 3, 0)):
        said = RightsTold(sku="A", returned=again[0], spent=again[1], answered=again[2])
        assert rights.decide_told(known, wishes, said) == []
    more = RightsTold(sku="A", returned=0, spent=5)
    taken = RightsTold(sku="A", returned=1, spent=5, answered=2)
    assert rights.decide_told(known, wishes, more) == [taken]
    heard = RightsTold(sku="A", returned=1, spent=4, answered=3)
    assert rights.decide_told(known, wishes, heard) == [heard]
