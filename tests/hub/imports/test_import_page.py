"""docs/import.md and the code name the same columns and the same bounds."""

import re
from pathlib import Path

from hub.imports import chunks, kinds, source, values

PAGE = (Path(__file__).parents[3] / "docs" / "import.md").read_text(encoding="utf-8")


def columns_in(kind: str) -> set[str]:
    section = PAGE.partition(f"## `import {kind}`")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)}


def test_every_column_is_described_and_every_described_column_is_read() -> None:
    for kind, columns in kinds.COLUMNS.items():
        assert columns_in(kind) == set(columns), kind


def test_the_page_states_the_bounds_that_the_code_keeps() -> None:
    assert f"{chunks.LINES} counts in one transaction" in PAGE
    assert f"up to {chunks.FEED_ROWS:,} rows in one request" in PAGE
    assert f"at most {source.MAX_LINE // 1024} KiB" in PAGE
    assert f"0 to {values.MAX_QTY:,}" in PAGE
    assert chunks.REASON in PAGE
