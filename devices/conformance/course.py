"""What a device is put through, in order: heard, left without a word, cut off, asked.

It must never go on before the device had its time: a slow device is not a broken one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from devices.conformance.evidence import Phase
from devices.conformance.examiner import Examiner
from devices.conformance.line import CuttableLine
from hub.errors import Unavailable

# A word that nobody knows: it has to be answered all the same.
NONSENSE: Final = "fold-a-paper-crane"


@dataclass(frozen=True)
class Times:
    """How long each part may take (seconds). `offline_s` stands for an hour, shortened."""

    arrive_s: float = 120.0
    steady_s: float = 20.0
    least: int = 6
    patience_s: float = 75.0
    offline_s: float = 30.0
    back_s: float = 60.0
    answer_s: float = 15.0
    end_s: float = 6.0


def run(examiner: Examiner, line: CuttableLine, times: Times, say: Callable[[str], None]) -> None:
    """Put the device through it all. Raises Unavailable when it never comes."""
    seen = examiner.seen
    say("Waiting for the device to connect …")
    if not examiner.wait(lambda: bool(seen.said or seen.got or seen.bad), times.arrive_s):
        raise Unavailable(f"No device came within {times.arrive_s:.0f} s.")
    _enter(examiner, "steady", say, "It is here. Let it observe something every second or so.")
    end = time.monotonic() + times.steady_s
    examiner.wait(lambda: time.monotonic() > end, times.steady_s + 1)
    examiner.wait(lambda: len(seen.first()) >= times.least, times.patience_s)
    _enter(examiner, "withheld", say, "The hub is silent now: it has to send again.")
    examiner.wait(lambda: _came_again(examiner), times.patience_s)
    examiner.phase = "steady"
    examiner.release()
    time.sleep(min(2.0, times.end_s))
    _enter(examiner, "cut", say, f"Its line is cut for {times.offline_s:.0f} s.")
    seen.cut_ms = examiner.now_ms()
    line.cut()
    time.sleep(times.offline_s)
    seen.tries = line.tries
    _enter(examiner, "back", say, "The line is back.")
    seen.mended_ms = mended = examiner.now_ms()
    line.mend()
    examiner.wait(lambda: any(one.at_ms > mended for one in seen.got), times.back_s)
    _settle(examiner, times)
    _enter(examiner, "asked", say, "It is given a command that nobody knows, twice.")
    for n in (1, 2):
        examiner.ask("unknown", NONSENSE)
        examiner.wait(lambda n=n: len(seen.answers) >= n, times.answer_s)  # type: ignore[misc]
    _enter(examiner, "end", say, "One last look.")
    time.sleep(times.end_s)
    examiner.look_for_retained()


def _enter(examiner: Examiner, phase: Phase, say: Callable[[str], None], sentence: str) -> None:
    examiner.phase = phase
    say(sentence)


def _came_again(examiner: Examiner) -> bool:
    held = [one for one in examiner.seen.got if one.phase == "withheld"]
    return bool(held) and any(one.id == held[0].id for one in held[1:])


def _settle(examiner: Examiner, times: Times) -> None:
    """Wait until what lay in its outbox has come: the numbers have no gap, or time is over."""

    def whole() -> bool:
        numbers = {one.seq for one in examiner.seen.got}
        return not numbers or len(numbers) == max(numbers) - min(numbers) + 1

    examiner.wait(whole, times.patience_s / 3)
    time.sleep(min(2.0, times.end_s))
