"""PostgreSQL and central's workers are killed while hubs push and orders come in: all is there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components import require
from tests.postgres import Server
from tests.sync.workers import Trouble

pytestmark = [pytest.mark.slow, pytest.mark.kill]
KILLS = 5


@pytest.fixture
def server() -> Iterator[Server]:
    require("postgresql")
    made = Server()
    yield made
    made.stop()


def test_kills_at_random_lose_and_double_nothing(server: Server, tmp_path: Path) -> None:
    trouble = Trouble(tmp_path, server, seed=5)
    try:
        trouble.go(KILLS)
        trouble.count()
    finally:
        trouble.close()
    assert trouble.placed
    assert min(trouble.killed.values()) >= 2
