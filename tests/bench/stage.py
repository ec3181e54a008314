"""A running store to measure, with generators in C and the hub's own file to count in.

It must never measure a store that somebody uses: it starts one in a temporary directory.
"""

import itertools
import json
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.components import which
from tests.floor import ROOT, Floor, free_ports

WAIT_S = 120.0
ORIGIN = f"b{secrets.token_hex(6)}"
_numbers = itertools.count(1)


def observation(n: int, **changes: Any) -> dict[str, Any]:
    """Return an observation of about 250 bytes, its id as `devices/client.py` gives them."""
    return {
        "id": f"{ORIGIN}-{next(_numbers)}",
        "boot": "bench",
        "seq": n,
        "at": None,
        "uptime_ms": n,
        "time_quality": "unknown",
        "data": {"grams": 400 + n % 100},
    } | changes


class Stage:
    """The floor, its broker's address and the credentials to publish with."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        facts = floor.facts()
        url = urlsplit(facts["urls"]["mqtt"])
        self.host, self.port = url.hostname or "127.0.0.1", url.port or 1883
        self.devices = facts["devices"]
        self.token: str = facts["tokens"]["hub"]
        self.url: str = facts["urls"]["hub"]
        self.database = sqlite3.connect(
            f"file:{floor.directory / 'hub.db'}?mode=ro", uri=True, check_same_thread=False
        )

    def pid(self, name: str) -> int:
        pid: int = self.floor.facts()["pids"][name]
        return pid

    def telemetry(self) -> int:
        (high,) = self.database.execute("SELECT coalesce(max(n), 0) FROM telemetry").fetchone()
        return int(high)

    def topic(self, device: int, kind: str) -> str:
        return f"storehub/v1/{self.floor.store}/{self.devices[device]['id']}/obs/{kind}"

    def generator(self, device: int, topic: str) -> "subprocess.Popen[bytes]":
        known = self.devices[device]
        return mosquitto_pub(self.port, known["username"], known["password"], topic)


def mosquitto_pub(port: int, user: str, password: str, topic: str) -> "subprocess.Popen[bytes]":
    """Start the generator in C: each line that it reads is one message at QoS 1."""
    return subprocess.Popen(
        [which("mosquitto_pub") or "mosquitto_pub", "-h", "127.0.0.1", "-p", str(port),
         "-u", user, "-P", password, "-i", f"gen-{secrets.token_hex(4)}",
         "-q", "1", "-V", "5", "-D", "connect", "receive-maximum", "500", "-t", topic, "-l"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def pour(
    generators: Sequence["subprocess.Popen[bytes]"],
    lines: Sequence[bytes],
    count: Callable[[], int],
    each: int = 1,
) -> float:
    """Feed `lines` to the generators in turn; return observations a second until all count."""
    before = count()
    shares = [b"".join(lines[n :: len(generators)]) for n in range(len(generators))]
    began = time.monotonic()
    feeders = []
    for generator, share in zip(generators, shares, strict=True):
        feeder = threading.Thread(target=_feed, args=(generator, share))
        feeder.start()
        feeders.append(feeder)
    wanted = before + len(lines) * each
    while count() < wanted:
        if time.monotonic() - began > WAIT_S:
            raise TimeoutError(f"{wanted - count()} observations never came")
        time.sleep(0.01)
    took = time.monotonic() - began
    for feeder, generator in zip(feeders, generators, strict=True):
        feeder.join()
        generator.wait(10)
    return len(lines) * each / took


def _feed(generator: "subprocess.Popen[bytes]", share: bytes) -> None:
    assert generator.stdin is not None
    generator.stdin.write(share)
    generator.stdin.close()


@contextmanager
def steady(stage: Stage, rate: int, device: int = 1) -> Iterator[None]:
    """Publish `rate` telemetry observations a second while the block runs."""
    if rate <= 0:
        yield
        return
    generator = stage.generator(device, stage.topic(device, "weight"))
    stop = threading.Event()

    def feed() -> None:
        assert generator.stdin is not None
        began, sent = time.monotonic(), 0
        while not stop.wait(0.005):
            due = int((time.monotonic() - began) * rate)
            lines = [json.dumps(observation(n)).encode() + b"\n" for n in range(sent, due)]
            generator.stdin.write(b"".join(lines))
            generator.stdin.flush()
            sent = due
        generator.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        stop.set()
        feeder.join()
        generator.wait(30)


@contextmanager
def busy(stage: Stage, seconds: float, streams: int = 20) -> Iterator[dict[str, Any]]:
    """Run the web load beside the block; the yielded dict has its times after the block."""
    times: dict[str, Any] = {}
    load = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.load", stage.url, stage.token, str(seconds),
         str(streams), "40", "40", "20"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield times
        output, _ = load.communicate(timeout=seconds + 60)
        times.update(json.loads(output))
    finally:
        load.kill()
        load.wait()


@contextmanager
def started(**environment: str) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="storehub-bench-") as directory:
        floor = Floor(Path(directory) / "data", broker="mosquitto", **environment)
        try:
            floor.start()
            floor.receive({"BENCH": 1_000_000})
            yield Stage(floor)
        finally:
            floor.stop()


@contextmanager
def peer(directory: Path) -> Iterator[tuple[int, Callable[[], int]]]:
    """Start the peer with a broker configured as the hub's; yield its port and its count."""
    port = free_ports(1)
    passwords = directory / "passwd"
    passwords.touch(mode=0o600)
    for user in ("peer", "dev"):
        maker = which("mosquitto_passwd") or "mosquitto_passwd"
        subprocess.run([maker, "-b", str(passwords), user, "secret"], check=True)
    configuration = directory / "mosquitto.conf"
    configuration.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
        "user root\npersistence false\nmax_queued_messages 100000\nmax_queued_bytes 268435456\n"
        "max_inflight_messages 2000\nset_tcp_nodelay true\nlog_type error\n"
    )
    broker = subprocess.Popen(
        [which("mosquitto") or "mosquitto", "-c", str(configuration)], stderr=subprocess.DEVNULL
    )
    path = directory / "peer.db"
    time.sleep(0.5)
    hub = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.peer", str(port), "peer", "secret", "bench/#",
         str(path)],
        cwd=ROOT,
    )  # fmt: skip
    time.sleep(1.0)
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def count() -> int:
        (high,) = database.execute("SELECT coalesce(max(n), 0) FROM raw").fetchone()
        return int(high)

    try:
        yield port, count
    finally:
        for process in (hub, broker):
            process.terminate()
            process.wait(10)
