"""Prints what the hub sends, one job after the other, each at most once.

It must never send a job's first byte before its key stands on this device's disk, and never send a
job again whose bytes may have arrived: then it is in doubt, and a person looks.

    cmd/print ─► queue ─► ready? ─► key on disk ─► bytes ─► "all done?" ─► end on disk ─► printed
                   ▲        │ no                     └─ broken off ─► in doubt
                   └────────┘ offline, no paper, cover open: said, and tried again
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import msgspec

from devices.printing import escpos
from devices.printing.link import Link, LinkLost, connect
from devices.printing.ports import Client, Job
from devices.printing.render import DOTS, Paper, render
from devices.printing.talk import Talk
from hub.clock import Clock, SystemClock, parse
from hub.errors import Invalid, Unavailable

log = logging.getLogger(__name__)

PRINTED: Final = "printed"
IN_DOUBT: Final = "in_doubt"
FAILED: Final = "failed"
CANCELED: Final = "canceled"
EXPIRED: Final = "expired"


@dataclass(frozen=True)
class PrinterSettings:
    """One printer.

    `address`: `tcp://HOST:9100`, `/dev/usb/lp0`, `serial:/dev/ttyUSB0`. `status`: `full` asks by
    DLE EOT and has the end confirmed by GS r; `realtime` is for printers without GS r; `none` for
    printers that never answer, of which nobody can tell whether they printed.
    """

    address: str
    width_mm: Literal[58, 80] = 80
    status: Literal["full", "realtime", "none"] = "full"
    cut: bool = True
    fonts: tuple[str, ...] = ()
    baud: int = 19200
    flow: Literal["none", "rtscts", "xonxoff"] = "none"
    answer_s: float = 1.0
    stall_s: float = 20.0
    finish_s: float = 30.0
    again_s: float = 2.0

    def __post_init__(self) -> None:
        if not self.address.startswith(("tcp://", "serial:/", "/")):
            raise Invalid(
                f"address = {self.address!r}: must be tcp://HOST:PORT, serial:/dev/tty… or a"
                " device file such as /dev/usb/lp0.",
                field="address",
            )


def run(
    settings: PrinterSettings,
    client: Client,
    stop: threading.Event,
    *,
    clock: Clock | None = None,
) -> None:
    """Print until `stop`."""
    printer = Printer(settings, client, stop, clock or SystemClock())
    client.takes("print", printer.take)
    client.takes("print_cancel", printer.cancel)
    while not stop.is_set():
        printer.step()


class Printer:
    """`take` and `cancel` run on the client's thread, `step` on the printer's own."""

    def __init__(
        self, settings: PrinterSettings, client: Client, stop: threading.Event, clock: Clock
    ) -> None:
        self.settings = settings
        self._client = client
        self._books = client.outbox
        self._stop = stop
        self._clock = clock
        self._news = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._said: dict[str, str] = {}
        self._begun: str | None = None
        self._away: str | None = None
        # A picture that was broken off may still wait for its rows inside the printer: after a
        # start nobody knows, after a break it is sure, and then the torn sheet is cut off too.
        self._unsure, self._torn = True, False
        for key in self._books.unfinished_commands():
            self._torn = True
            self._end(key, IN_DOUBT, "interrupted")

    # --- from the hub

    def take(self, command: Mapping[str, Any]) -> None:
        """Queue a job; one that was seen before is not made twice."""
        key = str(command.get("key", ""))
        with self._news:
            if key in self._jobs:
                return
            known, state = self._books.command_state(key)
            if known:
                # The hub asks again: it has not heard how this ended.
                self._report(key, state or IN_DOUBT)
                return
            try:
                self._jobs[key] = msgspec.convert(command, Job)
            except msgspec.ValidationError as error:
                log.warning("A print job that nobody can read: %s", error)
                self._books.begin_command(key)
                self._end(key, FAILED, "unreadable")
                return
            self._news.notify()

    def cancel(self, command: Mapping[str, Any]) -> None:
        """Let a job go of which nothing was sent; too late for others."""
        key = str(command.get("job", ""))
        with self._news:
            if key in self._jobs and key != self._begun:
                self._books.begin_command(key)
                self._end(key, CANCELED)
        self._client.observe("done", {"key": str(command.get("key", "")), "state": "done"})

    # --- at the printer

    def step(self) -> None:
        """Print the first job; wait when there is none, or when the printer can't now."""
        job = self._next()
        if job is None:
            return
        if self._is_over(job):
            with self._news:
                self._books.begin_command(job.key)
                self._end(job.key, EXPIRED)
            return
        waits = self._attempt(job)
        if waits is not None:
            self._tell_all(waits)
            self._stop.wait(self.settings.again_s)
        elif self._away is not None:
            log.info("The printer at %s prints again", self.settings.address)
            self._away = None

    def _next(self) -> Job | None:
        with self._news:
            if not self._jobs:
                self._news.wait(0.5)
            return min(self._jobs.values(), key=lambda job: job.n, default=None)

    def _is_over(self, job: Job) -> bool:
        if job.until is None or self._clock.quality() == "unknown":
            return False
        return self._clock.now() > parse(job.until)

    def _attempt(self, job: Job) -> str | None:
        """Print `job` and note how it ended; or return why it has to wait, nothing being sent."""
        chosen = self.settings
        try:
            link = connect(
                chosen.address,
                baud=chosen.baud,
                flow=chosen.flow,
                answers=chosen.status != "none",
            )
        except LinkLost as lost:
            log.debug("%s: %s", chosen.address, lost)
            return escpos.OFFLINE
        talk = Talk(link, chosen.answer_s)
        with link:
            try:
                reason = self._ready(link, talk)
            except LinkLost:
                return escpos.OFFLINE
            if reason is not None:
                return reason
            parts = self._pages(job)
            if parts is None or not self._begin(job):
                return None
            return self._send(link, talk, job, parts)

    def _ready(self, link: Link, talk: Talk) -> str | None:
        """Return why nothing can be printed now; else complete what was torn. Raises LinkLost."""
        mend = self._unsure or self._torn
        if mend:
            # Were a picture's head cut off, the questions would be taken for its measures.
            link.send(bytes(8), self.settings.answer_s)
        if self.settings.status != "none":
            found = talk.status()
            if found is None or found.trouble:
                return found.trouble if found else escpos.OFFLINE
        if mend:
            link.send(escpos.completion(self._paper.dots), self.settings.stall_s)
            if self._torn:
                link.send(escpos.START + self._cut, self.settings.stall_s)
            self._unsure = self._torn = False
        return None

    def _pages(self, job: Job) -> list[bytes] | None:
        try:
            picture = render(job.document, self._paper)
        except (ValueError, OSError) as error:
            # A font that is not there, a picture that is too long: trying again changes nothing.
            log.warning("Job %s cannot be drawn: %s", job.key, error)
            with self._news:
                self._books.begin_command(job.key)
                self._end(job.key, FAILED, "not_drawable")
            return None
        return [*escpos.page(picture), self._cut]

    @property
    def _cut(self) -> bytes:
        return escpos.CUT if self.settings.cut else escpos.FEED

    @cached_property
    def _paper(self) -> Paper:
        return Paper(DOTS[self.settings.width_mm], self.settings.fonts)

    def _begin(self, job: Job) -> bool:
        """Note on disk that bytes of `job` go out now; False when it was canceled meanwhile."""
        with self._news:
            if job.key not in self._jobs:
                return False
            self._begun = job.key
            self._books.begin_command(job.key)
            return True

    def _send(self, link: Link, talk: Talk, job: Job, parts: list[bytes]) -> str | None:
        before = link.sent
        try:
            for part in parts:
                link.send(part, self.settings.stall_s)
        except LinkLost as lost:
            if link.sent == before:
                with self._news:
                    self._books.forget_command(job.key)
                    self._begun = None
                return escpos.OFFLINE
            log.warning("Job %s broke off after %s bytes: %s", job.key, link.sent - before, lost)
            self._torn = True
            self._finish(job, IN_DOUBT, talk.why())
            return None
        state, detail = self._confirmed(talk)
        self._torn = state == IN_DOUBT
        self._finish(job, state, detail)
        return None

    def _finish(self, job: Job, state: str, detail: str | None) -> None:
        with self._news:
            self._end(job.key, state, detail)
            self._begun = None

    def _confirmed(self, talk: Talk) -> tuple[str, str | None]:
        """All bytes are sent: say whether they are on paper, and what else is to be known."""
        chosen = self.settings
        if chosen.status == "none":
            return PRINTED, "unseen"
        try:
            if chosen.status == "full" and not talk.all_done(
                chosen.finish_s, chosen.stall_s, self._stop
            ):
                return IN_DOUBT, talk.why()
            found = talk.status()
        except LinkLost:
            return IN_DOUBT, escpos.OFFLINE
        if chosen.status == "full":
            # The last row was confirmed: what is wrong now does not concern this paper.
            return PRINTED, "paper_low" if found and found.low else None
        if found is None or found.trouble:
            return IN_DOUBT, found.trouble if found else escpos.OFFLINE
        return PRINTED, "paper_low" if found.low else None

    # --- to the hub

    def _tell_all(self, reason: str) -> None:
        """Say once why the jobs wait."""
        if self._away is None:
            log.warning("The printer at %s does not print: %s", self.settings.address, reason)
        self._away = reason
        with self._news:
            for key in self._jobs:
                if self._said.get(key) != reason:
                    self._said[key] = reason
                    self._report(key, reason)

    def _end(self, key: str, state: str, detail: str | None = None) -> None:
        """Note how a job ended, first on disk; then it is no job any more."""
        self._books.end_command(key, state)
        self._jobs.pop(key, None)
        self._said.pop(key, None)
        self._report(key, state, detail)

    def _report(self, key: str, state: str, detail: str | None = None) -> None:
        said = {"job": key, "state": state}
        try:
            self._client.observe("printed", said if detail is None else {**said, "detail": detail})
        except Unavailable as full:
            # The hub asks again, and then it is told how this ended.
            log.error("Nobody can be told of job %s: %s", key, full.sentence)
