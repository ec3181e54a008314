"""A device as the contract describes it: publishes `obs/*` at QoS 1 and resends until it is acked.

It must know nothing but CONTRACTS: topics, bodies, acks.
"""

import json
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode


class Device:
    """Keeps each observation until any ack names it; a reconnect sends the rest again."""

    def __init__(
        self, store: str, name: str, host: str, port: int, username: str, password: str,
        *, v5: bool = True,
    ) -> None:  # fmt: skip
        self.store, self.name = store, name
        self.base = f"storehub/v1/{store}/{name}"
        self.boot = secrets.token_hex(4)
        self.started = time.monotonic()
        self.seq = 0
        self.acks: dict[str, dict[str, Any]] = {}
        self.repeated: list[str] = []
        self.commands: list[tuple[str, bytes]] = []
        self._open: dict[str, tuple[str, bytes]] = {}
        self._news = threading.Condition()
        self._subscribed = threading.Event()
        protocol = MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=protocol,
            clean_session=None if v5 else True,
        )  # fmt: skip
        self.client.username_pw_set(username, password)
        self.client.max_queued_messages_set(100_000)
        self.client.max_inflight_messages_set(100)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = self._on_message
        self.client.connect_async(host, port, keepalive=30)
        self.client.loop_start()

    def __enter__(self) -> Self:
        if not self._subscribed.wait(20):
            raise TimeoutError(f"{self.name} could not connect to the broker")
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def body(self, data: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """Return an observation's body with a fresh id and the device's next seq."""
        self.seq += 1
        now = datetime.now(UTC)
        return {
            "id": secrets.token_hex(8),
            "boot": self.boot,
            "seq": self.seq,
            "at": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z",
            "uptime_ms": int((time.monotonic() - self.started) * 1000),
            "time_quality": "synced",
            "data": dict(data),
        } | changes

    def send(self, kind: str, data: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """Publish one observation and return its ack."""
        timeout = changes.pop("timeout", 60.0)
        body = self.body(data, **changes)
        self.publish(kind, body)
        return self.wait([body["id"]], timeout)[body["id"]]

    def publish(self, kind: str, body: Mapping[str, Any]) -> None:
        payload = json.dumps(body).encode()
        with self._news:
            self._open[body["id"]] = (f"{self.base}/obs/{kind}", payload)
            self.acks.pop(body["id"], None)
        self.client.publish(f"{self.base}/obs/{kind}", payload, qos=1)

    def publish_raw(self, topic: str, payload: bytes) -> None:
        """Send bytes that need not be an observation; nothing waits for their ack."""
        self.client.publish(topic, payload, qos=1).wait_for_publish(10)

    def wait(self, ids: Iterable[str], timeout: float = 20.0) -> dict[str, dict[str, Any]]:
        """Wait until each of `ids` is acked; send again, as an outbox does, what is not."""
        wanted = list(ids)
        end = time.monotonic() + timeout
        again = time.monotonic() + 5
        with self._news:
            while missing := [one for one in wanted if one not in self.acks]:
                now = time.monotonic()
                if now > end:
                    raise TimeoutError(f"{len(missing)} of {len(wanted)} were not acked")
                self._news.wait(min(0.5, end - now))
                if time.monotonic() > again:
                    again = time.monotonic() + 5
                    self._resend()
            return {one: self.acks[one] for one in wanted}

    def unacked(self) -> int:
        with self._news:
            return len(self._open)

    def _resend(self) -> None:
        for topic, payload in list(self._open.values()):
            self.client.publish(topic, payload, qos=1)

    def _on_connect(
        self, client: Client, _data: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        if code.is_failure:
            return
        client.subscribe([(f"{self.base}/ack", 1), (f"{self.base}/cmd/+", 1)])
        client.publish(f"{self.base}/status", b'{"online":true}', qos=1, retain=True)
        with self._news:
            self._resend()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if not message.topic.endswith("/ack"):
            with self._news:
                self.commands.append((message.topic, bytes(message.payload)))
                self._news.notify_all()
            return
        with self._news:
            for ack in json.loads(message.payload)["acks"]:
                if ack["id"] in self.acks:
                    self.repeated.append(ack["id"])
                self.acks.setdefault(ack["id"], ack)
                self._open.pop(ack["id"], None)
            self._news.notify_all()
