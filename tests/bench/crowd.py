"""Two hundred real clients at once: acks beside a stream of batches, memory, a broker's restart.

It must never count a client as back before the hub has acked something that it said after.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psutil

from devices.client import Account, DeviceClient
from hub.cli.edge import perform
from tests.bench.figures import Row, middle, percentile, spread
from tests.bench.ingest import BATCHES, EACH, make_batches
from tests.bench.stage import Stage, pour

CLIENTS: Final = 200
BACK: Final = 100
QUIET_S: Final = 15.0
BACK_S: Final = 120.0


class Member:
    """One client and how long its acks took."""

    def __init__(self, account: Account, directory: Path) -> None:
        self.client = DeviceClient(account, directory, on_ack=self._heard)
        self.took_ms: list[float] = []
        self._said: dict[str, float] = {}

    def say(self) -> None:
        began = time.perf_counter()
        name = self.client.observe("kiosk", {"event": "touched"})
        self._said[name] = began

    def _heard(self, name: str, status: str, reason: str | None) -> None:
        began = self._said.pop(name, None)
        if began is not None:
            self.took_ms.append((time.perf_counter() - began) * 1000)


@contextmanager
def crowd(stage: Stage) -> Iterator[list[Member]]:
    """Let CLIENTS devices in and connect them."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        members = []
        for n in range(CLIENTS):
            name = f"crowd-{n}"
            made = perform(
                stage.floor.directory, "device.enrol", device=name, kind="kiosk", place=""
            )
            account = Account(
                stage.floor.store, name, stage.host, stage.port, name, made["password"]
            )
            members.append(Member(account, place))
        for one in members:
            one.client.start()
            stack.callback(one.client.stop)
        wait_for(lambda: all(one.client.connected for one in members), "all are connected")
        yield members


def measure(stage: Stage) -> list[Row]:
    with crowd(stage) as members:
        quiet = talk(members, QUIET_S)
        rates, busy = [], []
        for _ in range(3):
            with talking(members) as heard:
                rates.append(batches(stage))
            busy += heard
        memory = psutil.Process(stage.pid("hub")).memory_info().rss / 2**20
        # paho waits by select(2), which knows 1,024 descriptors: two hundred clients of one process
        # that connect anew would pass them. In a store each device is a machine of its own.
        for one in members[BACK:]:
            one.client.stop()
        back_s = restart(stage, members[:BACK])
    rate = middle(rates)
    return [
        Row(
            f"publish → ack, {CLIENTS} clients, one observation a second each",
            spread(quiet),
            "p50 ≤ 10, p99 ≤ 50 ms",
            percentile(quiet, 0.5) <= 10 and percentile(quiet, 0.99) <= 50,
            why="With the outbox's write and the fsync before it is sent; all clients share one "
            "interpreter.",
        ),
        Row(f"the same while batches of {EACH} come as fast as they go", spread(busy), "", None),
        Row(
            f"batches of {EACH} with {CLIENTS} clients connected",
            f"{rate:,.0f}/s",
            "≥ 40,000/s",
            rate >= 40_000,
        ),
        Row("the hub's memory then", f"{memory:.0f} MiB", "≤ 100 MiB", memory <= 100),
        Row(
            f"{BACK} clients after kill -9 of the broker: each acked again within",
            f"{back_s:.1f} s",
            "≤ 15 s",
            back_s <= 15,
            why="Pauses are drawn at random between 0.5 s and three times the last one.",
        ),
    ]


def talk(members: list[Member], seconds: float) -> list[float]:
    for one in members:
        one.took_ms.clear()
    began = time.monotonic()
    said = 0
    while (passed := time.monotonic() - began) < seconds:
        while said < passed * CLIENTS:
            members[said % CLIENTS].say()
            said += 1
        time.sleep(0.002)
    wait_for(lambda: all(not one.client.outbox.count() for one in members), "all is acked")
    return [took for one in members for took in one.took_ms]


@contextmanager
def talking(members: list[Member]) -> Iterator[list[float]]:
    """Let them talk while the block runs; what their acks took is in the list afterwards."""
    heard: list[float] = []
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            heard.extend(talk(members, 0.5))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield heard
    finally:
        stop.set()
        thread.join()


def batches(stage: Stage) -> float:
    lines = make_batches()[: BATCHES // 2]
    pipes = [stage.generator(n, stage.topic(n, "batch")) for n in range(2)]
    return pour(pipes, lines, stage.telemetry, EACH)


def restart(stage: Stage, members: list[Member]) -> float:
    """Kill the broker; return after how many seconds everybody had an ack again."""
    began = time.monotonic()
    stage.floor.kill("broker")
    wait_for(lambda: not any(one.client.connected for one in members), "all are cut off")
    for one in members:
        one.say()
    wait_for(lambda: all(not one.client.outbox.count() for one in members), "all are back")
    return time.monotonic() - began


def wait_for(look: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + BACK_S
    while not look():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {BACK_S:.0f} s: {what}")
        time.sleep(0.01)
