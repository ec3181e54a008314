"""PostgreSQL and central's workers are killed for long while hubs push and orders come in.

SOAK_MINUTES says how long (15 unless told), SOAK_SEED which trouble (printed at the start).
"""

import os
import secrets
from pathlib import Path

import pytest

from tests.components import require
from tests.postgres import Server
from tests.sync.workers import Trouble

MINUTES = float(os.environ.get("SOAK_MINUTES", "15"))


@pytest.mark.timeout(MINUTES * 60 + 600)
def test_kills_for_long_lose_and_double_nothing(tmp_path: Path) -> None:
    require("postgresql")
    seed = int(os.environ.get("SOAK_SEED", secrets.randbelow(10**6)))
    print(f"SOAK_SEED={seed}")
    server = Server()
    try:
        trouble = Trouble(tmp_path, server, seed)
        try:
            trouble.go(kills=20, seconds=MINUTES * 60)
            trouble.count()
            print(f"killed: {trouble.killed}; orders: {len(trouble.placed)}")
        finally:
            trouble.close()
    finally:
        server.stop()
