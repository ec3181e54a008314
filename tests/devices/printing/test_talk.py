"""Each answer of a printer belongs to its own question, however late it comes."""

import threading
from collections import deque
from typing import Any

from devices.printing.escpos import Status
from devices.printing.talk import Talk

READY = 0x12
NO_PAPER = READY | 0x60
BUSY_OFFLINE = READY | 0x08


class Slow:
    """A printer whose first answer comes only when it is asked the next thing."""

    def __init__(self, late: int, answers: dict[int, int]) -> None:
        self._late: int | None = late
        self._answers = answers
        self._said: deque[bytes] = deque()
        self._held: list[int] = []

    def send(self, data: bytes, patience_s: float) -> None:
        if data[:2] != b"\x10\x04":
            return
        if self._late is not None:
            self._held.append(self._late)
            self._late = None
            return
        self._said += [bytes([said]) for said in (*self._held, self._answers[data[2]])]
        self._held.clear()

    def receive(self, within_s: float) -> bytes:
        return self._said.popleft() if self._said else b""


def talk(link: Any) -> Talk:
    return Talk(link, answer_s=0.02)


def test_a_late_answer_is_not_taken_for_the_next_question() -> None:
    line = talk(Slow(BUSY_OFFLINE, {1: BUSY_OFFLINE, 2: READY | 0x20, 3: READY, 4: NO_PAPER}))
    assert not line.all_done(0.1, 1.0, threading.Event())
    assert line.why() == "no_paper"


def test_a_late_word_of_trouble_does_not_stand_for_the_paper() -> None:
    """0x72 answers question 4 with "no paper"; as the answer to question 2 it would be a fault."""
    line = talk(Slow(NO_PAPER, dict.fromkeys((1, 2, 3, 4), READY)))
    assert not line.all_done(0.1, 1.0, threading.Event())
    assert line.status() == Status()
