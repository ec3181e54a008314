"""Turns SIGTERM and Ctrl-C into a call; it must never end a process by itself."""

import signal
from collections.abc import Callable
from types import FrameType


def until_told(stop: Callable[[], None]) -> None:
    """Call `stop` at SIGTERM and at Ctrl-C."""

    def told(_number: int, _frame: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
