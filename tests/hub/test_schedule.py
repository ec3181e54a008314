"""Jobs run when they are due, in uptime, and one that cannot run stops no other."""

import logging
from datetime import datetime, timedelta

import pytest

from hub.clock import FixedClock
from hub.errors import Refusal, Unavailable
from hub.schedule import LONGEST_S, Job, Schedule
from tests.hub.kernel import NOON


def test_each_job_runs_at_once_and_then_at_its_own_pace() -> None:
    clock, ran = FixedClock(NOON), []
    jobs = [
        Job("fast", 1, lambda now: ran.append("fast")),
        Job("slow", 3, lambda now: ran.append("slow")),
    ]
    schedule = Schedule(jobs, clock)
    for _ in range(4):
        assert schedule.step(clock.now()) == pytest.approx(1.0)
        clock.advance(timedelta(seconds=1))
    assert ran == ["fast", "slow", "fast", "fast", "fast", "slow"]


def test_nobody_sleeps_longer_than_a_few_seconds() -> None:
    clock = FixedClock(NOON)
    assert Schedule([Job("daily", 86_400, lambda now: None)], clock).step(NOON) == LONGEST_S
    assert Schedule([], clock).step(NOON) == LONGEST_S


def test_an_outage_of_one_job_stops_no_other_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, ran, away = FixedClock(NOON), [], True

    def fails(now: datetime) -> None:
        if away:
            raise Unavailable("The disk is full.")

    jobs = [Job("fails", 1, fails), Job("other", 1, lambda now: ran.append(1))]
    schedule = Schedule(jobs, clock)
    with caplog.at_level(logging.INFO):
        for turn in range(4):
            away = turn < 3
            schedule.step(clock.now())
            clock.advance(timedelta(seconds=1))
    assert len(ran) == 4
    assert [record.message for record in caplog.records] == [
        "fails must wait: The disk is full.",
        "fails runs again",
    ]


def test_a_rule_that_says_no_to_a_job_stops_no_other() -> None:
    ran = []

    def refused(now: datetime) -> None:
        raise Refusal("Order R-1 is on hold.")

    schedule = Schedule(
        [Job("refused", 1, refused), Job("other", 1, lambda now: ran.append(1))], FixedClock(NOON)
    )
    schedule.step(NOON)
    assert ran == [1]


def test_a_bug_ends_the_thread() -> None:
    def bug(now: datetime) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Schedule([Job("bug", 1, bug)], FixedClock(NOON)).step(NOON)


def test_two_jobs_of_one_name_are_refused() -> None:
    job = Job("same", 1, lambda now: None)
    with pytest.raises(ValueError, match="one name"):
        Schedule([job, job], FixedClock(NOON))
