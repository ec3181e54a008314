"""Central is killed while it takes pushes: nothing is lost and nothing doubled."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from hub import journal
from sync import central as setup
from sync.central.inventory import Inventory
from sync.compare import compare
from tests.floor import free_ports
from tests.sync.pair import STORE, StoreSide, until

pytestmark = [pytest.mark.slow, pytest.mark.kill]
ROUNDS = 6


class Process:
    """Central as a process of its own, on one port."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        code = (
            "import sys, pathlib; from sync.central import serve;"
            "serve(pathlib.Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]))"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(self.directory), str(self.port)]
        )

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Process, StoreSide]]:
    directory = tmp_path / "head-office"
    credential = setup.add_store(directory, STORE, "Mill Lane")
    process = Process(directory)
    hub = StoreSide(tmp_path / "hub", process.url, credential)
    hub.credential = credential  # type: ignore[attr-defined]
    yield process, hub
    hub.close()
    if process.process.poll() is None:
        process.kill()


def test_central_killed_during_push_loses_and_doubles_nothing(
    served: tuple[Process, StoreSide], tmp_path: Path
) -> None:
    process, hub = served
    stop = threading.Event()

    def sell() -> None:
        n = 0
        while not stop.is_set():
            hub.receive(f"S{n % 50}", 1, f"sale:{n}")
            n += 1

    until(process.ready, "central is ready")
    seller = threading.Thread(target=sell)
    seller.start()
    hub.agent.start()
    chance = random.Random(7)
    try:
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(0.2, 0.8))
            process.kill()
            process.start()
            until(process.ready, "central is back")
    finally:
        stop.set()
        seller.join()
    head = hub.head()
    until(lambda: hub.agent.state()["pushed_seq"] == head.seq, "central has all")
    assert compare(hub.store.read, process.url, STORE, hub.credential) == []  # type: ignore[attr-defined]
    process.kill()
    inventory = Inventory(process.directory)
    with inventory.store.reader() as theirs, hub.store.database.reader() as ours:
        stored = [
            bytes(row["entry"])
            for row in theirs.execute("SELECT entry FROM journal ORDER BY seq").fetchall()
        ]
        assert stored == [content for _, content in journal.entries(ours, 0, head.seq + 1)]
    inventory.close()
