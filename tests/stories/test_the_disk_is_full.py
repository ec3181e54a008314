"""On a full disk promises are refused with a sentence, handover works, and nothing is corrupt."""

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components import require
from tests.floor import Floor


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    require("mosquitto", "root")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(disk)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        pytest.skip(f"this machine lets nobody mount a small disk: {made.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(path: Path) -> None:
    """Write until there is no byte left."""
    with path.open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            block = b"\0" * size
            while True:
                try:
                    if file.write(block) < size:
                        break
                except OSError:
                    break


@pytest.mark.timeout(180)
def test_a_full_disk_refuses_new_orders_hands_over_and_recovers(small_disk: Path) -> None:
    floor = Floor(small_disk / "data", STOREHUB_BALLAST_MIB="8", STOREHUB_DISK_LOW_MIB="8")
    floor.log = small_disk.parent / "demo.log"
    try:
        floor.start()
        sku = f"D-{secrets.token_hex(4)}"
        floor.receive({sku: 10})
        placed = floor.place({sku: 1})
        order_id = placed["order_id"]
        floor.arrived(order_id)
        for step, body in (
            ("claim", {}),
            ("pick", {"line_id": "L1", "qty": 1}),
            ("stage", {"shelf": "SH1:S:A1"}),
            ("ready", {}),
        ):
            floor.step(order_id, step, **body)
        fill(small_disk / "filler")
        # Whatever room was left in the files is used up; then new promises are refused.
        said = floor.until(
            lambda: refusal(floor, sku), "a new promise is refused for want of disk", 30
        )
        assert said.strip()
        done = floor.until(lambda: handed_over(floor, order_id), "handover still works")
        assert done
        (small_disk / "filler").unlink()
        floor.until(lambda: promised(floor, sku), "promises are made again")
        floor.in_step()
        assert floor.verify()["ok"]
    finally:
        floor.stop()


def refusal(floor: Floor, sku: str) -> str:
    answer = floor.hub.post("/holds", {"sku": sku, "qty": 1, "seconds": 1})
    return str(answer.json()["detail"]) if answer.status_code in (409, 503) else ""


def promised(floor: Floor, sku: str) -> bool:
    return floor.hub.post("/holds", {"sku": sku, "qty": 1, "seconds": 1}).status_code == 201


def handed_over(floor: Floor, order_id: str) -> bool:
    proof = {"kind": "id_seen", "value": "passport"}
    return floor.hub.post(f"/orders/{order_id}/handover", {"proof": proof}).status_code == 200
