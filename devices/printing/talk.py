"""What a printer is asked, and what it says: ready or why not, and whether all is on paper.

It must never take an answer to one question for the answer to another.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from devices.printing import escpos
from devices.printing.escpos import Status
from devices.printing.link import Link, LinkLost

# A printer that goes on working may take so many times the patience it is given.
LONGEST: Final = 5


class Talk:
    """The questions over one open link. Answers come in the order of the questions."""

    def __init__(self, link: Link, answer_s: float) -> None:
        self._link = link
        self._answer_s = answer_s
        self._owed = 0

    def status(self) -> Status | None:
        """Ask for all; None when the printer doesn't answer. Raises LinkLost."""
        answers: dict[int, int] = {}
        for question in escpos.QUESTIONS:
            said = self._ask(question)
            if said is None:
                return None
            answers[question] = said
        return escpos.status(answers)

    def why(self) -> str:
        """Return why nothing more is printed, as far as the printer says so."""
        try:
            found = self.status()
        except LinkLost:
            return escpos.OFFLINE
        if found is None:
            return escpos.OFFLINE
        return found.trouble or "interrupted"

    def all_done(self, finish_s: float, stall_s: float, stop: threading.Event) -> bool:
        """Wait until the printer has worked off what it holds; False when it doesn't."""
        self._link.send(escpos.ASK_IN_TURN, stall_s)
        began = time.monotonic()
        end = began + finish_s
        while (now := time.monotonic()) < end and not stop.is_set():
            done: list[int] = []
            said = self._hear(min(self._answer_s, end - now), done.append)
            if done:
                return True
            if said is None and not self._owed:
                self._question(1)
            elif said is not None and not said & 0x08:
                # It answers and is at work: a slow printer is not a broken one.
                end = min(began + LONGEST * finish_s, time.monotonic() + finish_s)
        return False

    def _ask(self, question: int) -> int | None:
        self._question(question)
        end = time.monotonic() + self._answer_s
        while (left := end - time.monotonic()) > 0:
            said = self._hear(left, lambda _: None)
            if said is not None and not self._owed:
                return said
        return None

    def _question(self, question: int) -> None:
        self._link.send(escpos.ask(question), self._answer_s)
        self._owed += 1

    def _hear(self, within_s: float, in_turn: Callable[[int], object]) -> int | None:
        """Return the last answer to a question; hand on what is answered in its turn."""
        answer = None
        for byte in self._link.receive(within_s):
            if escpos.is_answer(byte):
                self._owed = max(0, self._owed - 1)
                answer = byte
            elif escpos.is_in_turn(byte):
                in_turn(byte)
        return answer
