"""Backups, clones and dead disks, as field IT meets them: real processes, and nothing is lost."""

import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.floor import COMMAND, ROOT, Floor, Http, free_ports

pytestmark = pytest.mark.timeout(900)
ONE = "MEND-1"


def sell(hub: Http, units: int = 1) -> None:
    lines = [{"sku": ONE, "qty": units}]
    hub.done("/sales", {"sale_id": secrets.token_hex(6), "lines": lines})


def copied(source: Path, target: Path) -> None:
    """Copy a database while its process goes on."""
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)


@contextmanager
def process(
    directory: Path, *arguments: str, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a `storehub` command for the length of the block."""
    log = directory.parent / f"{directory.name}.log"
    with log.open("a") as written:
        running = subprocess.Popen(
            [*COMMAND, *arguments, "--data", str(directory)],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            stdout=written, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            yield running
        finally:
            if running.poll() is None:
                running.terminate()
                running.wait(60)


@contextmanager
def second_hub(floor: Floor, directory: Path, token: str) -> Iterator[tuple[Any, Http]]:
    """Run another hub on ports of its own, without a broker: it has no devices."""
    port = free_ports(3)
    doors = {
        "STOREHUB_HTTP_PORT": str(port),
        "STOREHUB_HTTPS_PORT": "0",
        "STOREHUB_MQTT_PORT": str(port + 2),
    }
    with process(directory, "run", **doors) as running:
        hub = Http(f"http://127.0.0.1:{port}", token)

        def answers() -> bool:
            try:
                return hub.get("/status").status_code == 200
            except OSError:
                return False

        floor.until(answers, "the second hub answers", 90)
        yield running, hub


def seen(floor: Floor) -> dict[str, Any]:
    found: dict[str, Any] = floor.central.json("/stores")["items"][0]
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the hub runs on Linux")
def test_a_clone_a_backup_an_old_central_and_a_dead_disk_lose_nothing(
    new_floor: Callable[..., Floor], tmp_path: Path
) -> None:
    floor = new_floor()
    floor.receive({ONE: 10_000})
    floor.in_step()
    backup = tmp_path / "yesterday.backup"
    floor.storehub("backup", str(backup))
    copied(floor.directory / "central" / "central.db", tmp_path / "central-yesterday.db")

    # A clone of the data directory goes on line beside the first.
    twin = tmp_path / "twin"
    shutil.copytree(
        floor.directory, twin,
        ignore=shutil.ignore_patterns("*.sock", "*.db*", "*.lock", "broker", "central", "demo*"),
    )  # fmt: skip
    for name in ("hub.db", "replica.db"):
        copied(floor.directory / name, twin / name)
    token = floor.facts()["tokens"]["hub"]
    with second_hub(floor, twin, token) as (running, other):
        sold = 0

        def told_apart() -> bool:
            nonlocal sold
            sell(floor.hub)
            sell(other)
            sold += 1
            return bool(seen(floor)["held"])

        # However long each takes to be heard for the first time.
        floor.until(told_apart, "two processes were told apart", 90)
        floor.until(
            lambda: other.json("/status")["sync"]["state"] == "held", "the younger is held", 90
        )
        # The elder is heard; what the younger pushed before it was held is taken in meanwhile.
        floor.until(lambda: floor.status()["sync"]["state"] == "online", "the elder is heard", 90)
        # It goes on selling, by itself.
        sell(other, 2)
        keep = floor.status()["sync"]["hardware"]
        floor.central.done(f"/stores/{floor.store}/confirm", {"hardware": keep})
        floor.until(lambda: running.poll() is not None, "the retired one stops by itself", 150)
    # An idle hub would look within a minute.
    sell(floor.hub)
    floor.until(lambda: floor.stock(ONE)["on_hand"] == 9_997 - 2 * sold, "all its sales came", 90)
    floor.in_step()
    assert seen(floor)["held"] is False

    # Yesterday's backup is put back, and work goes on.
    placed = floor.place({ONE: 3})
    floor.arrived(placed["order_id"])
    floor.in_step()
    left, seq = floor.stock(ONE)["on_hand"], floor.status()["seq"]
    floor.stop()
    for name in ("hub.db", "replica.db"):
        for old in floor.directory.glob(f"{name}*"):
            old.rename(tmp_path / f"broken-{old.name}")
    floor.storehub("restore", str(backup))
    floor.start()
    floor.until(lambda: floor.status()["sync"]["state"] == "online", "on line again", 90)
    floor.until(lambda: floor.stock(ONE)["on_hand"] == left, "what the backup lacked is here")
    assert floor.arrived(placed["order_id"])
    floor.in_step()
    assert floor.status()["seq"] >= seq
    assert floor.verify()["ok"]

    # Central is put back to yesterday; its hub brings what it lacks.
    floor.stop()
    for old in (floor.directory / "central").glob("central.db-*"):
        old.unlink()
    shutil.copy(tmp_path / "central-yesterday.db", floor.directory / "central" / "central.db")
    floor.start()
    floor.in_step(90)
    told = floor.central.json(f"/orders/{placed['order_id']}")
    assert told["state"] == "RESERVED"
    known = floor.central.json(f"/stores/{floor.store}/stock/{ONE}")
    assert known["on_hand"] == left
    assert floor.verify()["ok"]

    # The box is dead. A new one gets nothing but a token.
    enrolment = floor.central.done(f"/stores/{floor.store}/enrolment", {})["token"]
    port = int(floor.facts()["urls"]["central"].rsplit(":", 1)[1])
    dead, store = floor.directory, floor.store
    floor.stop()
    fresh = tmp_path / "fresh"
    with process(dead, "central", "--port", str(port)):
        url = f"http://127.0.0.1:{port}"
        floor.until(lambda: _answers(url), "central answers")
        made = subprocess.run(
            [*COMMAND, "init", "--store", store, "--central", url, "--enrol", enrolment,
             "--data", str(fresh)],
            cwd=ROOT, env=floor.environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        made = subprocess.run(
            [*COMMAND, "token", "create", "--role", "it", "--json", "--data", str(fresh)],
            cwd=ROOT, env=floor.environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        with second_hub(floor, fresh, json.loads(made.stdout)["token"]) as (_, hub):
            floor.until(lambda: hub.json("/status")["sync"]["state"] == "online", "the new box", 90)
            floor.until(
                lambda: hub.get(f"/stock/{ONE}").json().get("on_hand") == left, "its stock is here"
            )
            assert hub.json(f"/orders/{placed['order_id']}")["state"] == "RESERVED"


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False
