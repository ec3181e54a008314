"""The SDK that a device runs: what it observed reaches the hub once, whatever breaks in between.

It must never forget an observation before the hub's own ack, and never trust the broker's.

    observe() ─► outbox (fsync) ─► publish, QoS 1 ─► broker ─► hub ─► commit ─► ack ─► let go
                     ▲                                                              │
                     └──────────── sent again when no ack comes ◄───────────────────┘
"""

import logging
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from devices.outbox import Outbox, Waiting
from hub import wire
from hub.clock import Clock, SystemClock, stamp

log = logging.getLogger(__name__)

WINDOW: Final = wire.BATCH_MOST
# The hub answers in milliseconds; without an answer everything is sent again after this.
RESEND_S: Final = (5.0, 60.0)
RECONNECT_S: Final = (0.3, 30.0)
ANSWER_S: Final = 3.0
# A batch stays well below the hub's limit.
BATCH_BYTES: Final = 200 * 1024

OnAck = Callable[[str, str, str | None], None]
OnCommand = Callable[[str, Mapping[str, Any]], str]


@dataclass(frozen=True)
class Account:
    """Who the device is and where its broker listens."""

    store: str
    device: str
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    version: int = 5  # of MQTT; 4 is 3.1.1


class _Ack(msgspec.Struct):
    id: str
    status: str
    reason: str | None = None


class _Acks(msgspec.Struct):
    acks: list[_Ack]


_acks: Final = msgspec.json.Decoder(_Acks)


class DeviceClient:
    """One device. `start`, `observe` from any thread, `stop`.

    `on_ack(id, status, reason)` hears the hub's word; `on_command(name, payload)` carries out a
    command and returns how it ended. Both run on the client's thread.
    """

    def __init__(
        self,
        account: Account,
        directory: Path,
        *,
        clock: Clock | None = None,
        on_ack: OnAck | None = None,
        on_command: OnCommand | None = None,
    ) -> None:
        self.account = account
        self.outbox = Outbox(directory / f"{account.device}.db")
        self._clock = clock or SystemClock()
        self._boot = _boot_id()
        self._on_ack = on_ack
        self._on_command = on_command
        self._news = threading.Condition()
        self._stopping = False
        self._version = account.version
        self._connected = False
        self._lost = False
        self._confirmed: list[_Ack] = []
        self._commands: deque[tuple[str, bytes]] = deque()
        self._thread = threading.Thread(target=self._run, name=f"device-{account.device}")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the connection. What is not confirmed is sent by the next life."""
        with self._news:
            self._stopping = True
            self._news.notify()
        self._thread.join()
        self.outbox.close()

    @property
    def connected(self) -> bool:
        return self._connected

    def observe(self, kind: str, data: Mapping[str, Any]) -> str:
        """Keep an observation until the hub has it; return its id. It is on disk by then."""
        now = self._clock.now()
        quality = self._clock.quality()
        at = None if quality == "unknown" else stamp(now)
        uptime_ms = self._clock.uptime_ms()

        def write(name: str, seq: int) -> bytes:
            return msgspec.json.encode(
                {
                    "id": name,
                    "boot": self._boot,
                    "seq": seq,
                    "at": at,
                    "uptime_ms": uptime_ms,
                    "time_quality": quality,
                    "kind": kind,
                    "data": data,
                }
            )

        at_ms = int(now.timestamp() * 1000)
        name = self.outbox.append(kind, kind in wire.BUSINESS, at_ms, write)
        with self._news:
            self._news.notify()
        return name

    def drained(self, within_s: float) -> bool:
        """Wait until the hub has everything; False when it took longer."""
        end = time.monotonic() + within_s
        while self.outbox.count():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    # --- the client's thread

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            failures = 0 if self._one_connection() else failures + 1
            least, most = RECONNECT_S
            ceiling = min(most, least * 2 ** min(failures, 10))
            # A whole floor of devices must not come back in the same instant.
            with self._news:
                self._news.wait_for(lambda: self._stopping, random.uniform(least, ceiling))

    def _one_connection(self) -> bool:
        """Connect, exchange until it ends; return whether the broker let the device in."""
        self._lost = self._connected = False
        client = self._make()
        try:
            client.connect(self.account.host, self.account.port, keepalive=30)
        except OSError as error:
            log.debug("%s: no broker: %s", self.account.device, error)
            return False
        client.loop_start()
        try:
            with self._news:
                self._news.wait_for(self._answered, ANSWER_S)
            if not self._connected:
                # A broker of MQTT 3.1.1 hangs up on a greeting of MQTT 5, or says nothing.
                self._version = 9 - self._version
                return False
            self._exchange(client)
            return True
        finally:
            self._goodbye(client)

    def _answered(self) -> bool:
        return self._connected or self._lost or self._stopping

    def _exchange(self, client: Client) -> None:
        sent_n, in_flight, patience = 0, 0, RESEND_S[0]
        deadline = time.monotonic() + patience
        while not (self._lost or self._stopping):
            if in_flight < WINDOW // 2:
                pack = self.outbox.after(sent_n, WINDOW - in_flight)
                if pack:
                    if not in_flight:
                        deadline = time.monotonic() + patience
                    self._publish(client, pack)
                    sent_n, in_flight = pack[-1].n, in_flight + len(pack)
            acks = self._wait(deadline if in_flight else None, sent_n, in_flight)
            if acks:
                self._settle(acks)
                in_flight = max(0, in_flight - len(acks))
                patience = RESEND_S[0]
                deadline = time.monotonic() + patience
            elif in_flight and time.monotonic() >= deadline:
                sent_n, in_flight = 0, 0
                patience = min(RESEND_S[1], patience * 2)
            while self._commands:
                self._obey(*self._commands.popleft())

    def _wait(self, deadline: float | None, sent_n: int, in_flight: int) -> list[_Ack]:
        def news() -> bool:
            return bool(
                self._confirmed
                or self._commands
                or self._lost
                or self._stopping
                or (in_flight < WINDOW // 2 and self.outbox.after(sent_n, 1))
            )

        timeout = 30.0 if deadline is None else max(0.0, deadline - time.monotonic())
        with self._news:
            self._news.wait_for(news, timeout)
            acks, self._confirmed = self._confirmed, []
        return acks

    def _settle(self, acks: list[_Ack]) -> None:
        self.outbox.confirmed([one.id for one in acks])
        for one in acks:
            if one.status in ("refused", "quarantined"):
                log.info("%s: %s %s: %s", self.account.device, one.id, one.status, one.reason)
            if self._on_ack is not None:
                self._on_ack(one.id, one.status, one.reason)

    def _obey(self, name: str, payload: bytes) -> None:
        try:
            command = msgspec.json.decode(payload, type=dict[str, Any])
            key = str(command["key"])
        except (msgspec.MsgspecError, KeyError):
            log.warning("%s: a command that nobody can read came on %s", self.account.device, name)
            return
        state = self.outbox.begin_command(key)
        if state is None:
            obey = self._on_command
            state = "unknown_command" if obey is None else obey(name, command)
            self.outbox.end_command(key, state)
        if name == "print":
            self.observe("printed", {"job": key, "state": state})
        else:
            self.observe("done", {"key": key, "state": state})

    # --- on the wire

    def _publish(self, client: Client, pack: list[Waiting]) -> None:
        if len(pack) == 1:
            client.publish(self._topic("obs", pack[0].kind), pack[0].body, qos=1)
            return
        part: list[bytes] = []
        size = 0
        for one in pack:
            if size + len(one.body) > BATCH_BYTES:
                client.publish(self._topic("obs", wire.BATCH), b"[%s]" % b",".join(part), qos=1)
                part, size = [], 0
            part.append(one.body)
            size += len(one.body)
        client.publish(self._topic("obs", wire.BATCH), b"[%s]" % b",".join(part), qos=1)

    def _topic(self, *rest: str) -> str:
        return wire.topic(self.account.store, self.account.device, *rest)

    def _make(self) -> Client:
        v5 = self._version == 5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.account.device,
            # What the hub has to say is said again: nothing needs to wait at the broker.
            clean_session=None if v5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.username_pw_set(self.account.username, self.account.password)
        client.will_set(self._topic("status"), b'{"online":false}', qos=1, retain=True)
        client.on_socket_open = _without_delay
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, *_: Any) -> None:
        if reason.is_failure:
            log.warning("%s: the broker says: %s", self.account.device, reason)
            return
        client.subscribe([(self._topic("ack"), 1), (self._topic("cmd", "+"), 1)])
        # First of all the uptime: by it the hub knows when this boot began.
        status = wire.Status(True, self._boot, self._clock.uptime_ms())
        client.publish(self._topic("status"), msgspec.json.encode(status), qos=1, retain=True)
        self._tell(connected=True)

    def _on_disconnect(self, *_: Any) -> None:
        self._tell(lost=True)

    def _tell(self, *, connected: bool | None = None, lost: bool = False) -> None:
        with self._news:
            self._lost = self._lost or lost
            self._connected = self._connected if connected is None else connected
            self._connected = self._connected and not self._lost
            self._news.notify()

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with suppress(msgspec.MsgspecError), self._news:
            if message.topic == self._topic("ack"):
                self._confirmed += _acks.decode(message.payload).acks
            elif not message.retain:
                name = message.topic.rpartition("/")[2]
                self._commands.append((name, bytes(message.payload)))
            self._news.notify()

    def _goodbye(self, client: Client) -> None:
        if self._connected:
            offline = client.publish(self._topic("status"), b'{"online":false}', qos=1, retain=True)
            with suppress(RuntimeError, ValueError):
                offline.wait_for_publish(1.0)
        client.disconnect()
        client.loop_stop()
        self._connected = False


def _without_delay(_client: Client, _data: Any, connection: Any) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:13].replace("-", "")
    except OSError:
        # Uptime begins with the machine on every system; a fresh name for each start is coarser.
        return f"p{random.getrandbits(40):x}"
