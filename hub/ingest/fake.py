"""A broker in memory for one hub, to test ingest without a process or a port.

It must never be kinder than a real one: QoS 1 messages stay until PUBACK names them, come again
after a reconnect, and their ids begin again with each connection.
"""

from collections import deque
from collections.abc import Sequence

from paho.mqtt.client import topic_matches_sub

from hub.ingest.corked import Message
from hub.ingest.link import Address, OnMessage


class FakeBroker:
    """Both the broker and the hub's connection to it (`connect_as` makes that)."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []
        self.connected = False
        self.generation = 0
        self.reconnects = 0
        self._filters: Sequence[str] = ()
        self._deliver: OnMessage | None = None
        self._queued: deque[tuple[str, bytes, bool]] = deque()
        self._unacknowledged: dict[int, tuple[str, bytes, bool]] = {}
        self._mid = 0

    def connect_as(
        self, _address: Address, filters: Sequence[str], deliver: OnMessage
    ) -> "FakeBroker":
        self._filters, self._deliver = filters, deliver
        return self

    # --- what devices and the test do

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """A device publishes at QoS 1; `retain` = the hub gets it as a retained copy."""
        self._queued.append((topic, payload, retain))

    def drop(self) -> None:
        """Cut the connection; what was not acknowledged will be sent again."""
        self.connected = False
        self.reconnects += 1
        self._queued.extendleft(reversed(self._unacknowledged.values()))
        self._unacknowledged.clear()
        self._mid = 0

    @property
    def unacknowledged(self) -> int:
        return len(self._unacknowledged)

    # --- what ingest does (hub.ingest.link.Connection)

    def connect(self) -> None:
        if not self.connected:
            self.connected = True
            self.generation += 1

    def read(self, most: int) -> None:
        for _ in range(min(most, len(self._queued))):
            topic, payload, retain = kept = self._queued.popleft()
            if not any(topic_matches_sub(one, topic) for one in self._filters):
                continue
            self._mid += 1
            mid = self._mid
            message = Message(topic.encode(), payload, mid, retain)
            self._unacknowledged[mid] = kept
            assert self._deliver is not None
            self._deliver(message, self.generation)

    def pending(self) -> bool:
        return bool(self._queued)

    def ack(self, mid: int, generation: int) -> bool:
        if not self.connected or generation != self.generation:
            return False
        del self._unacknowledged[mid]
        return True

    def publish(self, topic: str, payload: bytes, *, qos: int = 1) -> bool:
        if self.connected:
            self.published.append((topic, payload))
        return self.connected

    def fileno(self) -> int | None:
        return None

    def flush(self) -> bool:
        return True

    def keep_alive(self) -> None:
        return

    def close(self) -> None:
        self.connected = False
