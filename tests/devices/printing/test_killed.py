"""The printer's process is killed at any time: never two papers, and the doubt is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from devices.printing.double import PaperDouble
from tests.components import ROOT
from tests.devices.printing.desk import Desk, codes, printing, slip, until

LINES = 6
# A whole life of the printer's side: it prints J1 and then waits.
LIFE = """
import sys
from pathlib import Path
from tests.devices.printing.desk import Desk, printing, slip
desk = Desk(Path(sys.argv[1]))
with printing(desk, sys.argv[2], finish_s=60.0, stall_s=60.0):
    print("up", flush=True)
    desk.print("J1", slip("J1", int(sys.argv[3])))
    sys.stdin.read()
"""


@pytest.mark.kill
@pytest.mark.slow
# Bytes that the printer has got: none of the job, its head, its middle, all but the last word.
@pytest.mark.parametrize("after", [4_700, 10_000, 40_000, 55_000])
def test_a_killed_process_never_prints_twice(tmp_path: Path, after: int) -> None:
    with PaperDouble() as double:
        double.state.bytes_per_s = 60_000
        life = subprocess.Popen(
            [sys.executable, "-c", LIFE, str(tmp_path), double.address, str(LINES)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        until(lambda: double.received >= after)
        life.kill()
        life.communicate()
        double.state.bytes_per_s = 0
        desk = Desk(tmp_path)
        with printing(desk, double.address):
            desk.print("J1", slip("J1", LINES))
            desk.print("J2")
            until(lambda: desk.state("J1") and desk.state("J2") == "printed")
        desk.outbox.close()
        read = [text for paper in double.papers for text in codes(paper)]
        assert set(desk.states("J1")) == {"in_doubt"}
        assert read.count("SH1:O:J1") <= 1
        assert read.count("SH1:O:J2") == 1
