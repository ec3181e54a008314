"""Hub and central for each test that asks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.pair import Both, Central


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    served = Central(tmp_path / "head-office")
    yield served
    served.stop()


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    joined = Both(tmp_path)
    yield joined
    joined.close()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    """A central for tests that leave nothing behind which another would meet."""
    served = Central(tmp_path_factory.mktemp("untouched"))
    yield served
    served.stop()
