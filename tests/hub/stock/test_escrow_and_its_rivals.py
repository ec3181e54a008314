"""Escrow never promises what another channel promised; each rival does, in its own way.

A small seeded stream of `make bench-escrow`: escrow is the shipped code.
"""

from functools import cache

import pytest

from tests.bench import escrow_demand
from tests.bench.escrow import IN_HAND, PROMISED, WRONG, run
from tests.bench.escrow_demand import Outages
from tests.bench.escrow_policies import (
    Central,
    Decrement,
    Escrow,
    Outcome,
    RealTime,
    Safety1,
    Safety2,
    Setting,
    Snapshot,
)

STREAM = escrow_demand.seeded(7, skus=60, days=56, a_day=80.0)


@cache
def outcome(
    kind: type[Central], setting: Setting = PROMISED, median_h: int = 8, seed: int = 7
) -> Outcome:
    return run(kind, STREAM, Outages(median_h, STREAM.end, seed), setting, seed)


@pytest.mark.parametrize("median_h", [3, 8])
@pytest.mark.parametrize("seed", [7, 8])
def test_escrow_oversells_nothing_however_long_the_line_is_down(median_h: int, seed: int) -> None:
    assert outcome(Escrow, PROMISED, median_h, seed).oversold == 0


def test_escrow_pays_with_promises_not_given_at_once() -> None:
    assert outcome(Escrow).refused > outcome(RealTime).refused


@pytest.mark.parametrize("rival", [Snapshot, Decrement, RealTime, Safety1, Safety2])
def test_each_rival_oversells(rival: type[Central]) -> None:
    assert outcome(rival).oversold > 0


def test_the_older_a_rivals_copy_the_more_it_oversells() -> None:
    assert outcome(Snapshot).oversold > outcome(Decrement).oversold
    assert outcome(Decrement).oversold > outcome(RealTime).oversold


def test_safety_stock_buys_less_overselling_with_more_refusals() -> None:
    rising = [outcome(RealTime), outcome(Safety1), outcome(Safety2)]
    assert [one.oversold for one in rising] == sorted(
        (one.oversold for one in rising), reverse=True
    )
    assert [one.refused for one in rising] == sorted(one.refused for one in rising)
    assert rising[2].oversold > 0


def test_no_policy_mends_a_wrong_record() -> None:
    for kind in (Snapshot, Decrement, RealTime, Safety1, Safety2, Escrow):
        assert outcome(kind, WRONG).oversold > outcome(kind).oversold
    assert outcome(Escrow, WRONG).oversold < outcome(RealTime, WRONG).oversold


def test_goods_in_hand_break_promises_that_escrow_gave_but_few() -> None:
    broken = outcome(Escrow, IN_HAND).oversold
    assert 0 < broken < outcome(RealTime, IN_HAND).oversold
