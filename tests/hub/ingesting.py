"""A writer with ingest's tables, a fake or real broker, and a device's messages."""

import itertools
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hub import broker, database, ingest, journal, outbox, projections, quarantine, settings
from hub.clock import FixedClock, stamp
from hub.database import Database
from hub.events import Ring
from hub.fleet import facts as fleet_facts
from hub.fleet import rules
from hub.fleet import tables as fleet
from hub.fleet.queries import Account
from hub.ingest import Address, Ingest
from hub.ingest.fake import FakeBroker
from hub.journal import Journal, Transaction
from hub.projections import Projections
from hub.wire import Observation
from hub.writer import Writer
from tests.floor import free_ports
from tests.hub.kernel import NOON, TALLY, TYPES, Counted

STORE = "store-1"
NOWHERE = Address("127.0.0.1", 1, "hub", "", "hub")
MIGRATIONS = (
    journal.MIGRATIONS,
    projections.MIGRATIONS,
    ingest.MIGRATIONS,
    quarantine.MIGRATIONS,
    outbox.MIGRATIONS,
    fleet.MIGRATIONS,
)
_numbers = itertools.count(1)


def count_scan(tx: Transaction, seen: Observation, at: datetime) -> None:
    tx.append([Counted(seen.data.code, 1)], cause=seen.cause, actor="device:x", occurred_at=at)


class Spine:
    """Journal, writer and ingest's tables on one file."""

    def __init__(self, directory: Path) -> None:
        self.database = Database(directory / "hub.db", directory / "replica.db")
        database.create(self.database.replica, ()).close()
        self.connection = self.database.open_writer(MIGRATIONS)
        folds = Projections([TALLY, fleet.PROJECTION])
        self.journal = Journal({**TYPES, **fleet_facts.FACTS}, folds)
        stale = folds.stale(self.connection)
        if stale:
            folds.refold(self.connection, stale, ())
        self.journal.load(self.connection)
        self.clock = FixedClock(NOON)
        self.ring = Ring(0)
        self.writer = Writer(self.connection, self.journal, self.clock, self.ring)

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        with self.database.reader() as reader:
            return [tuple(row) for row in reader.execute(question, values)]


@contextmanager
def spine(directory: Path) -> Iterator[Spine]:
    made = Spine(directory)
    made.writer.start()
    try:
        yield made
    finally:
        made.writer.stop()
        made.database.close()
        made.connection.close()


class Fake:
    """Ingest on a fake broker, stepped by the test."""

    def __init__(self, spine: Spine, handlers: ingest.Handlers | None = None, **more: Any) -> None:
        self.spine = spine
        self.broker = FakeBroker()
        self.ingest = Ingest(
            store=STORE,
            address=NOWHERE,
            writer=spine.writer,
            clock=spine.clock,
            handlers={"scan": count_scan} if handlers is None else handlers,
            connection=self.broker.connect_as,
            **more,
        )

    def settle(self) -> None:
        """Step until nothing waits."""
        for _ in range(1000):
            self.ingest.step(0.01)
            if not self.broker.pending() and not self.broker.unacknowledged:
                return
        raise AssertionError("ingest does not come to rest")

    def send(self, device: str, kind: str, *bodies: dict[str, Any] | bytes, **more: Any) -> None:
        for one in bodies:
            raw = one if isinstance(one, bytes) else json.dumps(one).encode()
            self.broker.send(f"storehub/v1/{STORE}/{device}/obs/{kind}", raw, **more)

    def acks(self, device: str = "till") -> list[tuple[str, str, str | None]]:
        """Return (id, status, reason) of all that `device` was told."""
        topic = f"storehub/v1/{STORE}/{device}/ack"
        told = [json.loads(body)["acks"] for name, body in self.broker.published if name == topic]
        return [(one["id"], one["status"], one.get("reason")) for acks in told for one in acks]


def body(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    number = next(_numbers)
    return {
        "id": f"o{number}",
        "boot": "b1",
        "seq": number,
        "at": stamp(NOON - timedelta(seconds=1)),
        "uptime_ms": 60_000,
        "time_quality": "synced",
        "data": data,
    } | changes


def scan(code: str = "4006381333931", **changes: Any) -> dict[str, Any]:
    return body({"code": code}, **changes)


def account(name: str, secret: str = "", **more: Any) -> Account:
    """Return an account whose password is `secret-of-NAME` unless told."""
    return Account(name, rules.hashed(secret or f"secret-of-{name}", b"0123456789ab"), **more)


@contextmanager
def running_broker(
    directory: Path, kind: str, devices: Sequence[str | Account], port: int, **more: object
) -> Iterator[tuple[settings.Settings, Callable[[], subprocess.Popen[bytes]]]]:
    """Give the settings of a real broker and a function that starts it (again)."""
    flags = {"broker": kind, "mqtt_port": port, "store": STORE, "mqtts_port": 0} | more
    chosen = settings.load(directory, environment={}, flags=flags)
    known = [one if isinstance(one, Account) else account(one) for one in devices]
    command = broker.prepare(directory, chosen, known)
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        started.append(process)
        until(lambda: broker.answers("127.0.0.1", port), "the broker answers")
        return process

    start()
    try:
        yield chosen, start
    finally:
        for process in started:
            process.kill()
            process.wait()


@contextmanager
def ingesting(
    directory: Path, chosen: settings.Settings, spine: Spine, handlers: ingest.Handlers
) -> Iterator[Ingest]:
    """Run ingest's own thread against a real broker."""
    made = Ingest(
        store=STORE,
        address=broker.address(directory, chosen),
        writer=spine.writer,
        clock=spine.clock,
        handlers=handlers,
    )
    stop = threading.Event()
    thread = threading.Thread(target=made.loop, args=(stop,))
    thread.start()
    try:
        until(lambda: made.connected, "the hub is connected")
        yield made
    finally:
        stop.set()
        thread.join()


def free_port() -> int:
    return free_ports()


def until(look: Callable[[], object], what: str, within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        time.sleep(0.01)
