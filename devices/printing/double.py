"""A printer made of software: speaks ESC/POS over TCP, has paper or none, and shows what it got.

It must never forgive what a real one would not: it keeps a picture that was broken off waiting for
its rows, stops taking bytes without paper, and counts every drawer that would have sprung open.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from PIL import Image

# What it takes in before it has printed it.
BUFFER: Final = 32 * 1024
_FIXED: Final = {b"\x1b@": 2, b"\x1dr": 3, b"\x1bd": 3, b"\x1bJ": 3, b"\x1bp": 5, b"\x1dV": 3}


@dataclass
class State:
    """What a person can do to a printer; it may change at any time."""

    paper: bool = True
    low: bool = False
    cover_open: bool = False
    offline: bool = False
    silent: bool = False
    rows_left: int | None = None  # of the roll
    bytes_per_s: int = 0  # 0: at once
    hang_up_after: int | None = None  # bytes of a connection, then it is cut
    hang_up_at_end: bool = False  # instead of saying that all is done


class PaperDouble:
    """Listens as a printer does; `papers` are the pieces that were cut off, oldest first."""

    def __init__(
        self,
        *,
        port: int = 0,
        dots: int = 576,
        on_paper: Callable[[Image.Image], None] = lambda _: None,
    ) -> None:
        self.state = State()
        self.papers: list[Image.Image] = []
        self.kicks = 0
        self.received = 0
        self._dots = dots
        self._on_paper = on_paper
        self._server = socket.create_server(("127.0.0.1", port))
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.port: int = self._server.getsockname()[1]
        self._news = threading.Condition()
        self._held = bytearray()
        self._rows: list[bytes] = []
        self._line: socket.socket | None = None
        self._stopping = False
        self._threads = [
            threading.Thread(target=loop, name=f"paper-double-{loop.__name__}", daemon=True)
            for loop in (self._listen, self._work)
        ]

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._news:
            self._stopping = True
            self._news.notify_all()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def cut(self) -> None:
        """Break the connection off as a pulled cable does."""
        line = self._line
        if line is not None:
            with suppress(OSError):
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                line.shutdown(socket.SHUT_RDWR)

    def switch_off(self) -> None:
        """Lose what it held in its memory; the paper that is out stays out."""
        with self._news:
            self._held.clear()
            self._rows.clear()
        self.cut()

    # --- what comes in

    def _listen(self) -> None:
        while not self._stopping:
            try:
                line, _ = self._server.accept()
            except OSError:
                return
            self._line = line
            with line:
                self._take(line)
            self._line = None

    def _take(self, line: socket.socket) -> None:
        tail, taken = b"", 0
        while not self._stopping:
            with self._news:
                self._news.wait_for(lambda: len(self._held) < BUFFER or self._stopping, 0.2)
                if len(self._held) >= BUFFER:
                    continue
            try:
                chunk = line.recv(1024)
            except OSError:
                return
            most = self.state.hang_up_after
            if most is not None and taken + len(chunk) > most:
                chunk = chunk[: most - taken]
            if not chunk and most is None:
                return
            taken += len(chunk)
            self.received += len(chunk)
            with self._news:
                self._held += chunk
                self._news.notify_all()
            self._answer(line, tail + chunk, len(tail))
            tail = (tail + chunk)[-2:]
            if most is not None and taken >= most:
                self.cut()
                return

    def _answer(self, line: socket.socket, seen: bytes, old: int) -> None:
        """Answer real-time commands, even those that stand inside a picture."""
        for at in range(len(seen) - 2):
            if at + 3 <= old or seen[at] != 0x10:
                continue
            if seen[at + 1] == 0x14 and seen[at + 2] == 1:
                self.kicks += 1
            if seen[at + 1] == 0x04 and not self.state.silent:
                with suppress(OSError):
                    line.sendall(bytes([self._said(seen[at + 2])]))

    def _said(self, question: int) -> int:
        state = self.state
        ready = state.paper and not state.cover_open and not state.offline
        bits = {
            1: 0 if ready else 0x08,
            2: (0x04 if state.cover_open else 0) | (0 if state.paper else 0x20),
            3: 0,
            4: (0x0C if state.low else 0) | (0 if state.paper else 0x60),
        }
        return 0x12 | bits.get(question, 0)

    # --- what comes out

    def _work(self) -> None:
        while not self._stopping:
            with self._news:
                command = self._next()
                if command is None:
                    self._news.wait(0.05)
                    continue
                del self._held[: len(command)]
                self._news.notify_all()
            if self.state.bytes_per_s:
                time.sleep(len(command) / self.state.bytes_per_s)
            self._do(command)

    def _next(self) -> bytes | None:
        """Return the first whole command that is held, when it can be carried out now."""
        held, state = bytes(self._held[: BUFFER * 2]), self.state
        if not held or state.cover_open or state.offline:
            return None
        if held[:3] == b"\x1dv0":
            if len(held) < 8:
                return None
            across, rows = struct.unpack("<HH", held[4:8])
            whole = 8 + across * rows
            return held[:whole] if len(held) >= whole and state.paper else None
        if held[0] == 0x10:
            return held[:3] if len(held) >= 3 else None
        if held[0] in (0x1B, 0x1D):
            if len(held) < 2:
                return None
            size = _FIXED.get(held[:2], 2)
            if held[:2] == b"\x1dV" and len(held) > 2 and held[2] >= 65:
                size = 4
            in_turn = held[:2] in (b"\x1dr", b"\x1dV") and not state.paper
            return held[:size] if len(held) >= size and not in_turn else None
        return held[:1]

    def _do(self, command: bytes) -> None:
        match command[:2]:
            case b"\x1dv":
                self._print(command)
            case b"\x1dV":
                self._cut_paper()
            case b"\x1dr":
                self._say_done()
            case b"\x1bp":
                self.kicks += 1
            case b"\x1bd":
                self._rows += [bytes(self._dots // 8)] * 24 * command[2]
            case _ if command[0] >= 0x20:
                # Text where a picture belongs: what a real one would print as rubbish.
                self._rows += [b"\xaa" * (self._dots // 8)] * 4

    def _print(self, command: bytes) -> None:
        across = struct.unpack("<H", command[4:6])[0]
        if not across:
            return
        for at in range(8, len(command), across):
            self._rows.append(command[at : at + across].ljust(self._dots // 8, b"\0"))
        if self.state.rows_left is not None:
            self.state.rows_left -= (len(command) - 8) // across
            if self.state.rows_left <= 0:
                self.state.paper, self.state.rows_left = False, None

    def _cut_paper(self) -> None:
        rows, self._rows = self._rows, []
        if not rows:
            return
        dots = bytes(byte ^ 0xFF for byte in b"".join(rows))
        paper = Image.frombytes("1", (self._dots, len(rows)), dots)
        self.papers.append(paper)
        self._on_paper(paper)

    def _say_done(self) -> None:
        if self.state.hang_up_at_end:
            self.cut()
        line = self._line
        if line is not None and not self.state.silent:
            with suppress(OSError):
                line.sendall(b"\x00")
