"""From foreign messages to observations: who said it, is it news, what is kept, who is told.

It must never count what is retained, redelivered or repeated, and never lose a message in silence:
what cannot be read is kept as garbage with its family and reason.
"""

import base64
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec

from devices.adapters import Adapter, Glitch, Heard, Learned, Reading, Received, Sighted, Status
from devices.adapters.shapes import named
from devices.client import Observed
from devices.gateway.ledger import LEARNED, Changes, Ledger
from devices.gateway.served import Fleet, Owner
from devices.gateway.session import Message
from hub import wire

log = logging.getLogger(__name__)

# An unknown device is told of so often (seconds).
SIGHTED_S: Final = 3600.0
# A device that says nothing new is told as alive so often: the hub takes ten minutes of silence
# of one on mains for its absence.
LIVES_S: Final = 240.0
# So much garbage of one topic is kept in an hour; of the rest the number is told.
GARBAGE_MOST: Final = 20
GARBAGE_S: Final = 3600.0
# So much of a message fits into one observation, in base64 and with its envelope.
WHOLE: Final = 40 * 1024
HEAD: Final = 4 * 1024
_REMEMBERED: Final = 10_000


@dataclass
class Batch:
    """What some messages become: one commit, and afterwards what is told of whom."""

    observed: list[Observed] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)
    present: dict[str, bool] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.observed or self.changes.marks or self.changes.states)


@dataclass
class _Garbage:
    since: float
    kept: int = 0
    left: int = 0


class Relay:
    """Pure but for its memory; one thread at a time. `now_s` is monotonic."""

    def __init__(self, adapters: Mapping[str, Adapter], ledger: Ledger) -> None:
        self.fleet = Fleet()
        self.counts = dict.fromkeys(("heard", "retained", "again", "repeated", "garbage"), 0)
        self._adapters = adapters
        self._ledger = ledger
        self._sighted: dict[tuple[str, str], float] = {}
        self._lives: dict[str, float] = {}
        self._present: dict[str, bool] = {}
        # Whose last will stands at the broker: it is there until that says otherwise.
        self._vouched: set[str] = set()
        self._garbage: dict[str, _Garbage] = {}
        self._unknown: set[str] = set()
        self._buggy: set[str] = set()

    def serve(self, fleet: Fleet) -> None:
        self.fleet = fleet
        kept = set(fleet.devices)
        self._present = {one: there for one, there in self._present.items() if one in kept}
        self._vouched &= kept
        for one in fleet.served:
            self._sighted.pop((one.family, one.address), None)

    def read(self, messages: Iterable[Message], now_s: float, salt: str = "") -> Batch:
        """Return what `messages` become; `settled` says that it is kept."""
        batch = Batch()
        for message in messages:
            self.counts["heard"] += 1
            before = len(batch.observed)
            mark = (message.mid, _digest(message.topic, message.payload))
            if message.again and message.mid and self._ledger.handled(mark):
                self.counts["again"] += 1
                continue
            self._read(message, batch, now_s, salt)
            if message.mid and len(batch.observed) > before:
                batch.changes.marks.append(mark)
        return batch

    def settled(self, batch: Batch) -> dict[str, bool]:
        """The outbox holds `batch`; return which devices are news to be there or away."""
        self._ledger.written(batch.changes)
        news = {
            device: online
            for device, online in batch.present.items()
            if self._present.get(device) is not online
        }
        for device, online in news.items():
            if device in self._present or not online:
                log.log(
                    logging.INFO if online else logging.WARNING,
                    "%s is back" if online else "%s is away",
                    device,
                )
        self._present.update(news)
        return news

    def beats(self, now_s: float) -> Batch:
        """Return the heartbeats of those who are there by their last will and say nothing."""
        batch = Batch()
        for device in sorted(self._vouched):
            self._beat(device, batch, None, None, now_s)
        return batch

    # --- one message

    def _read(self, message: Message, batch: Batch, now_s: float, salt: str) -> None:
        owner = self.fleet.owner(message.topic)
        if owner is None:
            return  # a subscription of yesterday: the grant has gone
        family = owner.served.family
        adapter = self._adapters.get(family)
        if adapter is None:
            if family not in self._unknown:
                self._unknown.add(family)
                log.warning("Nothing here reads the family %s of %s", family, owner.served.device)
            self._spoil(message, family, Glitch("unknown_family", family), batch, now_s, salt)
            return
        glitches: list[Glitch] = []
        for found in self._heard(adapter, message, batch):
            match found:
                case Reading():
                    self._reading(found, message, owner, adapter, batch, now_s, glitches)
                case Sighted():
                    self._sight(found, message.topic, owner, adapter, batch, now_s)
                case Status():
                    self._status(found, owner, adapter, batch)
                case Learned():
                    batch.changes.states[LEARNED + family, found.key] = found.value.encode()
                case Glitch():
                    glitches.append(found)
        if glitches and not message.retained:
            self._spoil(message, family, glitches[0], batch, now_s, salt)

    def _heard(self, adapter: Adapter, message: Message, batch: Batch) -> list[Heard]:
        """Let the adapter read. A bug of one is no reason to stop: the message would come again.

        Ours are `careful`; those of others raise whatever they like.
        """
        learned, kept = LEARNED + adapter.family, self._ledger.states

        def known(key: str) -> str | None:
            found = batch.changes.states.get((learned, key), kept.get((learned, key)))
            return None if found is None else found.decode()

        received = Received(message.at, message.quality, message.retained, known)
        try:
            return list(adapter.read(message.topic, message.payload, received))
        except Exception as error:
            if adapter.family not in self._buggy:
                self._buggy.add(adapter.family)
                log.exception("The adapter of %s failed; it is said once", adapter.family)
            return [Glitch("adapter_bug", f"{type(error).__name__}: {error}"[:300])]

    def _reading(
        self,
        found: Reading,
        message: Message,
        owner: Owner,
        adapter: Adapter,
        batch: Batch,
        now_s: float,
        glitches: list[Glitch],
    ) -> None:
        device = self.fleet.device(owner, found.address, adapter.bridge)
        if device is None:
            seen = Sighted(found.address)
            self._sight(seen, message.topic, owner, adapter, batch, now_s)
            return
        if message.retained:
            self.counts["retained"] += 1
            return
        kind = wire.KINDS.get(found.kind)
        try:
            if kind is None:
                raise ValueError(f"there is no kind {found.kind!r}")
            msgspec.convert(found.data, kind)
        except (msgspec.ValidationError, ValueError) as error:
            glitches.append(Glitch("bad_data", str(error)))
            return
        batch.present[device] = True
        if found.state is None or self._is_news(device, found, batch):
            batch.observed.append(
                Observed(found.kind, found.data, device, found.at, found.quality, found.id)
            )
            self._lives[device] = now_s
            return
        self.counts["repeated"] += 1
        self._beat(device, batch, found.at, found.quality, now_s)

    def _beat(
        self, device: str, batch: Batch, at: datetime | None, quality: Any, now_s: float
    ) -> None:
        if now_s - self._lives.get(device, -LIVES_S) >= LIVES_S:
            self._lives[device] = now_s
            batch.observed.append(Observed("heartbeat", {}, device, at, quality, None))

    def _is_news(self, device: str, found: Reading, batch: Batch) -> bool:
        key = (device, found.state or "")
        value = msgspec.json.encode([found.kind, found.data], order="sorted")
        if batch.changes.states.get(key, self._ledger.states.get(key)) == value:
            return False
        batch.changes.states[key] = value
        return True

    def _sight(
        self,
        found: Sighted,
        topic: str,
        owner: Owner,
        adapter: Adapter,
        batch: Batch,
        now_s: float,
    ) -> None:
        family = owner.served.family
        key = (family, found.address)
        if self.fleet.device(owner, found.address, adapter.bridge) is not None:
            return
        if now_s - self._sighted.get(key, -SIGHTED_S) < SIGHTED_S:
            return
        if len(self._sighted) >= _REMEMBERED:
            self._sighted.clear()
        self._sighted[key] = now_s
        data: dict[str, Any] = {
            "family": family,
            "address": found.address,
            "topic": topic[:4096],
        }
        if found.name:
            data["name"] = found.name
        batch.observed.append(Observed("sighted", data, None, None, None, None))

    def _status(self, found: Status, owner: Owner, adapter: Adapter, batch: Batch) -> None:
        if found.address is None:
            for one in {owner.served.device, *self.fleet.of_family(owner.served.family)}:
                batch.present[one] = found.online
            device: str | None = owner.served.device
        else:
            device = self.fleet.device(owner, found.address, adapter.bridge)
        if device is not None:
            batch.present[device] = found.online
            (self._vouched.add if found.online else self._vouched.discard)(device)

    def _spoil(
        self, message: Message, family: str, why: Glitch, batch: Batch, now_s: float, salt: str
    ) -> None:
        self.counts["garbage"] += 1
        kept = self._garbage.get(message.topic)
        if kept is None or now_s - kept.since >= GARBAGE_S:
            if len(self._garbage) >= _REMEMBERED:
                self._garbage.clear()
            left = kept.left if kept is not None else 0
            kept = self._garbage[message.topic] = _Garbage(now_s)
            if left:
                log.warning("%s: %d more unreadable messages were let go", message.topic, left)
        if kept.kept >= GARBAGE_MOST and not salt:
            kept.left += 1
            return
        kept.kept += 1
        # In base64 nobody would see a badge's code any more, and nobody may keep one.
        body = wire.mask_badges(message.payload)
        data: dict[str, Any] = {
            "family": family,
            "topic": message.topic[:4096],
            "reason": why.reason,
            "detail": why.detail,
            "body_base64": base64.b64encode(body if len(body) <= WHOLE else body[:HEAD]).decode(),
        }
        if len(body) > WHOLE:
            data["size"] = len(body)
        key = named("garbage", family, message.topic, _digest("", body).hex(), salt)
        at, quality = _received(message)
        batch.observed.append(Observed("garbage", data, None, at, quality, key))


def _received(message: Message) -> tuple[datetime | None, Any]:
    return (None, "unknown") if message.quality == "unknown" else (message.at, message.quality)


def _digest(topic: str, payload: bytes) -> bytes:
    return blake2b(topic.encode("utf-8", "replace") + b"\n" + payload, digest_size=16).digest()
