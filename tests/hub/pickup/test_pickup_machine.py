"""Orders under any order of steps: lines and stock always agree, and no step skips the table."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hub.errors import Invalid, Refusal
from hub.pickup import actions as pickup
from hub.pickup import selling
from hub.pickup.lifecycle import NEXT, WHERE_IT_WAS, Status, Step
from hub.pickup.moves import SHORT_REASONS
from hub.stock import queries as ledger
from hub.stock.facts import INSIDE
from tests.hub.shop import ANNA, BEN, LENA, NOON, Shop

SEEN = {"kind": "id_seen", "value": "passport"}
WHO = st.sampled_from([ANNA, ANNA, ANNA, BEN, LENA])
QTY = st.integers(1, 3)
# Steps that anybody may try at any time; "line", "qty" and "sku" stand for drawn values.
STEPS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "claim": (pickup.claim, ()),
    "release": (pickup.release, ()),
    "pick": (pickup.pick, ("line", "qty")),
    "short": (pickup.short, ("line", "qty", "MISMATCH")),
    "substitute": (pickup.substitute, ("line", "sku", "qty")),
    "stage": (pickup.stage, ("A2",)),
    "ready": (pickup.ready, ()),
    "hold": (pickup.hold, ()),
    "resume": (pickup.resume, ()),
}
WAYS = st.lists(
    st.tuples(
        st.sampled_from(["pick", "pick", "short", "substitute"]),
        QTY,
        st.sampled_from(sorted(SHORT_REASONS)),
    ),
    min_size=1,
    max_size=3,
)
STAGED = ("PREPARED", "READY_FOR_PICKUP")
OVER = ("PICKED_UP", "CANCELED", "EXPIRED", "REJECTED")


class OneOrder(RuleBasedStateMachine):
    """One order after another in one store; each has SKUs of its own."""

    shop: Shop | None = None
    examples = 0

    def __init__(self) -> None:
        super().__init__()
        if OneOrder.shop is None:
            OneOrder.shop = Shop(Path(tempfile.mkdtemp(prefix="shop-")))
        OneOrder.examples += 1
        self.number = OneOrder.examples
        self.order_id = f"R-{self.number}"
        self.skus = [f"{name}{self.number}" for name in "ABC"]
        self.received: Counter[str] = Counter()
        self.seen_held_from = ""

    @property
    def floor(self) -> Shop:
        assert OneOrder.shop is not None
        return OneOrder.shop

    @initialize(lines=st.lists(st.tuples(st.integers(0, 1), QTY), min_size=1, max_size=3))
    def place(self, lines: list[tuple[int, int]]) -> None:
        for sku in self.skus:
            self.floor.receive(sku, 6)
            self.received[sku] = 6
        self.floor.place(self.order_id, *((self.skus[n], qty) for n, qty in lines))

    def order(self) -> dict[str, Any]:
        return self.floor.order(self.order_id)

    def try_step(self, step: Step, action: Any, *args: Any, actor: str = ANNA) -> None:
        """Take a step; what it does to the state is what the table says, or nothing happened."""
        before, length = self.order(), self.floor.length()
        try:
            appended = self.floor.do(action, self.order_id, *args, actor=actor)
        except (Refusal, Invalid):
            assert self.floor.length() == length
            return
        after = self.order()
        if not appended:
            assert after == before
            return
        foreseen = NEXT[Status(before["state"]), step]
        if foreseen is WHERE_IT_WAS:
            assert after["state"] not in OVER
        elif step is Step.HANDOVER:
            assert after["state"] in ("READY_FOR_PICKUP", "PICKED_UP")
        else:
            assert after["state"] == foreseen

    @rule(ways=WAYS)
    def go_on(self, ways: list[tuple[str, int, str]]) -> None:
        """Take the straight way with its detours, so that every state is met often."""
        order = self.order()
        who = order["claimed_by"] or ANNA
        match order["state"]:
            case "RESERVED":
                self.try_step(Step.CLAIM, pickup.claim)
            case "PICKING":
                for line, (way, qty, reason) in zip(order["lines"], ways * 4, strict=False):
                    self.fetch(line["line_id"], min(qty, line["pending"]), way, reason, who)
                self.try_step(Step.STAGE, pickup.stage, "A1", actor=who)
            case "PREPARED":
                self.try_step(Step.READY, pickup.ready)
            case "READY_FOR_PICKUP":
                self.try_step(Step.HANDOVER, pickup.handover, SEEN, self.part(order, ways))
            case "ON_HOLD":
                self.resume()

    def fetch(self, line_id: str, qty: int, way: str, reason: str, who: str) -> None:
        if way == "short":
            self.try_step(Step.SHORT, pickup.short, line_id, qty, reason, actor=who)
        elif way == "substitute":
            sku = self.skus[2]
            self.try_step(Step.SUBSTITUTE, pickup.substitute, line_id, sku, qty, actor=who)
        else:
            self.try_step(Step.PICK, pickup.pick, line_id, qty, actor=who)

    def part(self, order: dict[str, Any], ways: list[tuple[str, int, str]]) -> Any:
        """Now and then only one unit is handed over."""
        if ways[0][0] == "pick":
            return None
        left = (line for line in order["lines"] if line["picked"] > line["handed_over"])
        return [{"line_id": line["line_id"], "qty": 1} for line in list(left)[:1]]

    @rule(step=st.sampled_from(sorted(STEPS)), n=st.integers(0, 3), qty=QTY, who=WHO)
    def any_step(self, step: str, n: int, qty: int, who: str) -> None:
        """Take any step at any time, right or wrong, by anybody."""
        lines = self.order()["lines"]
        line_id = lines[n % len(lines)]["line_id"]
        if step == "hold":
            self.hold()
        elif step == "resume":
            self.resume()
        else:
            action, arguments = STEPS[step]
            given = {"line": line_id, "qty": qty, "sku": self.skus[n % 3]}
            self.try_step(
                Step(step), action, *(given.get(name, name) for name in arguments), actor=who
            )

    @rule()
    def undo(self) -> None:
        self.try_step(Step.UNDO, pickup.undo, actor=self.order()["claimed_by"] or ANNA)

    @rule()
    def correct(self) -> None:
        self.try_step(Step.CORRECT, pickup.correct, actor=LENA)

    def hold(self) -> None:
        before = self.order()["state"]
        self.try_step(Step.HOLD, pickup.hold, "PAYMENT")
        if before != "ON_HOLD" and self.order()["state"] == "ON_HOLD":
            self.seen_held_from = before

    def resume(self) -> None:
        held = self.order()["state"] == "ON_HOLD"
        self.try_step(Step.RESUME, pickup.resume)
        assert not held or self.order()["state"] == self.seen_held_from

    @rule(chance=st.integers(0, 9))
    def give_up(self, chance: int) -> None:
        if chance == 9:
            self.try_step(Step.CANCEL, pickup.cancel, "BUYER_REQUEST")
        elif chance == 8:
            self.try_step(Step.EXPIRE, pickup.expire)

    @rule(qty=QTY, n=st.integers(0, 2))
    def till(self, qty: int, n: int) -> None:
        cause = self.floor.cause()
        self.floor.do(selling.sell, cause, [{"sku": self.skus[n], "qty": qty}])
        self.received[self.skus[n]] -= qty

    # -- what always holds

    @invariant()
    def the_lines_add_up(self) -> None:
        for line in self.order()["lines"]:
            parts = ("picked", "short", "substituted", "canceled", "pending")
            assert line["ordered"] == sum(line[part] for part in parts)
            assert min(line[part] for part in parts) >= 0
            assert 0 <= line["handed_over"] <= line["picked"]

    @invariant()
    def nothing_is_complete_before_its_handover(self) -> None:
        order = self.order()
        if order["state"] == "PICKED_UP":
            assert all(line["handed_over"] == line["picked"] for line in order["lines"])
            assert any(line["handed_over"] for line in order["lines"])
            assert order["proof_kind"] == "id_seen"
        if order["state"] in ("CANCELED", "EXPIRED"):
            for line in order["lines"]:
                assert (line["pending"], line["picked"]) == (0, line["handed_over"])

    @invariant()
    def the_order_holds_what_its_lines_say(self) -> None:
        order = self.order()
        state = order["state"]
        if state == "ON_HOLD":
            state = self.seen_held_from
        holds = self.floor.store.read(ledger.holds_of_order, self.order_id)
        for line in order["lines"]:
            hold = holds.get(f"{self.order_id}/{line['line_id']}")
            if hold is None:
                assert state == "REJECTED"
                continue
            there = line["picked"] - line["handed_over"]
            assert hold.open_qty == (0 if state in OVER else line["pending"] + there)
            assert hold.staged_qty == (there if state in STAGED else 0)

    @invariant()
    def units_are_conserved_and_none_is_below_zero(self) -> None:
        for sku in self.skus:
            account = self.floor.store.read(ledger.load, sku, NOON)
            assert sum(account.buckets.values()) == 0
            assert all(account.units(bucket) >= 0 for bucket in INSIDE)

    @invariant()
    def no_rule_made_a_conflict(self) -> None:
        assert self.floor.run(pickup.settle) == 0

    def teardown(self) -> None:
        if OneOrder.examples % 20 == 0:
            self.floor.is_sound()


TestPickup = OneOrder.TestCase
TestPickup.settings = settings(
    max_examples=settings().max_examples // 2, stateful_step_count=30, deadline=None
)


def teardown_module() -> None:
    if OneOrder.shop is not None:
        OneOrder.shop.is_sound()
        OneOrder.shop.store.close()
        OneOrder.shop = None
