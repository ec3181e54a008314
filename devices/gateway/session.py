"""The gateway's line to the foreign topics: a session that outlives it, acknowledged by hand.

It must never acknowledge by itself, and never acknowledge on a later connection what came on an
earlier one: message ids begin again.
"""

import logging
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from devices.account import Account
from hub.clock import Clock

log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 30
RETRY_S: Final = (0.3, 10.0)
ANSWER_S: Final = 5.0
LINGER_S: Final = 0.005
# At QoS 0 nobody holds the sender back: beyond this the newest is let go, and said once.
WAITING_MOST: Final = 50_000


class Message(NamedTuple):
    """One delivery. `mid` 0: QoS 0, there is nothing to acknowledge."""

    topic: str
    payload: bytes
    retained: bool
    again: bool  # the broker says that it may have delivered this before
    mid: int
    generation: int
    at: Any  # datetime of the receipt
    quality: Any


class Foreign:
    """Call `keep_up` often, from one thread; `take` what came, `acknowledge` it when it is safe."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self.generation = 0
        self.connected = False
        self.fresh = False  # this connection found no session: what was handled says nothing
        self.dropped = 0
        self._account = account
        self._clock = clock
        self._waiting: deque[Message] = deque()
        self._news = threading.Condition()
        self._filters: tuple[str, ...] = ()
        self._subscribed: tuple[str, ...] = ()
        self._client: Client | None = None
        self._failures = 0
        self._asked_s = 0.0
        self._next_try = 0.0

    # --- the gateway's thread

    def listen(self, filters: Iterable[str]) -> None:
        """Listen to these filters and no others."""
        with self._news:
            self._filters = tuple(filters)
            self._subscribe()

    def keep_up(self) -> None:
        """Connect when there is something to hear, and again when the line was lost."""
        now = time.monotonic()
        if self._client is not None:
            if self.connected or now < self._asked_s + ANSWER_S:
                return
            self._failed("the broker does not answer")
        if not self._filters or now < self._next_try:
            return
        client = self._make()
        try:
            client.connect(self._account.host, self._account.port, keepalive=KEEPALIVE_S)
        except OSError as error:
            self._client = client
            self._failed(str(error))
            return
        self._client, self._asked_s = client, now
        client.loop_start()

    def take(self, most: int, timeout_s: float) -> list[Message]:
        """Return at most `most` messages; wait for the first one."""
        with self._news:
            self._news.wait_for(lambda: self._waiting, timeout_s)
            several = 1 < len(self._waiting) < most
        if several:
            # Where one follows the other, a few ms gather many into one commit.
            time.sleep(LINGER_S)
        with self._news:
            count = min(most, len(self._waiting))
            return [self._waiting.popleft() for _ in range(count)]

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Tell the broker that these are safe; those of an earlier connection it sends again."""
        client = self._client
        for one in messages:
            if one.mid and client is not None and one.generation == self.generation:
                client.ack(one.mid, 1)

    def close(self) -> None:
        """Say goodbye. The session stays at the broker and gathers what comes meanwhile."""
        client, self._client = self._client, None
        self.connected = False
        if client is not None:
            client.disconnect()
            client.loop_stop()

    # --- paho's thread

    def _on_connect(self, client: Client, _data: Any, flags: Any, reason: Any, *_: Any) -> None:
        if reason.is_failure:
            if not self._failures:
                log.warning("The broker does not let the gateway in: %s", reason)
            return
        with self._news:
            if self._failures:
                log.info("The gateway hears the broker again")
            self._failures = 0
            # What waited here came on the last connection and comes again.
            kept = [one for one in self._waiting if not one.mid]
            self._waiting.clear()
            self._waiting.extend(kept)
            self.generation += 1
            self.fresh = not flags.session_present
            self.connected = True
            self._subscribed = () if self.fresh else self._subscribed
            self._subscribe(client)

    def _subscribe(self, client: Client | None = None) -> None:
        client = client or (self._client if self.connected else None)
        if client is None or self._subscribed == self._filters:
            return
        gone = set(self._subscribed) - set(self._filters)
        fresh = [one for one in self._filters if one not in self._subscribed]
        if gone:
            client.unsubscribe(sorted(gone))
        if fresh:
            client.subscribe([(one, 1) for one in fresh])
        self._subscribed = self._filters

    def _on_disconnect(self, client: Client, *_: Any) -> None:
        with self._news:
            if client is self._client:
                self.connected = False
                # Leaves at once: `keep_up` makes a new one.
                self._asked_s = 0.0

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        clock = self._clock
        mid = message.mid if message.qos else 0
        found = Message(
            message.topic,
            bytes(message.payload),
            message.retain,
            message.dup,
            mid,
            self.generation,
            clock.now(),
            clock.quality(),
        )
        with self._news:
            if not mid and len(self._waiting) >= WAITING_MOST:
                if not self.dropped:
                    log.warning("More comes at QoS 0 than can be kept: some of it is let go")
                self.dropped += 1
                return
            self._waiting.append(found)
            self._news.notify()

    # --- making

    def _failed(self, why: str) -> None:
        client, self._client = self._client, None
        self.connected = False
        if client is not None:
            client.loop_stop()
        if not self._failures:
            log.warning("The gateway does not hear the broker: %s", why)
        self._failures += 1
        least, most = RETRY_S
        wait = min(most, least * 2 ** min(self._failures, 10))
        self._next_try = time.monotonic() + random.uniform(least, wait)

    def _make(self) -> Client:
        account = self._account
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{account.device}-foreign",
            # Its session gathers at the broker what comes while it is away.
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.username_pw_set(account.username, account.password)
        if account.ca is not None:
            client.tls_set(ca_certs=str(account.ca))
        client.on_socket_open = _without_delay
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client


def _without_delay(_client: Client, _data: Any, connection: Any) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
