"""Figures of the whole: push to central, memory with screens open, time to be ready."""

import secrets
import subprocess
import time

import psutil

from tests.bench.figures import Row, middle
from tests.bench.load import listen
from tests.bench.stage import Stage
from tests.floor import COMMAND, ROOT

FACTS = 30_000


def push(stage: Stage) -> list[Row]:
    """The line is cut, facts pile up, the line returns: facts a second until central has all."""
    floor = stage.floor
    floor.in_step()
    floor.line("down")
    before = floor.status()["seq"]
    for _ in range(FACTS // 500):
        floor.receive({f"PUSH-{secrets.token_hex(4)}": 1 for _ in range(500)})
    facts = floor.status()["seq"] - before
    floor.line("up")
    began = time.monotonic()
    wanted = floor.status()["seq"]
    first = None
    while True:
        head = central_head(stage)
        now = time.monotonic()
        if first is None and head > before:
            first = now
        if head >= wanted:
            break
        if now - began > 120:
            raise TimeoutError("central never had all")
        time.sleep(0.01)
    rate = facts / (now - began)
    return [
        Row(
            "sync push through the line to central on SQLite, projected", f"{rate:,.0f} facts/s",
            "≥ 30,000/s", rate >= 30_000,
            "PouchDB → express-pouchdb, measured earlier, not in this run, not fsynced: 4,300/s",
            f"{rate / 4300:.1f}",
            f"{facts:,} facts; from the line's return, {(first or now) - began:.2f} s of it until "
            "the first batch was there.",
        )
    ]  # fmt: skip


def central_head(stage: Stage) -> int:
    stores = stage.floor.central.json("/stores")
    items = stores["items"] if isinstance(stores, dict) else stores
    head: int = next(one for one in items if one["store"] == stage.floor.store)["head"]["seq"]
    return head


def fresh_memory(stage: Stage) -> list[Row]:
    """Before anything else: a store that has just been opened, 20 screens on it."""
    return memory(stage, "a store just opened")


def memory(stage: Stage, when: str = "after this whole run") -> list[Row]:
    facts = stage.floor.facts()
    lines = [listen(facts["urls"]["hub"], facts["tokens"]["hub"], [0]) for _ in range(20)]
    time.sleep(3)
    used = psutil.Process(facts["pids"]["hub"]).memory_info().rss / 2**20
    for line in lines:
        line.close()
    return [
        Row(f"memory of the hub, {when}, 20 screens open", f"{used:.0f} MiB", "≤ 100 MiB",
            used <= 100,
            why="Not profiled; the growth came with the full-speed ingest of this run.")
    ]  # fmt: skip


def cold_start(stage: Stage) -> list[Row]:
    """End the hub by signal 9; from its supervisor's start of the next one to /readyz."""
    times = []
    for _ in range(3):
        before = stage.pid("hub")
        stage.floor.kill("hub")
        while (now := stage.pid("hub")) == before:
            time.sleep(0.005)
        created = psutil.Process(now).create_time()
        stage.floor.wait_ready()
        times.append(time.time() - created)
        time.sleep(2)
    took = middle(times)
    bare = python_start()
    return [
        Row("cold start to ready", f"{took:.2f} s", "≤ 2 s", took <= 2,
            f"the same Python importing the hub and stopping: {bare:.2f} s",
            f"{took / bare:.1f}", "Imports are the most of it.")
    ]  # fmt: skip


def python_start() -> float:
    times = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([*COMMAND[:2], "import hub.app"], cwd=ROOT, check=True)
        times.append(time.monotonic() - began)
    return middle(times)
