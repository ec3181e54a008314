"""Keeps a handful of processes alive; it must never outlive them or let them outlive it.

In a store systemd does this. The demo, a laptop and the tests do without it.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hub.errors import Unavailable

log = logging.getLogger(__name__)

# A process that dies at once is started again ever more slowly, up to this (seconds).
SLOWEST_S: Final = 10.0
# Whoever has not ended this long after SIGTERM is killed (seconds).
PATIENCE_S: Final = 10.0


@dataclass
class Child:
    """One process: how to start it, and how to tell that it is ready. Without `log` it has ours."""

    name: str
    arguments: Sequence[str]
    log: Path | None
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    due: float = 0.0

    @property
    def pid(self) -> int:
        return 0 if self.process is None else self.process.pid

    def start(self) -> None:
        with nullcontext(None) if self.log is None else self.log.open("ab") as output:
            # A session of its own: Ctrl-C reaches the supervisor alone, which stops all in order.
            self.process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def wait_ready(self, within_s: float, on_change: Callable[[], None]) -> None:
        """Start it again if somebody kills it meanwhile; one that ends by itself has a reason.

        Raises Unavailable with the end of its log when it does not get ready.
        """
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            code = None if self.process is None else self.process.poll()
            if code is not None and code < 0:
                self.start()
                on_change()
            elif code is not None:
                break
            if self.ready():
                return
            time.sleep(0.02)
        said = "" if self.log is None else self.log.read_text(errors="replace")
        last = said.strip().splitlines()[-5:]
        raise Unavailable(f"{self.name} did not get ready. Its log ends:\n" + "\n".join(last))

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Supervisor:
    """Starts children in order, starts them again when they die, stops them in reverse."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.children: list[Child] = []
        self._on_change = on_change

    def add(self, child: Child, within_s: float = 30.0) -> None:
        self.children.append(child)
        child.start()
        self._on_change()
        child.wait_ready(within_s, self._on_change)

    def watch(self, stop: threading.Event) -> None:
        """Return when `stop` is set."""
        while not stop.wait(0.1):
            self.step(time.monotonic())

    def step(self, now: float) -> None:
        for child in self.children:
            if child.process is None or child.process.poll() is None:
                if now - child.due > SLOWEST_S:
                    child.failures = 0
                continue
            if child.due <= now:
                log.warning("%s ended (%s); started again.", child.name, child.process.returncode)
                child.failures += 1
                child.due = now + min(SLOWEST_S, 0.1 * 2**child.failures)
                child.start()
                self._on_change()

    def stop(self) -> None:
        for child in reversed(self.children):
            child.stop()


def storehub(*arguments: str) -> list[str]:
    """Return the command line that runs `storehub` with this very interpreter."""
    return [sys.executable, "-m", "hub.cli", *arguments]


def end_strays(pids: Mapping[str, int], directory: Path) -> None:
    """Stop what an earlier supervisor of `directory` left behind when it was killed itself."""
    for pid in pids.values():
        if _works_on(directory, pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + PATIENCE_S
    while any(_works_on(directory, pid) for pid in pids.values()) and time.monotonic() < end:
        time.sleep(0.05)


def _works_on(directory: Path, pid: int) -> bool:
    # A pid is used again after a while: only a process that names our directory is ended.
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return pid > 1 and os.fsencode(directory.resolve()) in command
