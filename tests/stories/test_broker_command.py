"""The broker of a store that no demo runs: by one command, or by its files, elsewhere."""

import getpass
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.components import require, which
from tests.floor import COMMAND, ROOT, free_ports
from tests.hub.ingesting import until


class Shop:
    """`storehub init`, and a device that was enrolled; no hub runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        base = free_ports(2)
        self.plain, self.secure = base, base + 1
        self.environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "STOREHUB_MQTT_PORT": str(self.plain),
            "STOREHUB_MQTTS_PORT": str(self.secure),
        }
        told = self.storehub("init", "--store", "s-1")
        assert "CA, SHA-256" in told
        lines = self.storehub("device", "enrol", "till-1").splitlines()
        self.password = dict(line.split() for line in lines)["password"]

    def storehub(self, *arguments: str) -> str:
        return subprocess.run(
            [*COMMAND, *arguments, "--data", str(self.directory)],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60, check=True,
        ).stdout  # fmt: skip

    @contextmanager
    def running(self, command: list[str]) -> Iterator[None]:
        with subprocess.Popen(command, cwd=ROOT, env=self.environment) as process:
            try:
                until(lambda: self.says("x", "till-1") == 0, "the device can publish over TLS")
                yield
            finally:
                process.terminate()

    def says(self, text: str, device: str) -> int:
        """Publish over TLS as the device; return mosquitto_pub's exit code."""
        return subprocess.run(
            ["mosquitto_pub", "-V", "5", "-h", "127.0.0.1", "-p", str(self.secure), "-q", "1",
             "--cafile", str(self.directory / "tls" / "ca.pem"), "-u", device, "-P", self.password,
             "-t", f"storehub/v1/s-1/{device}/obs/heartbeat", "-m", text],
            capture_output=True, timeout=20,
        ).returncode  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    require("mosquitto", "mosquitto_pub")
    return Shop(tmp_path / "data")


def test_one_command_runs_the_store_s_broker(shop: Shop) -> None:
    with shop.running([*COMMAND, "broker", "run", "--data", str(shop.directory)]):
        assert shop.says("x", "till-2") != 0
        shop.storehub("device", "revoke", "till-1")
        until(lambda: shop.says("x", "till-1") != 0, "a revoked device is turned away")


def test_its_files_run_a_mosquitto_that_knows_nothing_of_the_store(
    shop: Shop, tmp_path: Path
) -> None:
    out, state = tmp_path / "out", tmp_path / "state"
    state.mkdir()
    where = ("--out", str(out), "--at", str(out), "--state", str(state))
    shop.storehub("broker", "config", *where, "--user", getpass.getuser())
    with shop.running([str(which("mosquitto")), "-c", str(out / "mosquitto.conf")]):
        assert shop.says("x", "till-2") != 0
