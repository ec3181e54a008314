"""Broker, hub, central and devices are killed at random; then every sale and order is counted.

It must never count by what a process says of itself: the witness file and the journal decide.
"""

import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from devices.client import Account
from hub.cli.edge import perform
from tests.floor import ROOT, Floor
from tests.kill import shoppers
from tests.kill.shoppers import Shoppers
from tests.kill.talker import SKU

DEVICES: Final = 20
PROCESSES: Final = 4
EVENTS_S: Final = 300
STOCK: Final = 1_000_000
PAUSE_S: Final = (1.0, 6.0)
SALE: Final = re.compile(r"chaos-\d+-[0-9a-f]{8}-\d+")


class Talkers:
    """The devices' processes; who is killed is started again, on the same outboxes."""

    def __init__(self, directory: Path, accounts: list[Path]) -> None:
        self.witness = directory / "witness"
        self.outboxes = directory / "outboxes"
        self.log = directory / "talkers.log"
        share = len(accounts) // PROCESSES
        self._accounts = [accounts[n * share : (n + 1) * share] for n in range(PROCESSES)]
        self._running = [self._start(n) for n in range(PROCESSES)]

    def _start(self, n: int) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.kill.talker", str(self.witness), str(self.outboxes),
                 str(EVENTS_S / DEVICES), *map(str, self._accounts[n])],
                cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, n: int) -> None:
        self._running[n].kill()
        self._running[n].wait()
        self._running[n] = self._start(n)

    def finish(self, within_s: float) -> None:
        """Let them stop observing and wait until the hub has everything."""
        end = time.monotonic() + within_s
        for one in self._running:
            while f"pid {one.pid}\n" not in self.witness.read_text():
                assert time.monotonic() < end
                time.sleep(0.2)
            one.send_signal(signal.SIGTERM)
        ended = [one.wait(max(1.0, end - time.monotonic())) for one in self._running]
        assert ended == [0] * PROCESSES, f"{ended}\n{self.log.read_text()[-3000:]}"

    def end(self) -> None:
        for one in self._running:
            one.kill()
            one.wait()


def told(witness: Path) -> tuple[set[str], set[str]]:
    """Return the sales that were begun, and those that observe() said it had kept."""
    lines = [line.split() for line in witness.read_text().splitlines()]
    return {name for mark, name in lines if mark == "?"}, {n for mark, n in lines if mark == "!"}


def committed(floor: Floor) -> Counter[str]:
    """Return how often each sale stands in the journal."""
    found: Counter[str] = Counter()
    for line in floor.storehub("export", "journal").stdout.splitlines():
        found.update(set(SALE.findall(line)))
    return found


@contextmanager
def talking(floor: Floor, directory: Path) -> Iterator[Talkers]:
    """Enrol the devices and let them talk."""
    url = urlsplit(floor.facts()["urls"]["mqtt"])
    accounts = []
    for n in range(DEVICES):
        name = f"chaos-{n}"
        made = perform(floor.directory, "device.enrol", device=name, kind="till", place="")
        account = Account(
            floor.store, name, url.hostname or "", url.port or 0, name, made["password"]
        )
        accounts.append(directory / f"{name}.json")
        account.save(accounts[-1])
    talkers = Talkers(directory, accounts)
    try:
        yield talkers
    finally:
        talkers.end()


def trouble(floor: Floor, talkers: Talkers, chance: random.Random, kills: Counter[str]) -> None:
    what = chance.choice(("hub", "hub", "central", "central", "broker", "devices"))
    kills[what] += 1
    if what == "devices":
        talkers.kill(chance.randrange(PROCESSES))
        return
    try:
        floor.kill(what)
    except ProcessLookupError:
        # It is being started again after the last kill.
        kills[what] -= 1


def ordering_report(floor: Floor, ordering: Shoppers) -> str:
    """See that each order that central answered stands at the store once, and heads are equal."""
    assert ordering.unanswered == "", f"never answered: {ordering.wrong}"
    assert ordering.taken, "no order was taken"
    for name in ordering.taken:
        floor.arrived(name, timeout=120)
    floor.in_step()
    lent = floor.stock(shoppers.SKU)["buckets"].get("committed", 0)
    assert lent == len(ordering.taken), "an order was lost or taken twice"
    return (
        f"chaos: {len(ordering.taken)} orders taken, {ordering.asked_again} asked again; "
        f"heads equal at {floor.status()['seq']}"
    )


def chaos(floor: Floor, directory: Path, seconds: float, seed: int) -> None:
    """Run it and see that sent = committed, once each."""
    chance = random.Random(seed)
    kills: Counter[str] = Counter()
    directory.mkdir()
    floor.receive({SKU: STOCK, shoppers.SKU: STOCK})
    ordering = Shoppers(floor, f"chaos-{seed:x}")
    with talking(floor, directory) as talkers, ordering:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(chance.uniform(*PAUSE_S))
            trouble(floor, talkers, chance, kills)
        floor.wait_ready()
        talkers.finish(300)
        begun, kept = told(talkers.witness)
    floor.wait_ready()
    sales = committed(floor)
    print(ordering_report(floor, ordering), file=sys.stderr)
    print(
        f"chaos: seed {seed}, {seconds:.0f} s, kills {dict(kills)}: {len(begun)} begun, "
        f"{len(kept)} sent, {len(sales)} committed, {sum(sales.values()) - len(sales)} twice",
        file=sys.stderr,
    )
    assert kept - set(sales) == set(), "lost"
    assert set(sales) - begun == set(), "out of nowhere"
    assert {name for name, times in sales.items() if times > 1} == set(), "doubled"
    assert floor.stock(SKU)["on_hand"] == STOCK - len(sales)
    assert len(kept) > EVENTS_S * seconds / 10, "hardly anything flowed"
    report = floor.verify()
    assert report["ok"], report
