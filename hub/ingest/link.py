"""The hub's one connection to the broker, by paho, driven from one thread without lingering.

It must never acknowledge a message of an earlier connection: after a broker's restart message ids
begin again, and the late ack of an old one would acknowledge another message (MEASURED.md).
"""

import logging
import random
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub.ingest.corked import CorkedSocket, Message, puback

log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 20
QUEUED_MOST: Final = 100_000
# Publishes of ours that wait for the broker's PUBACK at once.
IN_FLIGHT: Final = 2_000
RETRY_S: Final = (0.1, 5.0)


class _Client(Client):
    """paho, whose socket is corked. The one private method overridden: paho is pinned for it."""

    def _create_socket(self) -> Any:
        inner = cast(socket.socket, super()._create_socket())
        inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return CorkedSocket(inner)


@dataclass(frozen=True)
class Address:
    """Where the broker is and who the hub is to it."""

    host: str
    port: int
    username: str
    password: str
    client_id: str


OnMessage = Callable[[Message, int], None]


class Connection(Protocol):
    """What ingest needs of a connection to the broker; `Link` is the real one."""

    connected: bool
    generation: int
    reconnects: int

    def fileno(self) -> int | None: ...
    def connect(self) -> None: ...
    def read(self, most: int) -> None: ...
    def pending(self) -> bool: ...
    def flush(self) -> bool: ...
    def keep_alive(self) -> None: ...
    def ack(self, mid: int, generation: int) -> bool: ...
    def publish(self, topic: str, payload: bytes, *, qos: int = 1) -> bool: ...
    def close(self) -> None: ...


class Link:
    """Connects, subscribes, hands each message with its generation to `on_message`."""

    def __init__(self, address: Address, filters: Sequence[str], on_message: OnMessage) -> None:
        self.address = address
        self.generation = 0
        self.connected = False
        self.reconnects = 0
        self._filters = tuple(filters)
        self._deliver = on_message
        self._failures = 0
        self._trying = False
        self._next_try = 0.0
        self._client = self._make()

    def fileno(self) -> int | None:
        found = self._socket()
        return None if found is None else found.fileno()

    def connect(self) -> None:
        """Connect if it is time to. A failure is logged once, and again when it has ended."""
        if self._socket() is not None or time.monotonic() < self._next_try:
            return
        self._trying = True
        try:
            self._client.reconnect()
        except OSError as error:
            self._lost(str(error))

    def read(self, most: int) -> None:
        """Take in at most `most` packets of those that have come."""
        found = self._socket()
        if found is None:
            return
        if not found.pending():
            found.fill()
        for _ in range(most):
            message = found.take()
            if message is not None:
                self._deliver(message, self.generation)
            elif not found.granted():
                break
            elif self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
        if found.ended:
            self._client.loop_read()

    def pending(self) -> bool:
        found = self._socket()
        return found is not None and found.pending()

    def flush(self) -> bool:
        """Write what waits; True when nothing is left to write."""
        if self._client.want_write():
            self._client.loop_write()
        found = self._socket()
        if found is None:
            return True
        try:
            return found.flush()
        except OSError as error:
            self._drop(str(error))
            return True

    def keep_alive(self) -> None:
        self._client.loop_misc()

    def ack(self, mid: int, generation: int) -> bool:
        """Acknowledge message `mid` of connection `generation`; False when that one is gone."""
        found = self._socket()
        if generation != self.generation or not self.connected or found is None:
            return False
        found.send(puback(mid))
        return True

    def publish(self, topic: str, payload: bytes, *, qos: int = 1) -> bool:
        """Publish; False without a connection."""
        if not self.connected:
            return False
        self._client.publish(topic, payload, qos=qos)
        return True

    def close(self) -> None:
        """Say goodbye. The session stays at the broker."""
        self._trying = self.connected = False
        self._client.disconnect()
        self.flush()
        found = self._socket()
        if found is not None:
            found.close()

    def _socket(self) -> CorkedSocket | None:
        return cast("CorkedSocket | None", self._client.socket())

    def _make(self) -> Client:
        address = self.address
        # 3.1.1: paho parses a message of MQTT 5 for 15 µs more, and amqtt knows no other. What the
        # hub needs of 5 (a session that outlives it) the broker's configuration gives.
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=address.client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
        client.username_pw_set(address.username, address.password)
        client.max_queued_messages_set(QUEUED_MOST)
        client.max_inflight_messages_set(IN_FLIGHT)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        # Present, so that paho queues what is written and leaves the writing to `flush`.
        client.on_socket_register_write = lambda *_: None
        client.suppress_exceptions = False
        client.connect_timeout = 5.0
        client.connect_async(address.host, address.port, KEEPALIVE_S)
        return client

    def _on_connect(
        self,
        client: Client,
        _data: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._lost(f"the broker says {reason}")
            return
        if self._failures:
            log.info("The broker is back after %d tries", self._failures)
        self.generation += 1
        self.connected = True
        self._failures = 0
        client.subscribe([(one, 1) for one in self._filters])

    def _on_disconnect(self, _client: Client, _data: Any, *rest: Any) -> None:
        self._lost(f"disconnected: {rest[1]}")

    def _drop(self, why: str) -> None:
        found = self._socket()
        if found is not None:
            found.close()
        self._client.loop_misc()
        self._lost(why)

    def _lost(self, why: str) -> None:
        if not self._trying:
            return
        self._trying = False
        self.reconnects += self.connected
        self.connected = False
        if not self._failures:
            log.warning("No connection to the broker: %s", why)
        self._failures += 1
        least, most = RETRY_S
        wait = min(most, least * 2 ** min(self._failures, 10))
        self._next_try = time.monotonic() + random.uniform(wait / 2, wait)


def wait(link: Connection, wake: int, *, writing: bool, reading: bool, timeout_s: float) -> None:
    """Sleep until the broker or `wake` has something, at most `timeout_s`."""
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    descriptor = link.fileno()
    if descriptor is not None:
        events = (select.POLLIN if reading else 0) | (select.POLLOUT if writing else 0)
        poll.register(descriptor, events)
    poll.poll(max(0.0, timeout_s * 1000))
