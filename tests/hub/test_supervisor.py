import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hub import ports
from hub.errors import Refusal, Unavailable
from hub.supervisor import Child, Supervisor, end_strays


def sleeper(tmp_path: Path, code: str = "import time; time.sleep(60)") -> Child:
    return Child("sleeper", [sys.executable, "-c", code], tmp_path / "log")


def wait_for(condition, within_s: float = 60.0) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_killed_child_is_started_again_and_told_of(tmp_path: Path) -> None:
    changes: list[int] = []
    supervisor = Supervisor(lambda: changes.append(1))
    child = sleeper(tmp_path)
    supervisor.add(child)
    stop = threading.Event()
    watch = threading.Thread(target=supervisor.watch, args=(stop,))
    watch.start()
    first = child.pid
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: child.pid != first)
    stop.set()
    watch.join()
    supervisor.stop()
    assert changes == [1, 1]
    assert child.process is not None
    assert child.process.poll() is not None


def test_a_child_that_is_killed_before_it_was_ready_is_started_again(tmp_path: Path) -> None:
    pids: list[int] = []

    def ready() -> bool:
        if len(pids) == 1:
            os.kill(child.pid, signal.SIGKILL)
        return len(pids) == 2

    child = Child("sleeper", sleeper(tmp_path).arguments, tmp_path / "log", ready=ready)
    supervisor = Supervisor(lambda: pids.append(child.pid))
    supervisor.add(child)
    supervisor.stop()
    assert len(set(pids)) == 2


def test_a_child_that_keeps_dying_is_started_ever_more_slowly(tmp_path: Path) -> None:
    supervisor = Supervisor(lambda: None)
    child = sleeper(tmp_path, "raise SystemExit(3)")
    child.start()
    supervisor.children.append(child)
    starts, now = [], 0.0
    while len(starts) < 6:
        assert child.process is not None
        child.process.wait()
        before = child.pid
        supervisor.step(now)
        if child.pid != before:
            starts.append(now)
        now += 0.05
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert gaps == sorted(gaps)
    assert gaps[-1] > 4 * gaps[0]
    supervisor.stop()


def test_who_does_not_get_ready_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = sleeper(tmp_path, "print('no such table'); raise SystemExit(1)")
    child.ready = lambda: False
    supervisor = Supervisor(lambda: None)
    with pytest.raises(Unavailable, match="no such table"):
        supervisor.add(child)
    supervisor.stop()


def test_a_stray_of_ours_is_ended_and_a_stranger_is_left_alone(tmp_path: Path) -> None:
    def sleeping(*arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", *arguments])

    ours = sleeping("hub.cli", "run", "--data", str(tmp_path / "data"))
    strangers = [sleeping(), sleeping("hub.cli", "run", "--data", str(tmp_path / "other"))]
    reaper = threading.Thread(target=ours.wait)
    reaper.start()
    pids = {"ours": ours.pid, "gone": 2**22 - 1}
    pids |= {str(stranger.pid): stranger.pid for stranger in strangers}
    end_strays(pids, tmp_path / "data")
    reaper.join(60)
    assert ours.poll() is not None
    for stranger in strangers:
        assert stranger.poll() is None
        stranger.kill()
        stranger.wait()


def test_a_base_whose_ports_are_taken_is_refused() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refusal, match="taken"):
            ports.from_base(taken.getsockname()[1])


def test_the_demo_finds_six_different_ports() -> None:
    assert len(set(ports.usual_or_free())) == 6
