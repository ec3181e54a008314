"""Hubs and central under seeded faults: whatever befell them, in the end both hold one history."""

import os
import time
from collections import Counter

import pytest

from tests.simulation.mutants import MUTANTS, broken
from tests.simulation.run import play
from tests.simulation.world import Violation

SEEDS = 1000
PARTS = 2
# Each fault and each path is reached so often in each part, or the worlds prove little.
ENOUGH = 20
REACHED = (
    "drop", "double", "late", "truncate", "half_open", "portal", "busy", "ghost",
    "partition", "one-way partition", "kill", "unknown", "slow commit", "truncation",
    "hub crash before commit", "hub crash after commit", "hub crash between answer and cursor",
    "central crash before commit", "central crash after commit",
    "power loss", "restore", "facts before contact", "damage", "clone", "fail-over",
    "fork", "offer", "rebase", "damage found", "fence", "confirmed", "retired and drained",
    "generation by nonce", "generation by answer", "410 commands", "410 replica", "snapshot",
    "push taken", "push behind", "push damaged", "push held", "push hello",
    "poison command", "conflict task",
)  # fmt: skip
# Where each mutant was caught last: looked at first, so that the search is short.
FOUND = {
    "an append with a damaged part is never whole": 295,
    "no marks": 208,
    "the damaged twin stays": 68,
}
MOST_SEEDS = 600
NOTICED = (AssertionError, LookupError, ValueError, TypeError, AttributeError)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_thousand_worlds_keep_every_rule(part: int) -> None:
    counts: Counter[str] = Counter()
    for seed in range(part, SEEDS, PARTS):
        try:
            counts.update(play(seed).counts)
        except Violation as violation:
            pytest.fail(f"seed {seed}: {violation}")
    print({name: counts[name] for name in sorted(counts)})
    assert {name: counts[name] for name in REACHED if counts[name] < ENOUGH} == {}


def test_one_seed_is_one_world_to_the_byte() -> None:
    for seed in range(20, 30):
        assert play(seed).trace() == play(seed).trace()


@pytest.mark.soak
@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_rule_is_noticed(name: str) -> None:
    first = FOUND.get(name)
    with broken(MUTANTS[name]):
        for seed in (*([first] if first is not None else ()), *range(MOST_SEEDS)):
            try:
                play(seed)
            except NOTICED as noticed:
                print(f"{name}: seed {seed}: {noticed}")
                return
    pytest.fail(f"in {MOST_SEEDS} worlds nobody noticed: {MUTANTS[name].said}")


def test_every_rule_that_can_break_has_a_mutant() -> None:
    assert len(MUTANTS) >= 25
    assert {mutant.rule for mutant in MUTANTS.values()} >= set(range(1, 15))


@pytest.mark.soak
def test_worlds_for_hours() -> None:
    until = time.monotonic() + 60 * float(os.environ.get("SOAK_MINUTES", "15"))
    seed = int(os.environ.get("SIMULATION_SEED", "1000000"))
    counts: Counter[str] = Counter()
    while time.monotonic() < until:
        try:
            counts.update(play(seed).counts)
        except Violation as violation:
            pytest.fail(f"seed {seed}: {violation}")
        seed += 1
    print(f"up to seed {seed}: {dict(sorted(counts.items()))}")
