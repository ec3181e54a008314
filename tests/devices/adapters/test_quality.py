"""devices/quality.yaml says what each family has; nothing there is claimed without a proof."""

import ast
from pathlib import Path
from typing import Any

import yaml

from devices import adapters

HERE = Path(__file__).parents[1]
TESTS = HERE.parent
PAGE: dict[str, Any] = yaml.safe_load(
    (TESTS.parent / "devices" / "quality.yaml").read_text(encoding="utf-8")
)
ROWS = [(family, rule) for family in PAGE["families"] for rule in PAGE["rules"]]


def test_every_adapter_has_a_row_and_every_row_an_adapter() -> None:
    assert set(PAGE["families"]) == {*adapters.BUILT_IN, "mapped"}


def test_a_row_answers_every_rule_and_no_other() -> None:
    for family, row in PAGE["families"].items():
        assert set(row) == set(PAGE["rules"]), family


def test_done_is_backed_and_exempt_says_why() -> None:
    for family, rule in ROWS:
        judge(family, rule)


def judge(family: str, rule: str) -> None:
    ((word, why),) = PAGE["families"][family][rule].items()
    assert word in ("done", "exempt")
    if word == "exempt":
        assert len(why) > 15
    elif "::" not in why:
        assert why.startswith(f"payloads/{family}/")
        assert (TESTS / why).is_file()
    else:
        file, _, name = why.partition("::")
        tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
        assert name in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
