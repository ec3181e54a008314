"""Fence, budget, versions, generation and merge by themselves: the borders of each rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import chain
from hub.chain import ORIGIN
from sync.protocol import Badge, Budget, Fence, Life, Number, begin, common, confirm, merge
from sync.protocol.fence import judge, take_told
from sync.protocol.versions import read_versions, written
from tests.sync.test_protocol import content

HOUR = 3600.0


def hello(fence: Fence, hardware: str) -> tuple[Fence, Badge]:
    fence, passed = judge(fence, Badge(hardware=hardware), "g")
    return fence, take_told(Badge(hardware=hardware), passed)


def speak(fence: Fence, badge: Badge) -> tuple[Fence, Badge, str]:
    fence, passed = judge(fence, badge, "g")
    return fence, take_told(badge, passed), passed.standing


def test_two_live_processes_are_told_apart_and_the_older_goes_on() -> None:
    fence, first = hello(Fence(), "A")
    fence, first, _ = speak(fence, first)
    fence, second = hello(fence, "B")
    fence, second, standing = speak(fence, second)
    assert standing == "ok"
    # The first does not know of the second yet: its push may be an old one that came late.
    fence, first, standing = speak(fence, first)
    assert (standing, fence.oldest) == ("ok", 0)
    fence, first, standing = speak(fence, first)
    assert (standing, fence.oldest) == ("ok", 1)
    assert speak(fence, second)[2] == "held"


def test_a_late_packet_of_a_dead_process_alarms_nobody() -> None:
    fence, dead = hello(Fence(), "A")
    fence, living = hello(fence, "A")
    fence, living, _ = speak(fence, living)
    for _ in range(3):
        # The same packet, again and again: it was never told of the newer one.
        fence, _, standing = speak(fence, dead)
        assert (standing, fence.oldest) == ("ok", 0)


def test_a_machine_that_restarts_all_night_is_remembered_once() -> None:
    fence, _ = hello(Fence(), "B")
    for _ in range(50):
        fence, _ = hello(fence, "A")
    assert fence.given == ((1, "B"), (51, "A"))
    assert confirm(fence, "A").retired == {"B"}


def test_who_was_not_chosen_is_retired_and_the_numbers_begin_again() -> None:
    fence, first = hello(Fence(), "A")
    fence, second = hello(fence, "B")
    fence = confirm(fence, "B")
    fence, passed = judge(fence, first, "g")
    assert passed.standing == "retired"
    fence, second, standing = speak(fence, second)
    assert (standing, second.number) == ("hello", Number("g.1", 1))
    # A person may think again.
    assert confirm(fence, "A").retired == {"B"}


def test_another_generation_forgets_the_numbers() -> None:
    fence, first = hello(Fence(), "A")
    fence, passed = judge(fence, first, "other")
    assert passed.number == Number("other.0", 1)
    assert fence.oldest == 0


@pytest.mark.parametrize(
    ("used", "conversation", "waits"),
    [
        (79, "replica", False),
        (81, "replica", True),
        (81, "push", False),
        (81, "commands", False),
        (101, "push", True),
    ],
)
def test_the_catalogue_waits_first_when_the_hours_bytes_run_out(
    used: int, conversation: str, waits: bool
) -> None:
    budget = Budget(100).spent(used, 0.0)
    assert (budget.wait_s(conversation, 0.0) > 0) is waits
    assert budget.wait_s(conversation, HOUR) == 0
    assert Budget().spent(10**9, 0.0).wait_s(conversation, 0.0) == 0


@given(st.lists(st.tuples(st.floats(0, 7200), st.integers(0, 10**6)), max_size=40))
def test_no_hour_carries_more_than_the_cap_and_one_answer(spends: list[tuple[float, int]]) -> None:
    cap, budget, now, carried = 10**6, Budget(10**6), 0.0, 0
    for pause, size in spends:
        now += pause + budget.wait_s("push", now + pause)
        budget = budget.spent(size, now)
        carried += size
        assert carried <= cap * (1 + now / HOUR) + 10**6


def test_the_newest_version_that_both_know_is_spoken() -> None:
    assert common((3, 2, 1), (5, 4, 3)) == 3
    assert common((1,), (3, 2)) is None
    assert read_versions(written((1, 3, 2))) == {1, 2, 3}
    assert read_versions("1, x, , 99999999") == {1}
    assert read_versions(None) == frozenset()


def test_an_older_copy_is_told_by_the_nonce_beside_it() -> None:
    fresh = Life("new", "n2")
    assert begin(None, None, fresh) == fresh
    assert begin(Life("g", "n1"), "n1", fresh) == Life("g", "n2")
    assert begin(Life("g", "n0"), "n1", fresh) == fresh
    assert begin(Life("g", "n1"), None, fresh) == fresh


@given(
    theirs=st.lists(st.integers(0, 6), unique=True, max_size=5),
    own=st.lists(st.integers(0, 9), unique=True, max_size=6),
)
def test_a_merge_keeps_each_cause_once_and_centrals_decision(
    theirs: list[int], own: list[int]
) -> None:
    at_central = [content(f"c{c}", i, 2) for c in theirs for i in range(2)]
    here = [content(f"c{c}", i, 3) for c in own for i in range(3)]
    rows = list(zip(chain.follow(ORIGIN, here), here, strict=True))
    merged = merge(ORIGIN, at_central, rows)
    kept = [c for c in own if c not in theirs]
    wanted = [content(f"c{c}", i, 3) for c in kept for i in range(3)]
    assert list(merged.contents) == [*at_central, *wanted]
    assert len(merged.dropped) == 3 * len([c for c in own if c in theirs])
