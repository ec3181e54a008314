"""`storehub verify` fails, and says where, when anything of the store's history was changed."""

import json
import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.components import require
from tests.floor import COMMAND, ROOT, Floor

SKU = "VERIFY-1"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a store that was worked in and then stopped."""
    require("mosquitto")
    floor = Floor(tmp_path_factory.mktemp("verify") / "data")
    try:
        floor.start()
        floor.receive({SKU: 9})
        for _ in range(5):
            lines = [{"sku": SKU, "qty": 1}]
            floor.hub.done("/sales", {"sale_id": secrets.token_hex(4), "lines": lines})
        order_id = floor.place({SKU: 1})["order_id"]
        floor.arrived(order_id)
        floor.in_step()
    finally:
        floor.stop()
    return floor.directory


def verify(directory: Path) -> tuple[int, dict[str, Any]]:
    answer = subprocess.run(
        [*COMMAND, "verify", "--json", "--data", str(directory)],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in answer.stderr, answer.stderr
    return answer.returncode, json.loads(answer.stdout)


def test_an_untouched_history_verifies(history: Path) -> None:
    code, report = verify(history)
    assert (code, report["ok"]) == (0, True), report
    assert {check["name"] for check in report["checks"]} >= {"chain", "rebuild"}


def middle(connection: sqlite3.Connection) -> int:
    (seq,) = connection.execute("SELECT max(seq) / 2 FROM journal").fetchone()
    return int(seq)


def flip_a_byte(connection: sqlite3.Connection) -> str:
    seq = middle(connection)
    (entry,) = connection.execute("SELECT entry FROM journal WHERE seq = ?", (seq,)).fetchone()
    # A digit within the body: the entry is still JSON, and says something else.
    at = next(n for n in range(len(entry) - 1, 0, -1) if chr(entry[n]).isdigit())
    other = b"1" if entry[at : at + 1] != b"1" else b"2"
    damaged = entry[:at] + other + entry[at + 1 :]
    connection.execute("UPDATE journal SET entry = ? WHERE seq = ?", (damaged, seq))
    return str(seq)


def delete_an_entry(connection: sqlite3.Connection) -> str:
    seq = middle(connection)
    connection.execute("DELETE FROM journal WHERE seq = ?", (seq,))
    return str(seq)


def swap_two_hashes(connection: sqlite3.Connection) -> str:
    seq = middle(connection)
    rows = dict(
        connection.execute(
            "SELECT seq, hash FROM journal WHERE seq IN (?, ?)", (seq, seq + 1)
        ).fetchall()
    )
    connection.execute("UPDATE journal SET hash = ? WHERE seq = ?", (rows[seq + 1], seq))
    connection.execute("UPDATE journal SET hash = ? WHERE seq = ?", (rows[seq], seq + 1))
    return str(seq)


def change_a_balance(connection: sqlite3.Connection) -> str:
    connection.execute(
        "UPDATE stock_balance SET qty = qty + 1 WHERE sku = ? AND bucket = 'available'", (SKU,)
    )
    return SKU


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        (flip_a_byte, "chain"),
        (delete_an_entry, "chain"),
        (swap_two_hashes, "chain"),
        (change_a_balance, "rebuild"),
    ],
    ids=["one flipped byte", "a deleted entry", "two swapped hashes", "a changed balance"],
)
def test_damage_is_found_and_named(
    history: Path, tmp_path: Path, damage: Callable[[sqlite3.Connection], str], check: str
) -> None:
    directory = tmp_path / "data"
    shutil.copytree(history, directory, ignore=shutil.ignore_patterns("*.sock", "broker"))
    connection = sqlite3.connect(directory / "hub.db", isolation_level=None)
    where = damage(connection)
    connection.close()
    code, report = verify(directory)
    assert (code, report["ok"]) == (1, False)
    failed = {one["name"]: one["detail"] for one in report["checks"] if not one["ok"]}
    assert where in failed[check], failed
