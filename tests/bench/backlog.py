"""A long time off line, then the line: a million facts drained, a million products fetched.

Hub, line and central are processes of their own; screens are read meanwhile.

    python -m tests.bench.backlog drain [FACTS]
    python -m tests.bench.backlog snapshot [PRODUCTS]
"""

import random
import resource
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from hub.catalog import queries as catalog
from sync import central
from sync.central.inventory import Inventory
from tests.bench.inside import product
from tests.bench.stage import started
from tests.bench.whole import central_head
from tests.sync.pair import STORE, StoreSide, until

LINES = 500
CHUNK = 5_000


class Reads:
    """Reads board and search ten times a second and notes how long each took (ms)."""

    def __init__(self, read: "list[tuple[str, object]]", pids: list[int]) -> None:
        self.took: dict[str, list[float]] = {name: [] for name, _ in read}
        self.peak_mib = dict.fromkeys(pids, 0.0)
        self._read, self._stop = read, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Reads":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            for name, read in self._read:
                began = time.perf_counter()
                read()  # type: ignore[operator]
                self.took[name].append((time.perf_counter() - began) * 1000)
            for pid in self.peak_mib:
                used = psutil.Process(pid).memory_info().rss / 2**20
                self.peak_mib[pid] = max(self.peak_mib[pid], used)

    def said(self) -> str:
        return "; ".join(f"{name} p50 / p99 {_spread(took)}" for name, took in self.took.items())


def _spread(took: list[float]) -> str:
    ordered = sorted(took) or [0.0]
    return f"{ordered[len(ordered) // 2]:.0f} / {ordered[int(len(ordered) * 0.99)]:.0f} ms"


def drain(facts: int) -> None:
    """Cut the line, take in `facts`, mend it, and count until central has all."""
    with started() as stage:
        floor = stage.floor
        floor.in_step()
        floor.line("down")
        before, began = floor.status()["seq"], time.monotonic()
        skus = [f"WEEK-{secrets.token_hex(4)}" for _ in range(20_000)]
        for n in range(facts // LINES):
            start = n * LINES % len(skus)
            floor.receive(dict.fromkeys(skus[start : start + LINES], 1))
        gathered, wanted = time.monotonic() - began, floor.status()["seq"]
        count = wanted - before
        print(f"{count:,} facts gathered off line in {gathered:.0f} s", flush=True)
        pids = floor.facts()["pids"]
        reads = [
            ("board", lambda: floor.hub.json("/orders")),
            ("search", lambda: floor.hub.json("/catalog/search", q="bread")),
        ]
        with Reads(reads, []) as quiet:
            time.sleep(5)
        print(f"screens before: {quiet.said()}", flush=True)
        with Reads(reads, [pids["hub"], pids["central"]]) as busy:
            floor.line("up")
            began = time.monotonic()
            while central_head(stage) < wanted:
                time.sleep(0.05)
            took = time.monotonic() - began
        hub, office = busy.peak_mib[pids["hub"]], busy.peak_mib[pids["central"]]
        print(f"drained in {took:.1f} s: {count / took:,.0f} facts/s, projected and durable")
        print(f"screens meanwhile: {busy.said()}")
        print(f"peak memory: hub {hub:.0f} MiB, central {office:.0f} MiB")
        print(f"load average: {psutil.getloadavg()[0]:.1f}")


def snapshot(products: int) -> None:
    """Fill a central with `products`; a hub with nothing fetches them."""
    chance = random.Random(4711)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        credential = central.add_store(place / "office", STORE, "S")
        office = Inventory(place / "office")
        began = time.monotonic()
        for start in range(0, products, CHUNK):
            rows = [product(n, chance) for n in range(start, min(start + CHUNK, products))]
            for at in range(0, len(rows), 1000):
                some = rows[at : at + 1000]
                office.store.run(lambda tx, some=some: office.import_catalog(tx, some))
            office.store.follow()
        office.close()
        print(f"{products:,} products published in {time.monotonic() - began:.0f} s", flush=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        serving = [sys.executable, "-m", "hub.cli", "central", "--port", str(port)]
        process = subprocess.Popen([*serving, "--data", str(place / "office")])
        try:
            url = f"http://127.0.0.1:{port}"
            fetch = [sys.executable, "-m", "tests.bench.backlog", "fetch"]
            subprocess.run([*fetch, folder, url, credential, str(products)], check=True)
            used = psutil.Process(process.pid).memory_info().rss / 2**20
            packed = sum(one.stat().st_size for one in place.glob("**/snapshots/*.zst")) / 2**20
            print(f"central's memory afterwards {used:.0f} MiB; on the line {packed:.0f} MiB")
            print(f"load average: {psutil.getloadavg()[0]:.1f}")
        finally:
            process.terminate()
            process.wait(30)


def fetch(folder: str, url: str, credential: str, products: int) -> None:
    """Be the hub: from nothing to all products, then say how long and how large."""
    place = Path(folder) / "hub"
    hub = StoreSide(place, url, credential)
    began = time.monotonic()
    hub.agent.start()
    until(lambda: hub.read(catalog.count) >= products, "all products are here", 900)
    took = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    hub.close()
    size = (place / "replica.db").stat().st_size / 2**20
    print(f"snapshot of {products:,} products: {took:.1f} s from the first request, made included;")
    print(f"replica.db {size:.0f} MiB, the hub's process at most {peak:.0f} MiB", flush=True)


def main(what: str, *rest: str) -> None:
    if what == "fetch":
        fetch(rest[0], rest[1], rest[2], int(rest[3]))
    elif what == "snapshot":
        snapshot(int(rest[0]) if rest else 1_000_000)
    else:
        drain(int(rest[0]) if rest else 1_000_000)


if __name__ == "__main__":
    main(*sys.argv[1:])
