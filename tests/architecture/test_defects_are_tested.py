"""Each test that docs/defects.md names exists, and no defect of the list is passed over."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/defects.md").read_text()
NAMED = re.findall(r"`([\w/]+\.py)::(test_\w+)`", PAGE)


def test_each_test_that_the_page_of_defects_names_is_there() -> None:
    assert len(NAMED) > 20
    missing = []
    for file, name in NAMED:
        tree = ast.parse((ROOT / "tests" / file).read_text())
        if name not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}:
            missing.append(f"{file}::{name}")
    assert missing == []


def test_each_of_the_twenty_defects_is_answered() -> None:
    rows = {int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    left = PAGE.partition("Not tested")[2]
    told = rows | {int(number) for number in re.findall(r"(\d+) \(", left)}
    assert told == set(range(1, 21))
