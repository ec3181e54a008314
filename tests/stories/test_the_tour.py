"""The README's five-minute tour, block by block, as a newcomer pastes it."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.floor import ROOT, Floor


def blocks() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tour = text.split("## Five minutes", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```sh\n(.*?)^```", tour, re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(300)
def test_the_tour_of_the_readme_does_what_it_says(
    new_floor: Callable[..., Floor], tmp_path: Path
) -> None:
    found = blocks()
    assert len(found) >= 5
    floor = new_floor()
    place = tmp_path / "clone"
    (place / ".venv" / "bin").mkdir(parents=True)
    (place / ".venv" / "bin" / "activate").write_text("")
    (place / "data").symlink_to(floor.directory)
    command = place / "storehub"
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m hub.cli "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    script = "set -eo pipefail\n" + "\n".join(found)
    answer = subprocess.run(
        ["bash", "-c", script],
        cwd=place, env=floor.environment | {"PATH": f"{place}:/usr/bin:/bin:/usr/local/bin"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
    assert '"state":"PICKED_UP"' in answer.stdout
