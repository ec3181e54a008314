"""Reads one message of the broker into the things that it holds, and weighs it.

It must never decide what becomes of them, and never raise for a message however odd.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from hub import wire
from hub.errors import Invalid
from hub.ingest.corked import Message
from hub.ingest.travels import Travel
from hub.wire import Ack, Observation, Status, Unreadable

# A sale decides and appends: about ten times the work of storing a weight.
BUSINESS_WEIGHT: Final = 10
# What an item takes in memory beside its bytes, about.
ITEM_BYTES: Final = 200


class Item(msgspec.Struct, gc=False):
    """One thing that a message held, and what became of it."""

    device: str
    topic: str
    what: Observation | Unreadable | Status
    received_ms: int
    received_ns: int
    live: bool = True
    judged: bool = False
    ack: Ack | None = None
    travel: Travel | None = None


class Received(msgspec.Struct, gc=False):
    """A message and what it held; `mid` 0 needs no PUBACK."""

    mid: int
    generation: int
    size: int
    items: Sequence[Item]

    @property
    def weight(self) -> int:
        """How long its commit keeps a command waiting, in units of one telemetry observation."""
        weights = (
            BUSINESS_WEIGHT if isinstance(one.what, Observation) and one.what.business else 1
            for one in self.items
        )
        return max(1, sum(weights))

    def parts(self) -> list["Received"]:
        """One message for each item; the last one carries the PUBACK of all."""
        parts = [Received(0, self.generation, 0, [item]) for item in self.items]
        if not parts:
            return [self]
        parts[-1].mid = self.mid
        return parts


def receive(message: Message, generation: int, now_ms: int, now_ns: int) -> Received:
    """Return what `message`, received at `now_ms`, holds. A retained observation is no news."""
    items = _items(message, now_ms, now_ns)
    size = len(message.payload) + ITEM_BYTES * len(items)
    return Received(message.mid, generation, size, items)


def _items(message: Message, now_ms: int, now_ns: int) -> list[Item]:
    payload = message.payload
    try:
        name = message.topic.decode()
        topic = wire.parse_topic(name)
    except (Invalid, UnicodeDecodeError) as error:
        return [_unreadable(message, error, now_ms)]
    if topic.channel == "status":
        return _status(topic.device, name, message, now_ms)
    if message.retain:
        return []
    return [
        Item(topic.device, name, what, now_ms, now_ns)
        for what in wire.read(topic.device, topic.name, payload)
    ]


def _unreadable(message: Message, error: Exception, now_ms: int) -> Item:
    name = message.topic.decode("utf-8", "replace")
    # By the broker's ACL the fourth level is whoever sent it, however odd the rest.
    device = (name.split("/") + [""] * 4)[3][:64]
    what = Unreadable("bad_topic", str(error), None, message.payload)
    return Item(device, name, what, now_ms, 0)


def _status(device: str, name: str, message: Message, now_ms: int) -> list[Item]:
    if not message.payload:
        # Nothing: the device takes back what it had retained.
        return []
    try:
        status = wire.read_status(message.payload)
    except Invalid as error:
        bad = Unreadable(error.slug, error.sentence, None, message.payload)
        return [Item(device, name, bad, now_ms, 0)]
    return [Item(device, name, status, now_ms, 0, live=not message.retain)]
