"""A gateway on a real outbox, whose line to the foreign topics the test holds in its hand."""

import json
import threading
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from devices.account import Account
from devices.adapters import BUILT_IN, Adapter
from devices.client import DeviceClient
from devices.gateway.run import Gateway
from devices.gateway.session import Message
from hub.clock import FixedClock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
READER = {
    "device": "door-1", "family": "impinj", "address": "", "kind": "rfid",
    "grants": ["rfid/door-1/#"],
}  # fmt: skip
BRIDGE = {
    "device": "z2m", "family": "zigbee2mqtt", "address": "", "kind": "bridge",
    "grants": ["zigbee2mqtt/#"],
}  # fmt: skip
DOOR = {"device": "back-door", "family": "zigbee2mqtt", "address": "floor/door", "kind": "sensor"}
LAMP = {"device": "aisle-3", "family": "zigbee2mqtt", "address": "aisle 3", "kind": "sensor"}


class HandLine:
    """A broker in the hand: delivers what it is given, again and again until it is acknowledged."""

    def __init__(self) -> None:
        self.fresh, self.generation, self.connected = True, 1, True
        self.filters: tuple[str, ...] = ()
        self.acknowledged: list[Message] = []
        self.unacknowledged: list[Message] = []
        self._waiting: deque[Message] = deque()
        self._mid = 0

    def send(self, topic: str, payload: object, *, retained: bool = False, qos: int = 1) -> Message:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._mid += qos
        mid = self._mid if qos else 0
        made = Message(topic, raw, retained, False, mid, self.generation, NOON, "synced")
        self._waiting.append(made)
        if qos:
            self.unacknowledged.append(made)
        return made

    def again(self) -> None:
        """A new connection to the same session: what was not acknowledged comes again."""
        self.generation += 1
        self.fresh = False
        self._waiting.clear()
        for one in self.unacknowledged:
            self._waiting.append(one._replace(again=True, generation=self.generation))

    def listen(self, filters: Sequence[str]) -> None:
        self.filters = tuple(filters)

    def keep_up(self) -> None:
        pass

    def take(self, most: int, timeout_s: float) -> list[Message]:
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def acknowledge(self, messages: Sequence[Message]) -> None:
        for one in messages:
            self.acknowledged.append(one)
            self.unacknowledged = [kept for kept in self.unacknowledged if kept.mid != one.mid]

    def close(self) -> None:
        pass


class Standing:
    """One life of a gateway; `die` leaves its file as a kill would."""

    def __init__(
        self, directory: Path, line: HandLine, adapters: dict[str, Adapter] | None = None
    ) -> None:
        account = Account("s", "gw", "127.0.0.1", 1, "gw", "x")
        self.client = DeviceClient(account, directory, clock=FixedClock(NOON))
        self.line = line
        self.gateway = Gateway(
            self.client, line, dict(BUILT_IN) if adapters is None else adapters, FixedClock(NOON)
        )
        self.told: list[tuple[str, bool]] = []
        self.client.tell = lambda device, online, **_: self.told.append((device, online))  # type: ignore[method-assign]
        self.stop = threading.Event()

    def serve(self, *served: dict[str, Any]) -> str:
        return self.gateway.command("devices", {"key": "k", "devices": list(served)})

    def step(self) -> None:
        self.gateway.step(self.stop, 0.0)

    def hear(self, topic: str, payload: object, **more: Any) -> None:
        self.line.send(topic, payload, **more)
        self.step()

    def waiting(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return (device, kind, data) of all that the outbox holds."""
        return [
            (one.device, one.kind, json.loads(one.body)["data"])
            for one in self.client.outbox.after(0, 10_000)
        ]

    def kinds(self) -> list[tuple[str, str]]:
        return [(device, kind) for device, kind, _ in self.waiting()]

    def die(self) -> None:
        self.client.outbox.close()
