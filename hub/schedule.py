"""Runs what has to happen from time to time: sweeping holds, pruning telemetry, sending again.

It must never run two jobs at once, and never let an outage of one job stop the others.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hub.clock import Clock
from hub.errors import HubError

log = logging.getLogger(__name__)

# Nobody sleeps longer than this: a clock that is set forward must not delay a job for hours.
LONGEST_S: Final = 5.0


@dataclass(frozen=True)
class Job:
    """`run(now)` is called every `every_s` seconds of uptime; the first time at once."""

    name: str
    every_s: float
    run: Callable[[datetime], object]


class Schedule:
    """All jobs of the hub on one thread, in uptime, which no clock change can move."""

    def __init__(self, jobs: Sequence[Job], clock: Clock) -> None:
        self._clock = clock
        self._jobs = tuple(jobs)
        self._due_ms = dict.fromkeys((job.name for job in jobs), 0)
        self._away: set[str] = set()
        if len(self._due_ms) != len(self._jobs):
            raise ValueError("Two jobs of the schedule share one name.")

    def step(self, now: datetime) -> float:
        """Run each job that is due; return the seconds until the next one is."""
        for job in self._jobs:
            if self._due_ms[job.name] <= self._clock.uptime_ms():
                self._run(job, now)
                self._due_ms[job.name] = self._clock.uptime_ms() + int(job.every_s * 1000)
        if not self._due_ms:
            return LONGEST_S
        wait_ms = min(self._due_ms.values()) - self._clock.uptime_ms()
        return min(LONGEST_S, max(0.0, wait_ms / 1000))

    def loop(self, stop: threading.Event) -> None:
        """Step until `stop` is set."""
        delay = 0.0
        while not stop.wait(delay):
            delay = self.step(self._clock.now())

    def _run(self, job: Job, now: datetime) -> None:
        try:
            job.run(now)
        except HubError as error:
            # A rule that says no to a job is no reason to stop the store either.
            if job.name not in self._away:
                self._away.add(job.name)
                log.warning("%s must wait: %s", job.name, error.sentence)
        else:
            if job.name in self._away:
                self._away.discard(job.name)
                log.info("%s runs again", job.name)
