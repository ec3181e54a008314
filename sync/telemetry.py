"""The loop that tells central how the store's devices are: the lossy channel beside the facts.

It must never hold up a fact or an order, and never keep anything for later: what cannot go now is
counted as skipped, and the next message says how things are then.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from hub.fleet.watch import queries as watch

from . import frames
from .client import Client, Rejected, Trouble
from .hub import Hub, Line

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0
# So soon a hub that had facts to bring looks whether it may tell now.
LOOK_S: Final = 3.0
# A central of an older release has no such door.
REFUSED_S: Final = 3600.0
# A store with more devices tells of so many at a time, in turn.
AT_ONCE: Final = 200


class Telemetry:
    """One thread steps it; `idle` says whether central has every fact that this hub has."""

    name = "telemetry"

    def __init__(self, hub: Hub, client: Client, line: Line, idle: Callable[[], bool]) -> None:
        self.wake = threading.Event()
        self._hub = hub
        self._client = client
        self._line = line
        self._idle = idle
        self._begin = 0
        self._due = time.monotonic()
        self.skipped = 0

    def step(self) -> float:
        """Tell how the devices are, or skip it; return when to look again, in seconds."""
        late = time.monotonic() - self._due
        free = self._idle() and self._line.wait_s(self.name) == 0
        if not free and late < EVERY_S:
            return LOOK_S
        self._due += late
        with self._hub.reader() as conn:
            now_ms = int(self._hub.clock.now().timestamp() * 1000)
            devices = watch.devices(conn, now_ms, self._hub.limits)
        readings = [_reading(one) for one in self._turn(devices)]
        if not free:
            self.skipped += len(readings)
            return LOOK_S
        self._due += EVERY_S
        return self._tell(readings) if readings else EVERY_S

    def _tell(self, readings: list[frames.Reading]) -> float:
        try:
            self._client.telemetry(frames.pack_telemetry(readings, self.skipped))
        except Rejected as refused:
            log.info("Central takes no telemetry: %s", refused.status)
            return REFUSED_S
        except Trouble:
            self.skipped += len(readings)
        return EVERY_S

    def _turn(self, devices: list[watch.Device]) -> list[watch.Device]:
        """Return those whose turn it is; all of them where they are few."""
        if len(devices) <= AT_ONCE:
            return devices
        begin = self._begin % len(devices)
        self._begin = begin + AT_ONCE
        return (devices[begin:] + devices[:begin])[:AT_ONCE]


def _reading(one: watch.Device) -> frames.Reading:
    return frames.Reading(
        device=one.id[:64],
        state=one.state,
        last_ms=one.last_ms,
        battery_pct=one.battery_pct,
        outbox=one.outbox,
        dropped=one.dropped,
        firmware=None if one.firmware is None else one.firmware[:64],
    )
