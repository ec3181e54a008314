"""What is installed from a wheel holds each template, text, font and sample that the code opens."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, tracked

PACKAGES = ("hub", "devices", "sync", "kiosk_ui")
BESIDE = ("pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], set[str], set[str]]:
    """Return the packages' files, and what of them a wheel and a source archive hold.

    They are built from the packages alone, far from git: what only git could tell is missing then.
    """
    source = tmp_path_factory.mktemp("source")
    ours = {
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.relative_to(ROOT).parts[0] in PACKAGES
    }
    for name in (*ours, *BESIDE):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    code = "from setuptools import build_meta as b; b.build_sdist('out'); b.build_wheel('out')"
    (source / "out").mkdir()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=source, check=True, capture_output=True
    )
    return ours, _in_wheel(source / "out"), _in_archive(source / "out")


def _in_wheel(out: Path) -> set[str]:
    (path,) = out.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        return set(wheel.namelist())


def _in_archive(out: Path) -> set[str]:
    (path,) = out.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}


def test_the_wheel_and_the_source_archive_hold_every_file_of_the_packages(
    built: tuple[set[str], set[str], set[str]],
) -> None:
    ours, wheel, archive = built
    assert len([name for name in ours if not name.endswith(".py")]) > 100
    assert ours - wheel == set()
    assert ours - archive == set()


def test_the_wheel_brings_nothing_else(built: tuple[set[str], set[str], set[str]]) -> None:
    ours, wheel, _ = built
    assert {name for name in wheel - ours if ".dist-info/" not in name} == set()
