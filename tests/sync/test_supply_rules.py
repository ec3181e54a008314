"""One distribution centre and three hubs, cut off at will: no unit is ever promised twice."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hub.aisle import rules as aisle
from hub.aisle.facts import AisleLine, SupplyLent
from hub.aisle.rules import Supply
from hub.stock.rights import Rights, Side, Wishes
from sync.central import supply_rules
from sync.central.supply_rules import Account

HUBS = ("a", "b", "c")
UNITS = 12
HUB = st.sampled_from(HUBS)


class Supplies(RuleBasedStateMachine):
    """The shipped rules of both ends. What one says the other hears late, twice or never."""

    def __init__(self) -> None:
        super().__init__()
        self.account = Account(UNITS, 0, {hub: (Rights(), Wishes()) for hub in HUBS})
        self.hubs = {hub: Supply("A", "here") for hub in HUBS}
        self.told: dict[str, list[SupplyLent]] = {hub: [] for hub in HUBS}
        self.told_up: dict[str, list[Supply]] = {hub: [] for hub in HUBS}
        self.sold = 0

    def _keep(self, hub: str, rights: Rights, wishes: Wishes) -> None:
        self.account = self.account._replace(hubs={**self.account.hubs, hub: (rights, wishes)})

    def _change(self, hub: str, change: supply_rules.Change) -> None:
        rights, wishes = self.account.hubs[hub]
        rights = rights._replace(owner=rights.owner._replace(given=change.given))
        self._keep(hub, rights, wishes._replace(asked=change.asked))
        self.told[hub].append(SupplyLent(sku="A", granted=change.given, asked=change.asked))

    @rule(hub=HUB, week=st.integers(0, 200))
    def central_lends(self, hub: str, week: int) -> None:
        change = supply_rules.decide_lend(self.account, hub, week)
        if change is not None:
            self._change(hub, change)

    @rule(wanted=st.integers(0, UNITS))
    def central_asks_back(self, wanted: int) -> None:
        for hub, change in supply_rules.decide_recall(self.account, wanted).items():
            self._change(hub, change)

    @rule(qty=st.integers(1, 5))
    def central_sells(self, qty: int) -> None:
        if supply_rules.verdict({"A": qty}, {"A": self.account}) == "confirm":
            self.account = self.account._replace(promised=self.account.promised + qty)
            self.sold += qty

    @rule(hub=HUB, qty=st.integers(1, 5))
    def a_hub_sells(self, hub: str, qty: int) -> None:
        known = self.hubs[hub]
        line = AisleLine(line_id="L1", sku="A", name="A", qty=qty)
        (placed,) = aisle.decide_place({"A": known}, "O", [line], "home")
        if not placed.conditional:
            other = known.lent.other
            lent = known.lent._replace(other=other._replace(spent=other.spent + qty))
            self.hubs[hub] = known._replace(lent=lent)
            self.sold += qty
        self.told_up[hub].append(self.hubs[hub])

    @rule(hub=HUB, n=st.integers(0, 1000))
    def a_hub_hears_something_central_said(self, hub: str, n: int) -> None:
        if not self.told[hub]:
            return
        known = self.hubs[hub]
        said = self.told[hub][n % len(self.told[hub])]
        for fact in aisle.decide_lent(known, said):
            if isinstance(fact, SupplyLent):
                owner = known.lent.owner.merged(Side(fact.granted, fact.reclaimed))
                wishes = known.wishes._replace(asked=fact.asked)
                known = known._replace(lent=known.lent._replace(owner=owner), wishes=wishes)
            else:
                side = known.lent.other._replace(given=fact.returned)
                wishes = known.wishes._replace(answered=fact.answered)
                known = known._replace(lent=known.lent._replace(other=side), wishes=wishes)
        self.hubs[hub] = known
        self.told_up[hub].append(known)

    @rule(hub=HUB, n=st.integers(0, 1000))
    def central_hears_a_hubs_facts_up_to_somewhere(self, hub: str, n: int) -> None:
        if not self.told_up[hub]:
            return
        said = self.told_up[hub][n % len(self.told_up[hub])]
        rights, wishes = self.account.hubs[hub]
        heard = rights.other.merged(said.lent.other)
        more = heard.spent - rights.other.spent
        answered = max(wishes.answered, said.wishes.answered)
        self._keep(hub, rights._replace(other=heard), wishes._replace(answered=answered))
        self.account = self.account._replace(promised=self.account.promised + more)

    @invariant()
    def never_more_is_promised_than_there_is(self) -> None:
        assert self.sold <= UNITS

    @invariant()
    def rights_are_conserved(self) -> None:
        assert self.account.free >= 0
        held = sum(max(0, hub.lent.held) for hub in self.hubs.values())
        assert self.sold + held <= UNITS

    @invariant()
    def no_hub_holds_less_than_nothing(self) -> None:
        assert all(hub.lent.held >= 0 for hub in self.hubs.values())


TestSupplies = Supplies.TestCase
TestSupplies.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)


def held(*units: int) -> Account:
    hubs = {hub: (Rights(Side(qty)), Wishes()) for hub, qty in zip(HUBS, units, strict=False)}
    return Account(10, 0, hubs)


def test_who_holds_most_is_asked_first_and_only_for_what_is_lacking() -> None:
    changes = supply_rules.decide_recall(held(6, 4, 0), wanted=3)
    assert {hub: change.asked for hub, change in changes.items()} == {"a": 3}


@pytest.mark.parametrize(
    ("qty", "word"), [(2, "confirm"), (3, "wait"), (10, "wait"), (11, "decline")]
)
def test_an_order_waits_while_its_units_may_come_back(qty: int, word: str) -> None:
    assert supply_rules.verdict({"A": qty}, {"A": held(5, 3)}) == word


def test_the_youngest_orders_give_way_to_units_that_vanished() -> None:
    account = Account(on_hand=3, promised=6)
    assert supply_rules.broken(account, [("young", 2), ("older", 2), ("old", 2)]) == [
        "young", "older",
    ]  # fmt: skip
