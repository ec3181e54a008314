"""The hub's side of an examination: hears a device and gives or withholds the hub's word.

It must never be a hub: nothing is stored, and nothing that it hears changes a store.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from devices.conformance.evidence import Answer, Bad, Evidence, Got, Phase, Said
from hub import wire
from hub.errors import Invalid, Unavailable

# Every so many events the hub's word is another one than committed: each of them ends sending.
OTHER_WORDS: Final = ("duplicate", "refused", "quarantined")
EVERY: Final = 4


@dataclass(frozen=True)
class Where:
    """The broker, and the account there that may hear and answer devices."""

    host: str
    port: int
    username: str
    password: str
    store: str


class Examiner:
    """Hears `device` from `start` on; `phase` says what is being tried."""

    def __init__(self, where: Where, device: str) -> None:
        self.seen = Evidence()
        self.phase: Phase = "begin"
        self._where, self._device = where, device
        self._began = time.monotonic()
        self._held: dict[str, None] = {}
        self._told = 0
        self._ready = threading.Event()
        self._client = self._connected_as(f"examiner-{secrets.token_hex(4)}")

    def start(self) -> None:
        """Raises Unavailable when the broker does not answer."""
        client = self._client
        filters = [(f"{self._topic()}/obs/#", 2), (f"{self._topic()}/status", 2)]

        def subscribe(*_: Any) -> None:
            client.subscribe(filters)

        client.on_connect = subscribe
        client.on_subscribe = lambda *_: self._ready.set()
        client.on_message = self._on_message
        try:
            client.connect(self._where.host, self._where.port, keepalive=30)
        except OSError as error:
            raise Unavailable(f"The broker does not answer: {error}.") from error
        client.loop_start()
        if not self._ready.wait(10):
            raise Unavailable("The broker does not let the examiner in.")

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def now_ms(self) -> int:
        return int((time.monotonic() - self._began) * 1000)

    def release(self) -> None:
        """Give the word that was withheld."""
        held, self._held = list(self._held), {}
        if held:
            self._tell([(name, "committed") for name in held])

    def ask(self, label: str, name: str) -> None:
        """Send a command; asked again it is the same command, with the same key."""
        key = self.seen.asked.setdefault(label, f"c-{secrets.token_hex(6)}")
        self._client.publish(self._topic("cmd", name), msgspec.json.encode({"key": key}), qos=1)

    def look_for_retained(self) -> None:
        """Ask the broker what it keeps of the device's observations."""
        found: list[str] = []
        looked = threading.Event()
        client = self._connected_as(f"examiner-{secrets.token_hex(4)}")

        def subscribe(*_: Any) -> None:
            client.subscribe(f"{self._topic()}/obs/#", 1)

        client.on_connect = subscribe
        client.on_subscribe = lambda *_: looked.set()
        client.on_message = lambda *told: found.append(told[2].topic) if told[2].retain else None
        client.connect(self._where.host, self._where.port)
        client.loop_start()
        looked.wait(5)
        # What is kept follows the broker's answer to the subscription.
        time.sleep(0.5)
        client.disconnect()
        client.loop_stop()
        self.seen.retained = found

    def wait(self, done: Callable[[], bool], within_s: float) -> bool:
        """Wait until `done`; False when it took longer."""
        end = time.monotonic() + within_s
        while not done():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def _connected_as(self, name: str) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv311
        )
        client.username_pw_set(self._where.username, self._where.password)
        return client

    def _topic(self, *rest: str) -> str:
        return wire.topic(self._where.store, self._device, *rest)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        now_ms, topic = self.now_ms(), message.topic.split("/")
        if message.retain:
            # A copy of an earlier life says nothing of this one; kept observations are looked for.
            return
        if topic[-1] == "status":
            self._on_status(now_ms, bytes(message.payload))
            return
        words = []
        found = list(wire.read(self._device, topic[-1], bytes(message.payload)))
        for one in found:
            if isinstance(one, wire.Unreadable):
                self.seen.bad.append(Bad(now_ms, one.reason, one.detail[:200]))
                words += [(one.id, "quarantined")] if one.id else []
            else:
                size = len(message.payload)
                words += self._note(one, now_ms, message.qos, len(found), size)
        if words:
            self._tell(words)

    def _note(
        self, one: wire.Observation, now_ms: int, qos: int, together: int, size: int
    ) -> list[tuple[str, str]]:
        off_ms = None
        if one.at_ms is not None:
            off_ms = one.at_ms - int(datetime.now(UTC).timestamp() * 1000)
        self.seen.got.append(
            Got(
                now_ms, self.phase, one.id, one.boot, one.seq, one.uptime_ms, one.quality, off_ms,
                one.digest, one.kind, qos, together, size,
            )
        )  # fmt: skip
        if one.kind == "done":
            self.seen.answers.append(Answer(now_ms, one.data.key, one.data.state))
        known = self.seen.acked.get(one.id)
        if known is not None:
            return [(one.id, known[1])]
        if self.phase == "withheld":
            self._held[one.id] = None
            return []
        return [(one.id, self._word())]

    def _word(self) -> str:
        self._told += 1
        turn, rest = divmod(self._told, EVERY)
        other = self.phase == "steady" and rest == 0
        return OTHER_WORDS[turn % len(OTHER_WORDS)] if other else "committed"

    def _on_status(self, now_ms: int, payload: bytes) -> None:
        try:
            online, readable = wire.read_status(payload).online, True
        except Invalid:
            online, readable = False, False
        self.seen.said.append(Said(now_ms, self.phase, online, readable))

    def _tell(self, words: list[tuple[str, str]]) -> None:
        now_ms = self.now_ms()
        for name, word in words:
            self.seen.acked.setdefault(name, (now_ms, word))
        told = {"acks": [{"id": name, "status": word} for name, word in words]}
        self._client.publish(self._topic("ack"), msgspec.json.encode(told), qos=1)
