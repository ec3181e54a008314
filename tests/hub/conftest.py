"""A shop for the tests of rooms."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.shop import Shop, opened


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path / "shop") as shop:
        yield shop
