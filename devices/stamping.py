"""When something happened, as far as the device knows; and what it tells of that.

It must never make a time up: without a clock there are the boot and the uptime.
"""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from devices.outbox import Entry
from hub import wire
from hub.clock import Clock, Quality, stamp


class Observed(NamedTuple):
    """One observation of several. `id` is one by which whoever sent it may send it again: what
    came under it before is not kept a second time.
    """

    kind: str
    data: Mapping[str, Any]
    device: str | None = None
    at: datetime | None = None
    quality: Quality | None = None
    id: str | None = None


class Stamper:
    """Writes the bodies of one device's observations."""

    def __init__(self, clock: Clock, device: str) -> None:
        self.boot = _boot_id()
        self._clock = clock
        self._device = device

    @property
    def knows(self) -> bool:
        return self._clock.quality() != "unknown"

    @property
    def uptime_ms(self) -> int:
        return self._clock.uptime_ms()

    def entry(self, one: Observed) -> Entry:
        clock = self._clock
        quality = one.quality or clock.quality()
        known = quality != "unknown"
        happened = one.at or clock.now()
        body = {
            "boot": self.boot,
            "at": stamp(happened) if known else None,
            "uptime_ms": clock.uptime_ms(),
            "time_quality": quality,
            "kind": one.kind,
            "data": one.data,
        }

        def write(name: str, seq: int) -> bytes:
            return msgspec.json.encode({"id": name, "seq": seq, **body})

        at_ms = int(happened.timestamp() * 1000) if known else None
        boot = None if known else self.boot
        device = one.device or self._device
        return Entry(device, one.kind, one.kind in wire.BUSINESS, at_ms, write, boot, one.id)

    def restamped(self, body: bytes) -> tuple[bytes, int]:
        """The clock is right now: say of what was seen before, in this boot, when it was."""
        clock = self._clock
        told = msgspec.json.decode(body)
        began = clock.now() - timedelta(milliseconds=clock.uptime_ms())
        at = began + timedelta(milliseconds=told["uptime_ms"])
        told |= {"at": stamp(at), "time_quality": "estimated"}
        return msgspec.json.encode(told), int(at.timestamp() * 1000)

    def age_s(self, body: bytes) -> int | None:
        """Return how long ago this was observed; None when nobody can tell."""
        told = msgspec.json.decode(body)
        if told["boot"] == self.boot:
            return max(0, (self._clock.uptime_ms() - int(told["uptime_ms"])) // 1000)
        if told["at"] is None or not self.knows:
            return None
        return max(0, int((self._clock.now() - datetime.fromisoformat(told["at"])).total_seconds()))


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:13].replace("-", "")
    except OSError:
        # Uptime begins with the machine on every system; a fresh name for each start is coarser.
        return f"p{random.getrandbits(40):x}"
