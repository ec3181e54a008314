"""One connection of a device to its broker, by paho: let in, heard, spoken, lost.

It must never take the broker's word for the hub's: what is published here is not yet delivered.
"""

import logging
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, NamedTuple

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from devices.account import Account
from hub import wire

log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 30
HANDSHAKE_S: Final = 5.0
# Reasons of MQTT 5 and 3.1.1 that mean: this account may not come in.
UNAUTHORISED: Final = frozenset(
    {"Not authorized", "Bad user name or password", "Banned", "Client identifier not valid"}
)
State = Literal["asking", "in", "unauthorised", "lost"]


class Word(NamedTuple):
    """The hub's word on one observation of `device`."""

    device: str
    id: str
    status: str
    reason: str | None


class Command(NamedTuple):
    device: str
    name: str
    payload: bytes


class _Ack(msgspec.Struct):
    id: str
    status: str
    reason: str | None = None


class _Acks(msgspec.Struct):
    acks: list[_Ack]


_acks: Final = msgspec.json.Decoder(_Acks)


class Session:
    """Connect once, speak, close. What is heard lies in `words` and `commands`; both belong to
    `news`, which is notified.
    """

    def __init__(
        self,
        account: Account,
        version: int,
        devices: Iterable[str],
        status: Callable[[], Iterable[tuple[str, wire.Status]]],
        news: threading.Condition,
    ) -> None:
        self.state: State = "asking"
        self.was_in = False
        self.reason = ""
        self.words: list[Word] = []
        self.commands: deque[Command] = deque()
        self._account = account
        # Whose observations the broker takes from this account, and whose acks are heard.
        self.speaks_for = frozenset((account.device, *devices))
        self._statuses = status
        self._news = news
        self._client = self._make(version)

    @property
    def open(self) -> bool:
        return self.state == "in"

    # --- speaking

    def connect(self) -> None:
        """Raises OSError (also for a broker that the account's authority does not vouch for)."""
        account = self._account
        if account.ca is not None:
            context = _Tls(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(account.ca)
            self._client.tls_set_context(context)
        self._client.connect(account.host, account.port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def publish(self, device: str, kind: str, bodies: Sequence[bytes], batch_bytes: int) -> None:
        """Send observations of one device, several as batches below `batch_bytes`."""
        if len(bodies) == 1:
            self._client.publish(self._topic(device, "obs", kind), bodies[0], qos=1)
            return
        topic = self._topic(device, "obs", wire.BATCH)
        part: list[bytes] = []
        size = 0
        for one in bodies:
            if part and size + len(one) > batch_bytes:
                self._client.publish(topic, b"[%s]" % b",".join(part), qos=1)
                part, size = [], 0
            part.append(one)
            size += len(one) + 1
        self._client.publish(topic, b"[%s]" % b",".join(part), qos=1)

    def say_status(self, device: str, status: wire.Status) -> None:
        told = msgspec.json.encode(status)
        self._client.publish(self._topic(device, "status"), told, qos=1, retain=True)

    def serve(self, devices: Iterable[str]) -> None:
        """Listen for these devices from now on, and for no other but the account's own."""
        wanted = frozenset((self._account.device, *devices))
        if wanted == self.speaks_for:
            return
        gone, self.speaks_for = self.speaks_for - wanted, wanted
        if self.open:
            if gone:
                self._client.unsubscribe([one for name in gone for one in self._filters(name)])
            self._subscribe()

    def close(self) -> None:
        if self.open:
            topic = self._topic(self._account.device, "status")
            offline = self._client.publish(topic, b'{"online":false}', qos=1, retain=True)
            with suppress(RuntimeError, ValueError):
                offline.wait_for_publish(1.0)
        self._client.disconnect()
        self._client.loop_stop()
        if self.open:
            self.state = "lost"

    # --- paho's thread

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, *_: Any) -> None:
        if reason.is_failure:
            name = str(reason)
            self._become("unauthorised" if name in UNAUTHORISED else "lost", name)
            return
        self._subscribe()
        # First of all the uptime: by it the hub knows when this boot began.
        for device, status in self._statuses():
            self.say_status(device, status)
        self._become("in")

    def _subscribe(self) -> None:
        names = sorted(self.speaks_for)
        self._client.subscribe([(one, 1) for name in names for one in self._filters(name)])

    def _filters(self, device: str) -> tuple[str, str]:
        return self._topic(device, "ack"), self._topic(device, "cmd", "+")

    def _on_disconnect(self, _client: Client, _data: Any, *rest: Any) -> None:
        if self.state != "unauthorised":
            self._become("lost", str(rest[1]))

    def _on_publish(self, _client: Client, _data: Any, _mid: int, reason: Any, *_: Any) -> None:
        if str(reason) in UNAUTHORISED and not self.reason:
            self.reason = str(reason)
            log.warning(
                "%s: the broker lets this account in and refuses what it says: %s",
                self._account.device, reason,
            )  # fmt: skip

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        # …/{device}/ack or …/{device}/cmd/{name}, nothing else was subscribed.
        parts = message.topic.split("/")
        if len(parts) < 5:
            return
        device = parts[3]
        with suppress(msgspec.MsgspecError), self._news:
            if parts[4] == "ack":
                acks = _acks.decode(message.payload).acks
                self.words += [Word(device, one.id, one.status, one.reason) for one in acks]
            elif not message.retain:
                self.commands.append(Command(device, parts[-1], bytes(message.payload)))
            self._news.notify_all()

    def _become(self, state: State, reason: str = "") -> None:
        with self._news:
            self.state, self.reason = state, reason
            self.was_in = self.was_in or state == "in"
            self._news.notify_all()

    # --- making

    def _make(self, version: int) -> Client:
        account, v5 = self._account, version == 5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=account.device,
            # What the hub has to say is said again: nothing needs to wait at the broker.
            clean_session=None if v5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.username_pw_set(account.username, account.password)
        will = self._topic(account.device, "status")
        client.will_set(will, b'{"online":false}', qos=1, retain=True)
        client.on_socket_open = _without_delay
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _topic(self, device: str, *rest: str) -> str:
        return wire.topic(self._account.store, device, *rest)


class _Tls(ssl.SSLContext):
    """Shakes hands at once, so that a connection that fails there is closed, which paho forgets."""

    def wrap_socket(self, *given: Any, **named: Any) -> ssl.SSLSocket:
        made = super().wrap_socket(*given, **named)
        try:
            made.settimeout(HANDSHAKE_S)
            made.do_handshake()
        except OSError:
            made.close()
            raise
        return made


def _without_delay(_client: Client, _data: Any, connection: Any) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
