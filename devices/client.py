"""The SDK that a device runs: what it observed reaches the hub once, whatever breaks in between.

It must never forget an observation before the hub's own ack, and never trust the broker's.

    observe() ─► outbox (fsync) ─► publish, QoS 1 ─► broker ─► hub ─► commit ─► ack ─► let go
                     ▲                                                              │
                     └──────────── sent again when no ack comes ◄───────────────────┘
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from devices.account import Account
from devices.exchange import IDLE_S, Exchange
from devices.outbox import Beside, Limits, Outbox
from devices.pacing import Backoff, Patience
from devices.session import Command, Session, Word
from devices.stamping import Observed, Stamper
from hub.clock import Clock, Quality, SystemClock
from hub.errors import Unavailable
from hub.wire import Status

log = logging.getLogger(__name__)

# The hub answers in milliseconds; without an answer everything is sent again after this.
RESEND_S: Final = (5.0, 60.0)
RECONNECT_S: Final = (0.5, 10.0)
# Whom the broker does not know, somebody has to enrol first.
UNAUTHORISED_S: Final = (30.0, 600.0)
ANSWER_S: Final = 8.0
# A connection that lasted so long was a good one: the next pause begins small again.
GOOD_S: Final = 20.0

OnAck = Callable[[str, str, str | None], None]
OnCommand = Callable[[str, Mapping[str, Any]], str]
OnServed = Callable[[str, str, Mapping[str, Any]], str]

OnTaken = Callable[[Mapping[str, Any]], None]


__all__ = ["Account", "DeviceClient", "Observed"]


class DeviceClient:
    """One device, or a gateway that speaks for others too. `start`, `observe` from any thread,
    `stop`.

    `on_ack(id, status, reason)` hears the hub's word; `on_command(name, payload)` carries out a
    command to the device itself, `on_served(device, name, payload)` one to a device that it
    serves, and each returns how it ended. All run on the client's thread and may be set later.
    `heartbeat_s` makes it say by itself, while connected, that it lives.
    """

    def __init__(
        self,
        account: Account,
        directory: Path,
        *,
        clock: Clock | None = None,
        on_ack: OnAck | None = None,
        on_command: OnCommand | None = None,
        on_served: OnServed | None = None,
        limits: Limits | None = None,
        heartbeat_s: float | None = None,
    ) -> None:
        self.account = account
        self.outbox = Outbox(directory / f"{account.device}.db", account.device, limits)
        self.on_ack = on_ack
        self.on_command = on_command
        self.on_served = on_served
        self._stamper = Stamper(clock or SystemClock(), account.device)
        self._heartbeat_s = heartbeat_s
        self._news = threading.Condition()
        self._stopping = self._silent = False
        self._session: Session | None = None
        self._served: tuple[str, ...] = ()
        self._statuses: dict[str, Status] = {}
        self._takers: dict[str, OnTaken] = {}
        self._said_unauthorised = self._said_tls = False
        self._patience = Patience(*RESEND_S)
        self._backoff = Backoff(*RECONNECT_S)
        self._slow = Backoff(*UNAUTHORISED_S)
        self._thread = threading.Thread(
            target=self._run, name=f"device-{account.device}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the connection. What is not confirmed is sent by the next life."""
        with self._news:
            self._stopping = True
            self._news.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self.outbox.close()

    def radio(self, on: bool) -> None:
        """Switch the connection off or on; what is observed meanwhile is kept."""
        with self._news:
            self._silent = not on
            self._news.notify_all()

    @property
    def connected(self) -> bool:
        session = self._session
        return session is not None and session.open

    # --- observing

    def observe(
        self,
        kind: str,
        data: Mapping[str, Any],
        *,
        device: str | None = None,
        at: datetime | None = None,
        quality: Quality | None = None,
    ) -> str:
        """Keep an observation until the hub has it; return its id. It is on disk by then.

        `device` is one that this client serves; `at` and `quality` tell when it happened where
        the device told the time itself. Raises Unavailable when a business observation finds no
        room: then it is not kept, and whoever saw it has to know. Telemetry without room is
        counted, and the id is "".
        """
        return self.observe_many([Observed(kind, data, device, at, quality)])[0]

    def observe_many(self, many: Iterable[Observed], *, beside: Beside | None = None) -> list[str]:
        """Keep several, all or none, with one fsync; return their ids. `beside(connection)` may
        write tables of its own to the outbox's file with them.
        """
        self._restamp()
        names = self.outbox.keep([self._stamper.entry(one) for one in many], beside)
        with self._news:
            self._news.notify_all()
        return names

    def heartbeat(self, **more: Any) -> str:
        """Say that the device lives (`battery_pct`, `firmware` …) and how its outbox is."""
        return self.observe("heartbeat", {**self.health(), **more})

    def health(self) -> dict[str, Any]:
        """Return what the hub is told of the outbox."""
        told: dict[str, Any] = {
            "outbox": self.outbox.count(),
            "dropped": self.outbox.dropped(),
            "offline_hours_left": self.outbox.hours_left(),
        }
        body = self.outbox.oldest()
        oldest = 0 if body is None else self._stamper.age_s(body)
        return told if oldest is None else told | {"oldest_s": oldest}

    def _restamp(self) -> None:
        if self.outbox.unstamped and self._stamper.knows:
            self.outbox.stamp(self._stamper.boot, self._stamper.restamped)

    # --- speaking for others

    def serve(self, devices: Iterable[str]) -> None:
        """Speak for these devices too, and from now on for no others."""
        self._served = tuple(devices)
        with self._news:
            self._statuses = {
                name: status for name, status in self._statuses.items() if name in self._served
            }
            if self._session is not None:
                self._session.serve(self._served)
            self._news.notify_all()

    def tell(self, device: str, online: bool, **more: Any) -> None:
        """Tell whether a served device is there (`battery_pct`, `firmware`); said again at each
        connect.
        """
        status = Status(online, self._stamper.boot, self._stamper.uptime_ms, **more)
        with self._news:
            self._statuses[device] = status
            if self._session is not None and self._session.open:
                self._session.say_status(device, status)

    def _all_statuses(self) -> Iterator[tuple[str, Status]]:
        uptime_ms = self._stamper.uptime_ms
        yield self.account.device, Status(True, self._stamper.boot, uptime_ms)
        for name, status in list(self._statuses.items()):
            yield name, msgspec.structs.replace(status, uptime_ms=uptime_ms)

    def takes(self, name: str, taker: OnTaken) -> None:
        """Hand commands of that name whole to `taker`, on the client's thread: it notes them in
        `outbox` and answers them itself.
        """
        self._takers[name] = taker

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
        version = self.account.version
        while not self._stopping:
            if self._silent:
                with self._news:
                    self._news.wait_for(lambda: self._stopping or not self._silent)
                continue
            session = Session(self.account, version, self._served, self._all_statuses, self._news)
            began = time.monotonic()
            try:
                answered = self._one_connection(session)
            except Exception:
                # A bug of ours or of a callback: said, and the observations are still there.
                log.exception("%s: the connection is begun anew", self.account.device)
                answered = True
            finally:
                self._session = None
                session.close()
            # A broker of MQTT 3.1.1 hangs up on a greeting of MQTT 5, or says nothing.
            unheard = answered and not session.was_in and session.state != "unauthorised"
            version = 9 - version if unheard else self.account.version
            pause_s = self._pause_s(session, time.monotonic() - began)
            with self._news:
                self._news.wait_for(lambda: self._stopping, pause_s)

    def _pause_s(self, session: Session, lasted_s: float) -> float:
        if session.state == "unauthorised":
            if not self._said_unauthorised:
                log.warning(
                    "%s: the broker does not let this account in (%s); it is tried again slowly",
                    self.account.device, session.reason,
                )  # fmt: skip
            self._said_unauthorised = True
            return self._slow.pause_s()
        if session.was_in and lasted_s > GOOD_S:
            self._backoff.reset()
        return self._backoff.pause_s()

    def _one_connection(self, session: Session) -> bool:
        """Connect, exchange until it ends; return whether anybody listened there."""
        try:
            session.connect()
        except OSError as error:
            self._say_unheard(error)
            return False
        with self._news:
            self._news.wait_for(lambda: session.state != "asking" or self._stopping, ANSWER_S)
        if session.open:
            if self._said_unauthorised:
                log.info("%s: the broker lets this account in again", self.account.device)
            self._said_unauthorised = False
            self._slow.reset()
            self._exchange(session)
        return True

    def _say_unheard(self, error: OSError) -> None:
        if isinstance(error, ssl.SSLError) and not self._said_tls:
            self._said_tls = True
            log.warning("%s: no trust in the broker: %s", self.account.device, error)
        log.debug("%s: no broker: %s", self.account.device, error)

    def _exchange(self, session: Session) -> None:
        self._restamp()
        # What acks took before says nothing now: a broker that came back may have lost what a
        # hub that comes back later never hears.
        self._patience = Patience(*RESEND_S)
        exchange = Exchange(
            session, self.outbox, self._patience, self._news, lambda: self._stopping or self._silent
        )
        self._session = session
        session.serve(self._served)
        beat_s = time.monotonic()
        while not exchange.over:
            if self._heartbeat_s is not None and time.monotonic() >= beat_s:
                self.heartbeat()
                beat_s = time.monotonic() + self._heartbeat_s
            exchange.send()
            until_s = time.monotonic() + IDLE_S if self._heartbeat_s is None else beat_s
            words, commands = exchange.hear(until_s)
            exchange.settle(words)
            for word in words:
                self._hear_out(word)
            for command in commands:
                self._obey(command)

    def _hear_out(self, word: Word) -> None:
        if word.status in ("refused", "quarantined"):
            log.info("%s: %s %s: %s", word.device, word.id, word.status, word.reason)
        if self.on_ack is not None:
            self.on_ack(word.id, word.status, word.reason)

    def _obey(self, command: Command) -> None:
        device, name, payload = command
        try:
            told = msgspec.json.decode(payload, type=dict[str, Any])
            key = str(told["key"])
        except (msgspec.MsgspecError, KeyError):
            log.warning("%s: a command that nobody can read came on %s", device, name)
            return
        taker = self._takers.get(name)
        if taker is not None and device == self.account.device:
            taker(told)
            return
        if name == "print" and self.on_command is None and device == self.account.device:
            # Whoever prints begins a moment after the client; the hub asks again.
            return
        try:
            state = self.outbox.begin_command(key)
            if state is None:
                state = self._carry_out(device, name, told)
                self.outbox.end_command(key, state)
            answer = {"job": key} if name == "print" else {"key": key}
            kind = "printed" if name == "print" else "done"
            self.observe(kind, answer | {"state": state}, device=device)
        except Unavailable as error:
            # The hub asks again; how it ended is known then.
            log.error("%s: no answer to %s: %s", device, name, error.sentence)

    def _carry_out(self, device: str, name: str, told: Mapping[str, Any]) -> str:
        if device != self.account.device:
            return (
                "unknown_command" if self.on_served is None else self.on_served(device, name, told)
            )
        return "unknown_command" if self.on_command is None else self.on_command(name, told)
