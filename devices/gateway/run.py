"""Runs the gateway: hears, keeps, acknowledges; in that order, and does what the hub tells it.

It must never acknowledge to the broker before the outbox's commit: what is lost in between is
delivered again and counted once.
"""

import base64
import binascii
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from devices.adapters import Adapter, known, mapped
from devices.client import DeviceClient, Observed
from devices.gateway.ledger import Ledger
from devices.gateway.relay import Batch, Relay
from devices.gateway.served import Fleet, Served, decode
from devices.gateway.session import Foreign, Message
from devices.outbox import Beside
from hub.clock import Clock, SystemClock
from hub.errors import HubError, Invalid, Unavailable

log = logging.getLogger(__name__)

# So many messages go into one commit at most.
MOST: Final = 500
IDLE_S: Final = 0.5
FULL_S: Final = 1.0
BEAT_S: Final = 30.0


class GatewaySettings(msgspec.Struct, frozen=True):
    """`mappings`: files of families without code, see docs/adapters.md."""

    mappings: tuple[Path, ...] = ()


class Line(Protocol):
    """What the gateway needs of its line to the foreign topics; `Foreign` is the real one."""

    fresh: bool
    generation: int
    connected: bool

    def listen(self, filters: tuple[str, ...]) -> None: ...
    def keep_up(self) -> None: ...
    def take(self, most: int, timeout_s: float) -> list[Message]: ...
    def acknowledge(self, messages: list[Message]) -> None: ...
    def close(self) -> None: ...


def run(settings: GatewaySettings, client: DeviceClient, stop: threading.Event) -> None:
    """Speak for others until `stop` is set; starts `client` and stops it.

    Whom it serves comes as a command, maybe the moment it is connected: so the client is started
    when somebody listens. Raises Invalid for a wrong mapping file, Unavailable without an outbox.
    """
    clock = SystemClock()
    try:
        line = Foreign(client.account, clock)
        gateway = Gateway(client, line, adapters(settings), clock)
    except HubError:
        client.outbox.close()
        raise
    client.start()
    try:
        gateway.loop(stop)
    finally:
        gateway.close()
        client.stop()


def adapters(settings: GatewaySettings) -> dict[str, Adapter]:
    """Return what reads each family. Raises Invalid."""
    found = known()
    for file in settings.mappings:
        adapter = mapped.load(file)
        if adapter.family in found:
            raise Invalid(f"{file.name}: family: there is another file for {adapter.family}.")
        found[adapter.family] = adapter
    return found


class Gateway:
    """One thread runs `loop`; the hub's commands come on the client's thread."""

    def __init__(
        self,
        client: DeviceClient,
        line: Line,
        adapters: Mapping[str, Adapter],
        clock: Clock,
    ) -> None:
        self._client = client
        self._line = line
        self._clock = clock
        self._ledger = Ledger()
        self._relay = Relay(adapters, self._ledger)
        self._lock = threading.Lock()
        self._generation = 0
        self._full = False
        self._beat_s = 0.0
        client.observe_many([], beside=self._ledger.open)
        self._serve(self._ledger.served)
        client.on_command = self.command

    @property
    def counts(self) -> dict[str, int]:
        return dict(self._relay.counts)

    def loop(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.step(stop, IDLE_S)

    def step(self, stop: threading.Event, timeout_s: float) -> None:
        """Hear for at most `timeout_s`, keep what was heard, acknowledge it."""
        line = self._line
        line.keep_up()
        if line.generation != self._generation:
            generation = line.generation
            if line.fresh and not self._begin_anew():
                stop.wait(FULL_S)
                return
            self._generation = generation
        self._beat()
        messages = line.take(MOST, timeout_s)
        if not messages:
            return
        with self._lock:
            batch = self._relay.read(messages, time.monotonic())
            kept = self._keep(batch)
        while not kept:
            if stop.wait(FULL_S):
                return
            with self._lock:
                kept = self._keep(batch)
        line.acknowledge(messages)

    def _beat(self) -> None:
        """Say now and then of those whose last will stands that they live."""
        now_s = time.monotonic()
        if self._line.connected and now_s >= self._beat_s:
            self._beat_s = now_s + BEAT_S
            with self._lock:
                self._keep(self._relay.beats(now_s))

    def close(self) -> None:
        self._client.on_command = None
        self._line.close()

    def _keep(self, batch: Batch) -> bool:
        """Commit; False when the outbox has no room: then nothing of it is kept or told."""
        if batch and not self._written(
            batch.observed, lambda connection: self._ledger.write(connection, batch.changes)
        ):
            return False
        for device, online in self._relay.settled(batch).items():
            self._client.tell(device, online)
        return True

    def _written(self, observed: list[Observed], beside: Beside) -> bool:
        """Commit; say once that nothing more fits, and once that it does again."""
        try:
            self._client.observe_many(observed, beside=beside)
        except Unavailable as error:
            if not self._full:
                log.error("The gateway keeps nothing more: %s", error.sentence)
            self._full = True
            return False
        if self._full:
            log.info("The gateway keeps again what it hears")
            self._full = False
        return True

    def _begin_anew(self) -> bool:
        """The broker knows nothing of the last session: its message ids begin again."""
        with self._lock:
            if not self._written([], self._ledger.forget_handled):
                return False
            self._ledger.forgotten()
            return True

    # --- what the hub says

    def command(self, name: str, told: Mapping[str, Any]) -> str:
        """Carry out `cmd/{name}`; return how it ended."""
        if name == "devices":
            return self._devices(told)
        if name == "reread":
            return self._reread(told)
        return "unknown_command"

    def _devices(self, told: Mapping[str, Any]) -> str:
        try:
            served = decode(told)
        except msgspec.ValidationError as error:
            log.error("The hub's list of devices cannot be read: %s", error)
            return "unreadable"
        with self._lock:
            self._client.observe_many(
                [], beside=lambda connection: self._ledger.keep_served(connection, served)
            )
            self._ledger.served_kept(served)
            self._serve(served)
        return "done"

    def _serve(self, served: tuple[Served, ...]) -> None:
        fleet = Fleet(served)
        self._relay.serve(fleet)
        self._client.serve(fleet.devices)
        self._line.listen(fleet.filters)

    def _reread(self, told: Mapping[str, Any]) -> str:
        """Read a quarantined message again, as if it came now."""
        try:
            topic, key = str(told["topic"]), str(told["key"])
            payload = base64.b64decode(str(told["body_base64"]), validate=True)
        except (KeyError, binascii.Error, ValueError):
            return "unreadable"
        at, quality = self._clock.now(), self._clock.quality()
        message = Message(topic, payload, False, False, 0, 0, at, quality)
        with self._lock:
            before = self._relay.counts["garbage"]
            kept = self._keep(self._relay.read([message], time.monotonic(), salt=key))
            return "read" if kept and self._relay.counts["garbage"] == before else "garbage"


__all__ = ["Gateway", "GatewaySettings", "adapters", "run"]
