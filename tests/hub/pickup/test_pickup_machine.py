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
from hub.pickup.lifecycle import NEXT, WHERE_IT_WAS, Status, Step
from hub.stock import actions as stock
from hub.stock import queries as ledger
from hub.stock.facts import INSIDE
from tests.hub.shop import ANNA, BEN, LENA, NOON, Shop

SEEN = {"kind": "id_seen", "value": "passport"}
WHO = st.sampled_from([ANNA, ANNA, ANNA, BEN, LENA])
QTY = st.integers(1, 3)
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

    @rule(who=WHO)
    def claim(self, who: str) -> None:
        self.try_step(Step.CLAIM, pickup.claim, actor=who)

    @rule(who=WHO)
    def release(self, who: str) -> None:
        self.try_step(Step.RELEASE, pickup.release, actor=who)

    @rule(n=st.integers(0, 3), qty=QTY, who=WHO)
    def pick(self, n: int, qty: int, who: str) -> None:
        self.try_step(Step.PICK, pickup.pick, self.line(n), qty, actor=who)

    @rule(
        n=st.integers(0, 3),
        qty=QTY,
        reason=st.sampled_from(
            ["NOT_IN_STOCK", "MISMATCH", "DAMAGED", "WORN_DISPLAY", "PICK_LATER"]
        ),
    )
    def short(self, n: int, qty: int, reason: str) -> None:
        self.try_step(Step.SHORT, pickup.short, self.line(n), qty, reason)

    @rule(n=st.integers(0, 3), qty=QTY)
    def substitute(self, n: int, qty: int) -> None:
        self.try_step(Step.SUBSTITUTE, pickup.substitute, self.line(n), self.skus[2], qty)

    @rule()
    def go_on(self) -> None:
        """Take the straight way, so that the later states are met as often as the first."""
        order = self.order()
        match order["state"]:
            case "RESERVED":
                self.try_step(Step.CLAIM, pickup.claim)
            case "PICKING":
                who = order["claimed_by"]
                for line in order["lines"]:
                    rest = line["line_id"], line["pending"]
                    self.try_step(Step.PICK, pickup.pick, *rest, actor=who)
                self.try_step(Step.STAGE, pickup.stage, "A1", actor=who)
            case "PREPARED":
                self.try_step(Step.READY, pickup.ready)
            case "READY_FOR_PICKUP":
                self.try_step(Step.HANDOVER, pickup.handover, SEEN)

    @rule(shelf=st.sampled_from(["A1", "A2"]))
    def stage(self, shelf: str) -> None:
        self.try_step(Step.STAGE, pickup.stage, shelf)

    @rule()
    def ready(self) -> None:
        self.try_step(Step.READY, pickup.ready)

    @rule()
    def undo(self) -> None:
        self.try_step(Step.UNDO, pickup.undo)

    @rule(part=st.lists(st.tuples(st.integers(0, 3), QTY), max_size=2))
    def hand_over(self, part: list[tuple[int, int]]) -> None:
        lines = [{"line_id": self.line(n), "qty": qty} for n, qty in part] or None
        self.try_step(Step.HANDOVER, pickup.handover, SEEN, lines)

    @rule()
    def correct(self) -> None:
        self.try_step(Step.CORRECT, pickup.correct, actor=LENA)

    @rule()
    def hold(self) -> None:
        before = self.order()["state"]
        self.try_step(Step.HOLD, pickup.hold, "PAYMENT")
        if before != "ON_HOLD" and self.order()["state"] == "ON_HOLD":
            self.seen_held_from = before

    @rule()
    def resume(self) -> None:
        held = self.order()["state"] == "ON_HOLD"
        self.try_step(Step.RESUME, pickup.resume)
        assert not held or self.order()["state"] == self.seen_held_from

    @rule(chance=st.integers(0, 9))
    def give_up(self, chance: int) -> None:
        if chance == 0:
            self.try_step(Step.CANCEL, pickup.cancel, "BUYER_REQUEST")
        elif chance == 1:
            self.try_step(Step.EXPIRE, pickup.expire)

    @rule(qty=QTY, n=st.integers(0, 2))
    def till(self, qty: int, n: int) -> None:
        cause = self.floor.cause()
        self.floor.do(stock.sell, cause, [{"sku": self.skus[n], "qty": qty}])
        self.received[self.skus[n]] -= qty

    def line(self, n: int) -> str:
        lines = self.order()["lines"]
        return str(lines[n % len(lines)]["line_id"])

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
    max_examples=settings().max_examples // 3, stateful_step_count=30, deadline=None
)


def teardown_module() -> None:
    if OneOrder.shop is not None:
        OneOrder.shop.is_sound()
        OneOrder.shop.store.close()
        OneOrder.shop = None
