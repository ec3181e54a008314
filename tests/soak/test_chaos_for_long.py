"""The chaos of tests/kill, for SOAK_MINUTES (30 unless told; CHAOS_SEED repeats a run)."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.floor import Floor
from tests.kill.chaos import chaos

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))


@pytest.mark.timeout(MINUTES * 60 + 900)
def test_whatever_dies_for_half_an_hour_each_sale_is_committed_once(
    new_floor: Callable[..., Floor], tmp_path: Path
) -> None:
    seed = int(os.environ.get("CHAOS_SEED", secrets.randbelow(10**6)))
    chaos(new_floor("mosquitto"), tmp_path / "chaos", MINUTES * 60, seed)
