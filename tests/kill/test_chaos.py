"""A minute in which nothing is safe: sales and orders once each, both ends equal."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.floor import Floor
from tests.kill.chaos import chaos

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))


@pytest.mark.timeout(SECONDS + 600)
def test_whatever_dies_each_sale_is_committed_once(
    new_floor: Callable[..., Floor], tmp_path: Path
) -> None:
    seed = int(os.environ.get("CHAOS_SEED", secrets.randbelow(10**6)))
    chaos(new_floor("mosquitto"), tmp_path / "chaos", SECONDS, seed)
