"""Facts a second that central takes in and projects, durable, on each engine, in turn.

One hub pushes batches as large as the protocol makes them; central is a process of its own.

    python -m tests.bench.push_central [FACTS [ROUNDS]]
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

from hub.chain import ORIGIN, follow
from sync import central, frames
from sync.protocol import Push
from sync.protocol.push import BATCH_MOST
from tests.bench.figures import middle
from tests.bench.storm import fact
from tests.postgres import Server
from tests.sync.pair import until


def facts(rows: int) -> list[bytes]:
    """Return the rows that are pushed: sales of 2,000 articles."""
    return [fact(f"b{n}", f"SKU-{n % 2000}") for n in range(rows)]


def packed(rows: int) -> list[bytes]:
    """Return the rows in batches, as they go over the line."""
    contents = facts(rows)
    pairs = [ORIGIN, *follow(ORIGIN, contents)]
    return [
        frames.pack_push(Push(pairs[at], tuple(contents[at : at + BATCH_MOST])))
        for at in range(0, rows, BATCH_MOST)
    ]


def measure(database: str, rows: int) -> float:
    """Return facts a second, from the first byte to the last answer after commit."""
    bodies = packed(rows)
    with tempfile.TemporaryDirectory() as folder:
        credential = central.add_store(Path(folder), "s", "S", database)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        arguments = ("-m", "hub.cli", "central", "--data", folder, "--port", str(port))
        told = os.environ | {"STOREHUB_CENTRAL_DATABASE": database}
        process = subprocess.Popen(
            [sys.executable, *arguments], env=told, stderr=subprocess.DEVNULL
        )
        try:
            with requests.Session() as session:
                until(lambda: _ready(session, port), "central is ready", 60)
                session.headers.update(
                    {
                        "Authorization": f"Bearer {credential}",
                        "X-StoreHub-Protocol": "1",
                        "Content-Type": "application/x-ndjson",
                        "Content-Encoding": "zstd",
                    }
                )
                url = f"http://127.0.0.1:{port}/sync/v1/stores/s/journal"
                began = time.monotonic()
                for body in bodies:
                    assert session.post(url, data=body, timeout=60).status_code == 200
                return rows / (time.monotonic() - began)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _ready(session: requests.Session, port: int) -> bool:
    try:
        return session.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def run(rows: int = 60_000, rounds: int = 3) -> None:
    """Print the figures: medians of alternating rounds."""
    server = Server()
    try:
        made: dict[str, Callable[[], str]] = {
            "sqlite": lambda: "sqlite",
            "postgresql": server.database,
        }
        rates: dict[str, list[float]] = {name: [] for name in made}
        for _ in range(rounds):
            for name, database in made.items():
                rates[name].append(measure(database(), rows))
        for name, found in rates.items():
            told = ", ".join(f"{rate:,.0f}" for rate in found)
            print(f"push to central on {name}, projected: {middle(found):,.0f} facts/s ({told})")
        ratio = middle(rates["postgresql"]) / middle(rates["sqlite"])
        print(f"PostgreSQL / SQLite: {ratio:.2f}")
    finally:
        server.stop()


if __name__ == "__main__":
    run(*(int(one) for one in sys.argv[1:]))
