"""A person looks at rights, asks for them and takes them back from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hub.cli import storehub
from hub.settings import Settings
from hub.stock import actions as stock
from hub.stock.facts import RightsGranted, RightsTold
from hub.store import Store
from sync import tables as sync_tables


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store that lent central 9 units of A; central spent 2 of them."""
    known = (sync_tables.MIGRATIONS,)
    with Store(tmp_path, Settings(store="s1", ballast_mib=0), migrations=known) as store:
        goods = [{"sku": "A", "qty": 20}]
        store.writer.run(lambda tx: stock.receive(tx, "R-1", goods, actor="hub", cause="in"))
        facts = [RightsGranted(sku="A", granted=9), RightsTold(sku="A", returned=0, spent=2)]
        store.writer.run(lambda tx: tx.append(facts, cause="lent", actor="hub"))
    return tmp_path


def said(data: Path, *arguments: str) -> Any:
    answer = CliRunner().invoke(storehub, [*arguments, "--data", str(data), "--json"])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_rights_are_shown_asked_back_and_taken_back(data: Path) -> None:
    (row,) = said(data, "rights", "show")
    assert (row["sku"], row["held"], row["granted"], row["spent"]) == ("A", 7, 9, 2)
    assert said(data, "rights", "show", "B") == []
    assert said(data, "rights", "return", "A", "--qty", "3")["asked"] == 3
    assert said(data, "rights", "return", "A")["asked"] == 4
    assert said(data, "rights", "return", "A")["asked"] == 0
    assert said(data, "rights", "reclaim", "A", "--qty", "5", "--yes")["held"] == 2
    (row,) = said(data, "rights", "show", "A")
    assert (row["asked_back"], row["taken_back"], row["held"]) == (7, 5, 2)


def test_more_than_central_holds_is_not_asked_back(data: Path) -> None:
    answer = CliRunner().invoke(
        storehub, ["rights", "return", "A", "--qty", "8", "--data", str(data)]
    )
    assert answer.exit_code == 1
    assert "Central holds 7 of SKU A" in str(answer.exception)


def test_taking_back_asks_first(data: Path) -> None:
    answer = CliRunner().invoke(
        storehub, ["rights", "reclaim", "A", "--data", str(data)], input="n\n"
    )
    assert answer.exit_code == 1
    assert "is promised twice" in answer.output
    assert said(data, "rights", "show")[0]["held"] == 7


def test_a_store_at_rest_explains_its_numbers_too(data: Path) -> None:
    told = said(data, "explain", "stock", "A")
    assert (told["on_hand"], told["available_to_promise"], told["rights"]["held"]) == (20, 13, 7)
    assert [move["type"] for move in told["moves"]] == [
        "RightsTold", "RightsGranted", "StockMoved",
    ]  # fmt: skip
    lines = CliRunner().invoke(storehub, ["explain", "stock", "A", "--data", str(data)]).output
    assert "RECEIVE 20 supplier → available  R-1  by hub (in)" in lines
    assert "central   was never heard" in lines
