"""Files of catalogue and stock come in whole, with what was refused and why, and resume."""

import csv
import json
import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.components import shared_data
from tests.floor import COMMAND, ROOT, Floor


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def told_of(floor: Floor, skus: list[str]) -> int:
    """Count the facts about `skus`: others may happen in the store meanwhile."""
    rows = floor.storehub("export", "journal").stdout.splitlines()
    return sum(any(sku in row for sku in skus) for row in rows)


@pytest.mark.timeout(240)
def test_twelve_thousand_real_products_reach_the_store_by_the_feed(floor: Floor) -> None:
    path = shared_data("retail", "open_food_facts_12000.csv")
    floor.storehub("import", "catalog", str(path), "--map", "gtin=gtin,name=name")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = next(row for row in reversed(rows) if row["name"].isascii() and row["name"].strip())

    def found() -> bool:
        items = floor.hub.json("/catalog/search", q=wanted["gtin"])["items"]
        return any(item["gtin"] and wanted["gtin"] in item["gtin"] for item in items)

    floor.until(found, "the last product is found at the hub", 150)


def test_a_stock_file_is_applied_once_however_often_it_is_imported(
    floor: Floor, tmp_path: Path
) -> None:
    skus = [f"IMP-{secrets.token_hex(4)}" for _ in range(120)]
    path = write(tmp_path / "stock.csv", [{"sku": sku, "qty": 7} for sku in skus])
    dry = floor.storehub("import", "stock", str(path), "--dry-run")
    assert dry.returncode == 0
    assert floor.on_hand(skus[0]) == 0, "a dry run applies nothing"
    floor.storehub("import", "stock", str(path))
    facts = told_of(floor, skus)
    assert facts >= len(skus)
    floor.storehub("import", "stock", str(path))
    assert told_of(floor, skus) == facts, "the second time there is nothing left to do"
    assert {floor.stock(sku)["on_hand"] for sku in skus} == {7}


def test_a_file_with_a_wrong_line_is_refused_whole_and_each_line_says_why(
    floor: Floor, tmp_path: Path
) -> None:
    good, bad = f"IMP-{secrets.token_hex(4)}", f"IMP-{secrets.token_hex(4)}"
    rows: list[dict[str, object]] = [{"sku": good, "qty": 3}, {"sku": bad, "qty": "many"}]
    path = write(tmp_path / "stock.csv", rows)
    refused = floor.storehub("import", "stock", str(path), check=False)
    assert refused.returncode == 1
    said = refused.stdout + refused.stderr
    assert "3" in said, "the line's number"
    assert "many" in said or "qty" in said
    assert "Traceback" not in said
    assert floor.on_hand(good) == 0
    floor.storehub("import", "stock", str(path), "--partial", check=False)
    assert floor.stock(good)["on_hand"] == 3
    assert floor.on_hand(bad) == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00garbage", b'sku,qty\n"unclosed,1\n', b"[1,2", b"a,b\n1,2\n"],
    ids=["empty", "no text", "an open quote", "no JSON", "unknown columns"],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(
    floor: Floor, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "stock.csv"
    path.write_bytes(content)
    answer = floor.storehub("import", "stock", str(path), check=False)
    assert answer.returncode == 1
    assert answer.stderr.strip()
    assert "Traceback" not in answer.stderr


def test_a_killed_import_resumes(new_floor: Callable[..., Floor], tmp_path: Path) -> None:
    floor = new_floor()
    skus = [f"IMP-{n}-{secrets.token_hex(3)}" for n in range(3000)]
    path = tmp_path / "stock.jsonl"
    path.write_text("".join(json.dumps({"sku": sku, "qty": 2}) + "\n" for sku in skus))
    command = [*COMMAND, "import", "stock", str(path), "--data", str(floor.directory)]
    started = floor.status()["seq"]
    with subprocess.Popen(
        command, cwd=ROOT, env=floor.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as importing:  # fmt: skip
        end = time.monotonic() + 30
        while floor.status()["seq"] < started + 200 and time.monotonic() < end:
            if importing.poll() is not None:
                break
        importing.send_signal(signal.SIGKILL)
    floor.storehub("import", "stock", str(path))
    wrong = [sku for sku in (*skus[:50], *skus[-50:]) if floor.on_hand(sku) != 2]
    assert wrong == []
    assert floor.verify()["ok"]
