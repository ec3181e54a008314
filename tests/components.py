"""Says in one sentence what a test lacks; in CI a lack is a failure, elsewhere a skip."""

import os
import shutil
from collections.abc import Callable
from ctypes.util import find_library
from pathlib import Path
from typing import Final

import pytest

SBIN: Final = ":/usr/local/sbin:/usr/sbin:/sbin"
ROOT: Final = Path(__file__).parents[1]


def which(command: str) -> str | None:
    return shutil.which(command, path=os.environ.get("PATH", "") + SBIN)


def postgres_bin() -> Path | None:
    """Return the folder of the newest PostgreSQL server: Debian keeps it off the PATH."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda one: int(one.parts[-3])
    )
    if found:
        return found[-1].parent
    other = which("postgres")
    return Path(other).parent if other else None


COMPONENTS: Final[dict[str, tuple[Callable[[], object], str]]] = {
    "mosquitto": (
        lambda: which("mosquitto"),
        "mosquitto is not installed: sudo apt-get install mosquitto",
    ),
    "mosquitto_pub": (
        lambda: which("mosquitto_pub"),
        "mosquitto_pub is not installed: sudo apt-get install mosquitto-clients",
    ),
    "chromium": (
        lambda: which("chromium"),
        "Chromium is not installed: sudo apt-get install chromium fonts-dejavu-core",
    ),
    "ffmpeg": (lambda: which("ffmpeg"), "ffmpeg is not installed: sudo apt-get install ffmpeg"),
    "zbar": (
        lambda: find_library("zbar"),
        "libzbar is not installed: sudo apt-get install libzbar0",
    ),
    "postgresql": (
        postgres_bin,
        "PostgreSQL is not installed: sudo apt-get install postgresql",
    ),
    "root": (lambda: os.geteuid() == 0, "only root may mount the small disk that this test fills"),
}
# These are nobody's to install: without them a test is left out in CI as well.
OPTIONAL: Final = frozenset({"root"})


def require(*names: str) -> None:
    """Skip the running test, or fail it in CI, when one of `names` is not on this machine."""
    for name in names:
        there, sentence = COMPONENTS[name]
        if there():
            continue
        if os.environ.get("CI") == "true" and name not in OPTIONAL:
            pytest.fail(f"CI lacks a component: {sentence}", pytrace=False)
        pytest.skip(sentence)


def shared_data(*parts: str) -> Path:
    """Return a file of the data that lies beside the project, or skip the running test."""
    path = ROOT.parent.joinpath("shared", "data", *parts)
    if not path.exists():
        pytest.skip(f"the shared data {'/'.join(parts)} does not lie beside the project")
    return path
