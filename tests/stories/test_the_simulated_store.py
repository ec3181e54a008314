"""`storehub simulate`: a whole store lives through real clients and broker, and is played again."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.floor import COMMAND, ROOT, Floor


@pytest.mark.timeout(400)
def test_a_whole_store_lives_is_recorded_and_is_played_again(
    new_floor: Callable[..., Floor], tmp_path: Path
) -> None:
    floor = new_floor()
    tape = tmp_path / "day.jsonl"
    command = [*COMMAND, "simulate", "--whole", "--speed", "60", "--record", str(tape)]
    with (tmp_path / "simulate.log").open("wb") as log:
        living = subprocess.Popen(
            [*command, "--data", str(floor.directory)],
            cwd=ROOT, env=floor.environment, stdout=log, stderr=log,
        )  # fmt: skip
        floor.until(lambda: len(list((floor.directory / "simulated").glob("*.json"))) == 35,
                    "a whole store is let in", 90)  # fmt: skip
        floor.until(lambda: tape.exists() and tape.stat().st_size > 200_000, "it lives", 120)
        living.send_signal(signal.SIGINT)
        assert living.wait(60) == 0, (tmp_path / "simulate.log").read_text()[-3000:]
    lines = [json.loads(line) for line in tape.read_text().splitlines()]
    kinds = {one["kind"] for one in lines}
    assert kinds >= {"weight", "presence", "sale", "kiosk", "heartbeat"}
    assert len({one["device"] for one in lines}) >= 30
    sold = {one["data"]["sale_id"] for one in lines if one["kind"] == "sale"}
    journal = floor.storehub("export", "journal").stdout
    assert any(sale in journal for sale in sold)
    told = floor.storehub("simulate", "--replay", str(tape), "--speed", "5000").stdout
    assert f"{len(lines)} observations were said again, 0 left out." in told
    again = floor.storehub("export", "journal").stdout
    assert all(any(f"{sale}-" in line for line in again.splitlines()) for sale in list(sold)[:5])
    assert floor.verify()["ok"]
