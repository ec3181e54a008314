"""How a store stands: the moment at which silence, refusal and delay begin to count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sync.central.fleet_rules import MANY, Fleet, Seen, Standing, chosen, fleet, standing

NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
WELL = Seen("s1", "Mill Lane", heard_at=NOW, pushed_at=NOW, told_at=NOW, backlog=0, oldest_s=0.0)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def judged(**changes: object) -> Standing:
    return standing(replace(WELL, **changes), NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("silent_s", "condition"), [(0, "well"), (179, "well"), (180, "unreachable")]
)
def test_three_missed_heartbeats_are_silence(silent_s: float, condition: str) -> None:
    found = judged(heard_at=ago(silent_s))
    assert found.condition == condition
    if condition == "unreachable":
        assert found.since == ago(silent_s)


@pytest.mark.parametrize(
    ("refused_s", "heard_s", "condition"),
    [
        (59, 1, "well"), (60, 1, "failed"), (3600, 299, "failed"), (3600, 899, "failed"),
        (3600, 900, "unreachable"), (30, 181, "well"),
    ],
)  # fmt: skip
def test_who_is_heard_and_refused_failed_and_is_not_unreachable(
    refused_s: float, heard_s: float, condition: str
) -> None:
    found = judged(refused="damaged", refused_since=ago(refused_s), heard_at=ago(heard_s))
    assert found.condition == condition
    if condition == "failed":
        assert "hashed" in found.why
        assert found.since == ago(refused_s)


def test_two_hubs_come_before_all_else() -> None:
    assert judged(two_hubs=True, heard_at=ago(10**6)).condition == "held"
    assert judged(heard_at=None, pushed_at=None, two_hubs=False).condition == "new"


@pytest.mark.parametrize(
    ("backlog", "oldest_s", "told_s", "condition"),
    [
        (9, 899, 0, "well"), (9, 900, 0, "late"), (9, 840, 60, "late"), (9, 839, 60, "well"),
        (0, 900, 0, "well"), (None, None, 0, "well"),
    ],
)  # fmt: skip
def test_a_hub_that_is_heard_and_does_not_drain_is_late(
    backlog: int | None, oldest_s: float | None, told_s: float, condition: str
) -> None:
    assert judged(backlog=backlog, oldest_s=oldest_s, told_at=ago(told_s)).condition == condition


def test_quarantine_at_either_end_is_told() -> None:
    assert judged(quarantine_hub=2).why == "in quarantine: 2 at the hub"
    found = judged(quarantine_hub=2, quarantine_central=1)
    assert (found.condition, found.why) == (
        "quarantine",
        "in quarantine: 1 at central, 2 at the hub",
    )
    assert judged().condition == "well"


def silent(name: str, seconds: float) -> Seen:
    return replace(WELL, store=name, heard_at=ago(seconds))


def sizes(found: Fleet) -> list[tuple[datetime, int]]:
    return [(group.since, len(group.stores)) for group in found.groups]


def test_many_that_fall_silent_within_one_minute_are_one_group() -> None:
    many = [silent(f"m{n}", 600 + 60 * n / (MANY - 1)) for n in range(MANY)]
    assert sizes(fleet(many, NOW)) == [(ago(600), MANY)]
    assert sizes(fleet(many[1:], NOW)) == []
    assert sizes(fleet([*many[:-1], silent("late", 661)], NOW)) == []


def test_a_straggler_does_not_cut_a_group_in_two() -> None:
    together = [silent(f"m{n}", 600 + n) for n in range(20)]
    found = fleet([silent("straggler", 650), silent("before", 671), *together], NOW)
    assert sizes(found) == [(ago(600), 21)]
    twice = [*together, *(silent(f"k{n}", 4000 + n) for n in range(9))]
    assert sizes(fleet(twice, NOW)) == [(ago(4000), 9), (ago(600), 20)]


def test_who_is_refused_is_in_no_group() -> None:
    refused = [
        replace(silent(f"m{n}", 600), refused="damaged", refused_since=ago(700)) for n in range(9)
    ]
    assert fleet(refused, NOW).groups == ()


def test_what_needs_a_hand_first_comes_first() -> None:
    stores = [
        WELL, silent("quiet", 300), silent("quieter", 900),
        replace(WELL, store="new", heard_at=None),
        replace(WELL, store="poison", quarantine_hub=1),
        replace(WELL, store="late", backlog=1, oldest_s=1000.0),
        replace(WELL, store="bad", refused="damaged", refused_since=ago(100)),
        replace(WELL, store="twins", two_hubs=True),
    ]  # fmt: skip
    found = fleet(stores, NOW)
    order = [one.seen.store for one in found.standings]
    assert order == ["twins", "bad", "quieter", "quiet", "late", "poison", "new", "s1"]
    assert found.counts["unreachable"] == 2
    assert sum(found.counts.values()) == len(stores)


def test_the_fleet_is_filtered_by_condition_and_by_words() -> None:
    found = fleet([WELL, silent("quiet", 300)], NOW)
    assert [one.seen.store for one in chosen(found, "unreachable")] == ["quiet"]
    assert [one.seen.store for one in chosen(found, words="LANE mill s1")] == ["s1"]
    assert chosen(found, words="nowhere") == ()
    assert len(chosen(found)) == 2
