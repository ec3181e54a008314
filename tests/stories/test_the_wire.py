"""docs/devices.md, block by block, as a vendor pastes it: mosquitto_pub and mosquitto_sub, TLS."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.floor import ROOT, Floor

pytestmark = pytest.mark.skipif(
    shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is not installed"
)


def blocks() -> list[str]:
    text = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(360)
def test_the_hour_with_mosquitto_pub_does_what_it_says(
    new_floor: Callable[..., Floor], tmp_path: Path
) -> None:
    floor = new_floor()
    floor.receive({"VENDOR": 10})
    (tmp_path / "data").symlink_to(floor.directory)
    command = tmp_path / "storehub"
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m hub.cli "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    found = blocks()
    assert len(found) == 8
    # A machine that does other things as well needs longer to listen.
    unhurried = [re.sub(r"\bsleep 1\b", "sleep 4", block) for block in found]
    script = "set -eo pipefail\n" + "\necho ---\n".join(unhurried)
    answer = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path, env=floor.environment | {"PATH": f"{tmp_path}:/usr/bin:/bin:/usr/local/bin"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    told = answer.stdout.split("---\n")
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
    assert told[1] == '{"acks":[{"id":"v-1","status":"committed"}]}\n'
    assert told[2] == '{"acks":[{"id":"v-1","status":"duplicate"}]}\n'
    assert '"reason":"id_reused","status":"quarantined"' in told[3]
    assert told[4].count('"committed"') == 2
    assert '"id":"v-4","reason":"bad_data","status":"quarantined"' in told[4]
    assert "vendor-1" in told[5]
    assert "/cmd/identify {" in told[6]
    assert '{"acks":[{"id":"v-5","status":"committed"}]}' in told[6]
    assert floor.stock("VENDOR")["on_hand"] == 7
