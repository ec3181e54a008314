"""RFID reads of four readers, through the gateway to the hub: can it follow 1,000 a second?"""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from devices.account import Account
from tests.bench.figures import Row
from tests.bench.stage import Stage, mosquitto_pub, pour
from tests.floor import COMMAND, ROOT

READERS = 4
RATE = 1_000
SECONDS = 20
FLOOD = 20_000
# Behind means: what was said a second ago is not there yet.
BEHIND_S = 1.0


def measure(stage: Stage) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory, gateway(stage, Path(directory)) as readers:
        worst, after, cpu = steady(stage, readers)
        rate = flood(stage, readers)
    return [
        Row(
            f"RFID, {RATE:,} reads/s from {READERS} readers through the gateway",
            f"{worst:.2f} s behind at worst, {after:.2f} s after the last read",
            f"≤ {BEHIND_S:.0f} s",
            max(worst, after) <= BEHIND_S,
            f"the gateway's process takes {cpu:.0%} of a core meanwhile",
        ),
        Row(
            "RFID, as fast as it goes",
            f"{rate:,.0f} reads/s",
            f"≥ {RATE:,}/s",
            rate >= RATE,
            why="Each message is one read here; readers that put several into one are faster.",
        ),
    ]


@contextmanager
def gateway(stage: Stage, directory: Path) -> Iterator[list[tuple[str, str]]]:
    """Enrol four readers and run `storehub devices run`; yield (reader, password) of each."""
    account = enrolled(stage, "bench-gateway", "--kind", "gateway")
    account.save(directory / "devices" / "bench-gateway.json")
    (directory / "devices.toml").write_text('[gateway]\ndevice = "bench-gateway"\n')
    readers = []
    for n in range(READERS):
        name = f"reader-{n}"
        how = ("--kind", "rfid", "--family", "impinj", "--via", "bench-gateway")
        made = enrolled(stage, name, *how, "--grant", f"rfid/{name}/#")
        readers.append((name, made.password))
    process = subprocess.Popen(
        [*COMMAND, "devices", "run", "--data", str(directory)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _PIDS["gateway"] = process.pid
    try:
        # The first read that arrives says that the grants are known everywhere.
        before = stage.telemetry()
        end = time.monotonic() + 30
        while stage.telemetry() < before + 3:
            assert time.monotonic() < end, "no read arrives"
            one = generator(stage, *readers[0])
            assert one.stdin is not None
            one.stdin.write(read(0))
            one.stdin.close()
            one.wait(10)
            time.sleep(0.3)
        time.sleep(1.0)
        yield readers
    finally:
        process.terminate()
        process.wait(20)


_PIDS: dict[str, int] = {}


def enrolled(stage: Stage, name: str, *how: str) -> Account:
    made = json.loads(stage.floor.storehub("device", "enrol", name, *how, "--json").stdout)
    return Account(stage.floor.store, name, stage.host, stage.port, name, made["password"])


def generator(stage: Stage, name: str, password: str) -> "subprocess.Popen[bytes]":
    return mosquitto_pub(stage.port, name, password, f"rfid/{name}/tags")


def read(n: int) -> bytes:
    """One read as an R700 tells it, of one of 500 tags."""
    event = {
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{n % 10**9:09d}Z",
        "eventType": "tagInventory",
        "tagInventoryEvent": {
            "epcHex": f"303435FC8803D056D15B{n % 500:04X}",
            "antennaPort": 1 + n % 4,
            "peakRssiCdbm": -7000 + n % 900,
            "frequency": 866900,
        },
    }
    return json.dumps(event).encode() + b"\n"


def steady(stage: Stage, readers: list[tuple[str, str]]) -> tuple[float, float, float]:
    """Read at RATE for SECONDS; return the worst lag, the lag at the end, the gateway's share."""
    pipes = [generator(stage, *one) for one in readers]
    base, began, busy = stage.telemetry(), time.monotonic(), cpu_s()
    sent_at: list[float] = []
    stop = threading.Event()

    def feed() -> None:
        while not stop.wait(0.005):
            due = min(RATE * SECONDS, int((time.monotonic() - began) * RATE))
            for n in range(len(sent_at), due):
                stdin = pipes[n % READERS].stdin
                assert stdin is not None
                stdin.write(read(n))
                sent_at.append(time.monotonic())
            for pipe in pipes:
                assert pipe.stdin is not None
                pipe.stdin.flush()

    feeder = threading.Thread(target=feed)
    feeder.start()
    worst = 0.0
    while len(sent_at) < RATE * SECONDS:
        time.sleep(0.05)
        there = stage.telemetry() - base
        if there < len(sent_at):
            worst = max(worst, time.monotonic() - sent_at[max(0, there)])
    last = time.monotonic()
    share = (cpu_s() - busy) / (last - began)
    while stage.telemetry() - base < RATE * SECONDS:
        assert time.monotonic() - last < 60, "reads are missing"
        time.sleep(0.01)
    after = time.monotonic() - last
    stop.set()
    feeder.join()
    for pipe in pipes:
        assert pipe.stdin is not None
        pipe.stdin.close()
        pipe.wait(10)
    return worst, after, share


def flood(stage: Stage, readers: list[tuple[str, str]]) -> float:
    lines = [read(10_000_000 + n) for n in range(FLOOD)]
    return pour([generator(stage, *one) for one in readers], lines, stage.telemetry)


def cpu_s() -> float:
    """Return the processor time of the gateway's process, its threads together."""
    fields = Path(f"/proc/{_PIDS['gateway']}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
