"""The bodies that travel: an observation's envelope, the hub's acks, a device's status.

They hold no cycles, and there may be thousands of them: the collector need not look at each
(`gc=False`; it took as long as reading them).
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from hub.wire.kinds import BUSINESS, Id, Natural

Quality = Literal["synced", "estimated", "unknown"]
Outcome = Literal["committed", "duplicate", "quarantined", "refused"]


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of one message; `kind` is given in a batch, where no topic names it."""

    id: Id
    boot: Id
    seq: Natural
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None
    uptime_ms: Natural
    time_quality: Quality
    data: msgspec.Raw
    kind: str | None = None


class Observation(msgspec.Struct, frozen=True, gc=False):
    """What one device reported once. `body` is `data` re-encoded, badge codes masked."""

    device: str
    kind: str
    id: str
    boot: str
    seq: int
    at_ms: int | None
    uptime_ms: int
    quality: Quality
    data: Any
    body: bytes

    @property
    def digest(self) -> bytes:
        """Tell one body from another under one id; a better clock on resending is no other body."""
        head = f"{self.kind}\n{self.boot}\n{self.seq}\n".encode()
        return blake2b(head + self.body, digest_size=16).digest()

    @property
    def cause(self) -> str:
        return f"{self.device}:{self.id}"

    @property
    def business(self) -> bool:
        return self.kind in BUSINESS


class Unreadable(NamedTuple):
    """A message, or one element of a batch, that is no observation, and why."""

    reason: str
    detail: str
    id: str | None
    raw: bytes


class Ack(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The hub's word on one observation; each status ends resending."""

    id: str
    status: Outcome
    reason: str | None = None


class Acks(msgspec.Struct, frozen=True):
    acks: Sequence[Ack]


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a device retains on its status topic; its last will says `online` false.

    Sent at each connect, before anything waiting, so that `uptime_ms` tells the hub when this
    boot began.
    """

    online: bool
    boot: Id | None = None
    uptime_ms: Natural | None = None
    firmware: str | None = None
    battery_pct: float | None = None
