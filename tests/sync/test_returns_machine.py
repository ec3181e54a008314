"""Any interleaving of stores, lines, retries and cancels: what comes back is confirmed once.

Central's own tables and rules, and each hub's own tables and rules, without the line between them.
"""

import itertools
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import sqlite_utils
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hub.chain import Entry
from hub.errors import Refusal
from hub.pickup.lifecycle import Status
from hub.pickup.order import Line, PickupOrder
from hub.returns import abroad, queries, rules, tables
from hub.returns.facts import ReturnConfirmed, ReturnedElsewhere
from sync import claims
from sync.central import store_return_rows, store_returns
from sync.central.store_port import Tx
from sync.central.store_schema import MIGRATIONS

ORDER, LINE, SKU, PRICE = "R-1", "L1", "TEA", 100
ORDERED: Final = 4
MIND: Final = "CHANGED_MIND"
STORES: Final = ("s0", "s1", "s2")
NOON: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Hub:
    """One store's returns: its own projection, the facts that central lacks, what it was told."""

    def __init__(self, name: str) -> None:
        self.name, self.up = name, True
        self.conn = sqlite3.connect(":memory:")
        self.conn.row_factory = sqlite3.Row
        self.conn.executescript(tables.SCHEMA)
        self.unsent: list[Any] = []
        self.sent: list[Any] = []
        self.inbox: list[dict[str, Any]] = []
        self.known: set[str] = set()

    def append(self, facts: Any) -> None:
        for fact in facts:
            apply = tables.PROJECTION.apply.get(type(fact))
            if apply is not None:
                entry = Entry("e", type(fact).__name__, 1, "t", "t", "test", "c", {})
                apply(self.conn, entry, fact)
                self.unsent.append(fact)

    def returns(self, *states: str) -> list[str]:
        found = queries.recent(self.conn, None, None, 100)
        return sorted(one["return_id"] for one in found if one["state"] in states)

    def asked(self, *words: str) -> int:
        """Units whose refund is asked for or was paid, of returns with one of these words."""
        return sum(
            line["qty"]
            for one in queries.recent(self.conn, None, None, 100)
            if one["refund"] in ("REQUESTED", "PAID") and one["word"] in words
            for line in one["lines"]
            if line["disposition"] != "MISSING"
        )

    def hear(self, command: dict[str, Any]) -> None:
        """Take a command over as `hub.returns.actions` does; the same id once."""
        if command["id"] in self.known:
            return
        self.known.add(command["id"])
        if command["type"] == "returned.elsewhere":
            self.append([msgspec.convert(command, ReturnedElsewhere)])
            return
        back = queries.load(self.conn, command["return_id"])
        if command["says"] == "CONFIRMED":
            said = msgspec.convert({**command, "refund_minor": None}, ReturnConfirmed)
            self.append(abroad.decide_confirmed(back, said))
        else:
            self.append(abroad.decide_conflict(back, command["reason"], command["stores"]))


class Returns(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.conn = sqlite3.connect(":memory:", isolation_level=None)
        self.conn.row_factory = sqlite3.Row
        MIGRATIONS.apply(sqlite_utils.Database(self.conn))
        self.now = NOON
        for name in STORES:
            self.conn.execute(
                "INSERT INTO store (store_id, name, added_at, hash) VALUES (?, ?, '', '')",
                (name, name.upper()),
            )
        self.hubs = {name: Hub(name) for name in STORES}
        self.handed = 2
        self.names = (f"B-{n}" for n in itertools.count())
        self.central_hears(self.handed, Status.READY_FOR_PICKUP)

    # -- central

    def tx(self, work: Any) -> Any:
        tx = Tx(self.conn, self.now)
        result = work(tx)
        for told in tx.feeds.commands:
            self.hubs[told.store_id].inbox.append(msgspec.json.decode(told.row))
        return result

    def central_hears(self, handed: int, state: Status) -> None:
        line = Line(LINE, SKU, ORDERED, picked=ORDERED, handed_over=handed, unit_price_minor=PRICE)
        order = PickupOrder(ORDER, state, lines=(line,), currency="EUR")
        self.conn.execute(
            "INSERT INTO pickup (order_id, store_id, state, folded, timeline)"
            " VALUES (?, 's0', ?, ?, '[]') ON CONFLICT (store_id, order_id)"
            " DO UPDATE SET state = excluded.state, folded = excluded.folded",
            (ORDER, state.value, msgspec.json.encode(order)),
        )

    def confirmed(self) -> int:
        return store_return_rows.back(self.conn, ORDER).get(LINE, 0)

    # -- what happens

    @rule(store=st.sampled_from(STORES))
    def the_line_turns(self, store: str) -> None:
        self.hubs[store].up = not self.hubs[store].up

    @precondition(lambda self: self.handed < ORDERED)
    @rule(qty=st.integers(1, 2))
    def some_is_handed_over(self, qty: int) -> None:
        self.handed = min(ORDERED, self.handed + qty)
        # The fact of the handover stands in the queue like any other one.
        self.hubs["s0"].unsent.append(self.handed)

    @rule(qty=st.integers(1, 3))
    def the_store_of_the_order_takes_some_back(self, qty: int) -> None:
        hub = self.hubs["s0"]
        back = queries.back_of_order(hub.conn, ORDER).get(LINE, 0)
        source = {LINE: rules.Source(SKU, self.handed, back, PRICE)}
        try:
            facts = rules.decide_open(
                next(self.names), [(LINE, qty)], source, MIND,
                order_id=ORDER, currency="EUR", disposition="RESTOCKED",
            )  # fmt: skip
        except Refusal:
            return
        hub.append(facts)

    @rule(
        store=st.sampled_from(STORES[1:]),
        qty=st.integers(1, 3),
        then=st.sampled_from(["opens", "asks twice", "fails and says so", "dies"]),
    )
    def another_store_takes_some_back(self, store: str, qty: int, then: str) -> None:
        hub, name = self.hubs[store], next(self.names)
        if not hub.up:
            hub.append(abroad.decide_provisional(name, [(SKU, qty)], MIND, ORDER, "RESTOCKED"))
            return
        asked = claims.Asked(name, ORDER, [claims.AskedLine(LINE, qty)])
        claim = self.tx(lambda tx: store_returns.claim(tx, store, asked))
        if then == "asks twice" and claim.says == "CLAIMED":
            before = self.confirmed()
            claim = self.tx(lambda tx: store_returns.claim(tx, store, asked))
            assert self.confirmed() == before
        if then == "fails and says so":
            self.tx(lambda tx: store_returns.release(tx, store, name))
        elif then != "dies":
            try:
                hub.append(abroad.decide_abroad(name, [(LINE, qty)], claim, MIND, "RESTOCKED"))
            except Refusal:
                assert claim.says == "REFUSED"

    @rule(store=st.sampled_from(STORES), n=st.integers(0, 9))
    def the_customer_keeps_it(self, store: str, n: int) -> None:
        hub = self.hubs[store]
        if found := hub.returns("OPEN"):
            back = queries.load(hub.conn, found[n % len(found)])
            hub.append(rules.decide_cancel(back, "BUYER_REQUEST"))

    @rule(store=st.sampled_from(STORES), n=st.integers(0, 9), missing=st.booleans())
    def a_return_is_closed(self, store: str, n: int, missing: bool) -> None:
        hub = self.hubs[store]
        found = hub.returns("OPEN")
        if not found:
            return
        name = found[n % len(found)]
        if missing:
            line = queries.load(hub.conn, name).lines[0].line_id
            hub.append(rules.decide_disposition(queries.load(hub.conn, name), line, "MISSING"))
        hub.append(rules.decide_close(queries.load(hub.conn, name)))

    @rule(store=st.sampled_from(STORES), most=st.integers(1, 9), again=st.booleans())
    def a_hub_pushes(self, store: str, most: int, again: bool) -> None:
        """Bring some facts, in their order; `again`: central folds all of them once more."""
        hub = self.hubs[store]
        if not hub.up:
            return
        batch, hub.unsent = hub.unsent[:most], hub.unsent[most:]
        hub.sent += batch
        for handed in [fact for fact in batch if isinstance(fact, int)]:
            done = Status.PICKED_UP if handed == ORDERED else Status.READY_FOR_PICKUP
            self.central_hears(handed, done)
        facts = [fact for fact in (hub.sent if again else batch) if not isinstance(fact, int)]
        self.tx(lambda tx: store_returns.take(tx, store, facts))
        heard = not hub.unsent
        self.tx(lambda tx: store_returns.settle(tx, store, "", heard=heard))

    @rule(store=st.sampled_from(STORES), twice=st.booleans())
    def a_hub_pulls(self, store: str, twice: bool) -> None:
        hub = self.hubs[store]
        if not hub.up:
            return
        inbox, hub.inbox = hub.inbox, []
        for command in inbox * (2 if twice else 1):
            hub.hear(command)

    @rule(minutes=st.integers(1, 30))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # -- what always holds

    @invariant()
    def never_more_is_confirmed_than_was_handed_over(self) -> None:
        assert self.confirmed() <= self.handed

    @invariant()
    def no_refund_is_asked_on_central_s_word_that_central_did_not_confirm(self) -> None:
        asked = sum(hub.asked("WAITS", "CLAIMED", "CONFIRMED") for hub in self.hubs.values())
        assert asked <= self.confirmed()

    def teardown(self) -> None:
        """All lines come back and everybody says all: then nothing waits, and all refunds fit."""
        for hub in self.hubs.values():
            hub.up = True
        for _ in range(3):
            for store, hub in self.hubs.items():
                self.a_hub_pushes(store, len(hub.unsent) + 1, again=False)
                self.a_hub_pulls(store, twice=False)
        for store in STORES:
            self.a_hub_pushes(store, len(self.hubs[store].unsent) + 1, again=False)
        assert self.confirmed() <= self.handed
        shown = [
            one for hub in self.hubs.values() for one in queries.recent(hub.conn, None, None, 99)
        ]
        waiting = [one for one in shown if one["word"] == "WAITS" and one["state"] != "CANCELED"]
        assert waiting == []
        asked = sum(hub.asked("", "CLAIMED", "CONFIRMED", "CONFLICT") for hub in self.hubs.values())
        assert asked <= self.confirmed()
        for hub in self.hubs.values():
            hub.conn.close()
        self.conn.close()


TestReturns = Returns.TestCase
TestReturns.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
