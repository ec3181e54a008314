"""Writes every server-sent-event socket from one thread, one chunk a commit.

It must never block on a slow screen: a screen that does not read is dropped, reconnects with its
last id and is given what it missed from the ring, or told to reset.
"""

import contextlib
import logging
import selectors
import socket
import ssl
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from hub.events import Ring, Ringing

GAP: Final = 1_000  # commits; a screen further behind reloads
WRITES_KEPT: Final = 400
PENDING: Final = 262_144  # bytes that a screen may leave unread before it is dropped
RETRY: Final = b"retry: 1000\n\n"
HEARTBEAT: Final = b":\n\n"
log = logging.getLogger(__name__)


@dataclass(eq=False)
class Screen:
    """One open stream; `known` asks whether its session or token still stands, None: a stranger."""

    sock: socket.socket
    after: str | None
    known: Callable[[], bool] | None
    source: str = ""
    seq: int = 0
    pending: bytearray = field(default_factory=bytearray)

    @property
    def coarse(self) -> bool:
        """Strangers see no ids of things."""
        return self.known is None


class Stream:
    """Feeds all screens from the ring after each commit."""

    def __init__(
        self,
        ring: Ring,
        states: Callable[[], Mapping[str, Any]],
        *,
        cap: int,
        heartbeat_s: float = 15.0,
        look_s: float = 1.0,
    ) -> None:
        self._ring, self._states, self._cap = ring, states, cap
        self._heartbeat_s, self._look_s = heartbeat_s, look_s
        self._screens: set[Screen] = set()
        self._arrivals: list[Screen] = []
        self._selector = selectors.DefaultSelector()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._rung = False
        self._lock = threading.Lock()
        self._stopping = False
        self._open = 0
        self._strangers: Counter[str] = Counter()  # open streams of nobody known, by address
        self._epoch, self._seq = ring.epoch, ring.seq
        self._rung_commits: deque[Ringing] = deque(maxlen=GAP + 1)
        self._last_states = b""
        self._thread: threading.Thread | None = None
        # time.time() of the last chunks: "on the screens" on the start page
        self._written: deque[float] = deque(maxlen=WRITES_KEPT)

    def start(self) -> None:
        self._ring.subscribe(self._on_commit)
        self._thread = threading.Thread(target=self._run, name="screens-stream", daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        """Does the thread that feeds the screens run?"""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        self._stopping = True
        self._ring_bell()
        if self._thread is not None:
            self._thread.join(5)

    @property
    def open(self) -> int:
        """How many streams are open."""
        return self._open

    def full(self, stranger: str | None = None) -> bool:
        """Is there no place left, for staff and programs or for a stranger at this address?

        Strangers have half of the places and an address a quarter: staff always find one.
        """
        if stranger is None:
            return self._open >= self._cap
        all_, here = self._strangers.total(), self._strangers[stranger]
        most, each = max(1, self._cap // 2), max(1, self._cap // 4)
        return self._open >= self._cap or all_ >= most or here >= each

    def written_after(self, at: float) -> float | None:
        """Return when the first chunk after `at` (seconds since 1970) went to the screens."""
        return next((written for written in list(self._written) if written >= at), None)

    def adopt(
        self,
        sock: socket.socket,
        after: str | None,
        known: Callable[[], bool] | None,
        source: str = "",
    ) -> None:
        """Take over a socket whose response headers have been written.

        `known` is asked at each heartbeat and ends the stream with False; None is a stranger's.
        """
        with self._lock:
            # Many may have been told that there is a place before the first of them took it.
            stranger = known is None
            if not self.full(source if stranger else None):
                self._open += 1
                self._strangers.update([source] if stranger else [])
                self._arrivals.append(Screen(sock, after, known, source))
                sock = None  # type: ignore[assignment]
        if sock is not None:
            sock.close()
        self._ring_bell()

    # -- called by the writer after a commit: must cost nothing

    def _on_commit(self, ringing: Ringing) -> None:
        self._rung_commits.append(ringing)
        self._ring_bell()

    def _ring_bell(self) -> None:
        if self._rung:
            return
        self._rung = True
        with contextlib.suppress(BlockingIOError, OSError):
            self._ringer.send(b"!")

    # -- the thread

    def _run(self) -> None:
        try:
            self._feed()
        except Exception:
            # The hub sees that this thread is gone and ends; whoever supervises it starts it again.
            log.exception("The screens' stream died")
        finally:
            self._close()

    def _feed(self) -> None:
        beat = look = time.monotonic()
        while not self._stopping:
            for key, events in self._selector.select(timeout=self._look_s):
                if key.fileobj is self._bell:
                    self._hush()
                elif events & selectors.EVENT_READ:
                    self._hear(key.data)
                elif events & selectors.EVENT_WRITE:
                    self._flush(key.data)
            self._broadcast()
            self._welcome()
            now = time.monotonic()
            if now - look >= self._look_s:
                look = now
                self._tell_states()
            if now - beat >= self._heartbeat_s:
                beat = now
                self._dismiss()
                self._send_all(HEARTBEAT, HEARTBEAT)

    def _close(self) -> None:
        self._let_all_go()
        self._selector.close()
        self._bell.close()
        self._ringer.close()

    def _let_all_go(self) -> None:
        with self._lock:
            late, self._arrivals = self._arrivals, []
        for screen in late:
            self._gone(screen)
        for screen in list(self._screens):
            self._drop(screen)

    def _dismiss(self) -> None:
        """End the streams of who signed out and of revoked tokens; a browser returns as nobody."""
        for screen in list(self._screens):
            if screen.known is not None and not screen.known():
                self._drop(screen)

    def _hush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(4096)
        self._rung = False  # after reading: a ring in between is answered by this turn's broadcast

    def _broadcast(self) -> None:
        commits = []
        while self._rung_commits:
            commits.append(self._rung_commits.popleft())
        if self._ring.epoch != self._epoch or len(commits) > GAP:
            self._epoch, self._seq = self._ring.epoch, self._ring.seq
            self._send_all(reset(self._epoch, self._seq), reset(self._epoch, self._seq))
        elif commits:
            self._seq = commits[-1].seq
            self._send_all(
                b"".join(changed(self._epoch, one.seq, one.topics) for one in commits),
                b"".join(changed(self._epoch, one.seq, coarsened(one.topics)) for one in commits),
            )
            self._written.append(time.time())

    def _welcome(self) -> None:
        with self._lock:
            arrivals, self._arrivals = self._arrivals, []
        for screen in arrivals:
            screen.sock.setblocking(False)
            try:
                self._selector.register(screen.sock, selectors.EVENT_READ, screen)
            except (OSError, ValueError):
                self._gone(screen)
                continue
            self._tell_states()
            self._screens.add(screen)
            self._send(screen, RETRY + self._missed(screen) + self._last_states)

    def _missed(self, screen: Screen) -> bytes:
        """Return what a screen that saw `after` has not seen, up to what all have been sent."""
        if screen.after is None:
            return greeting(self._epoch, self._seq)
        epoch, _, number = screen.after.rpartition("-")
        commits = None
        # "²" is a digit to str.isdigit alone, and no number.
        known = epoch == self._epoch and number.isascii() and number.isdigit()
        if known and int(number) <= self._seq:
            commits = self._ring.since(epoch, int(number))
        if commits is None or len(commits) > GAP:
            return reset(self._epoch, self._seq)
        return b"".join(
            changed(epoch, seq, coarsened(topics) if screen.coarse else topics)
            for seq, topics in joined(commits)
            if seq <= self._seq
        ) or greeting(self._epoch, self._seq)

    def _state_chunk(self) -> bytes:
        return b"event: state\ndata: " + msgspec.json.encode(self._states()) + b"\n\n"

    def _tell_states(self) -> None:
        chunk = self._state_chunk()
        if chunk != self._last_states:
            self._last_states = chunk
            self._send_all(chunk, chunk)

    def _send_all(self, fine: bytes, coarse: bytes) -> None:
        for screen in list(self._screens):
            self._send(screen, coarse if screen.coarse else fine)

    def _send(self, screen: Screen, chunk: bytes) -> None:
        if screen.pending:
            screen.pending += chunk
            if len(screen.pending) > PENDING:
                log.info("A screen did not read its stream and was dropped.")
                self._drop(screen)
            return
        screen.pending += chunk
        self._flush(screen)

    def _flush(self, screen: Screen) -> None:
        try:
            sent = screen.sock.send(screen.pending)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            sent = 0
        except OSError:
            self._drop(screen)
            return
        del screen.pending[:sent]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if screen.pending else 0)
        if self._selector.get_key(screen.sock).events != wanted:
            self._selector.modify(screen.sock, wanted, screen)

    def _hear(self, screen: Screen) -> None:
        if screen not in self._screens:
            return
        try:
            said = screen.sock.recv(4096)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            said = b""
        if not said:
            self._drop(screen)

    def _drop(self, screen: Screen) -> None:
        if screen in self._screens:
            self._screens.discard(screen)
            with contextlib.suppress(KeyError, ValueError, OSError):
                self._selector.unregister(screen.sock)
            self._gone(screen)

    def _gone(self, screen: Screen) -> None:
        with self._lock:
            self._open -= 1
            if screen.coarse:
                self._strangers -= Counter([screen.source])
        with contextlib.suppress(OSError):
            screen.sock.close()


def changed(epoch: str, seq: int, topics: Sequence[str]) -> bytes:
    """Return one commit as an event."""
    data = msgspec.json.encode({"topics": list(topics)}).decode()
    return f"id: {epoch}-{seq}\nevent: changed\ndata: {data}\n\n".encode()


def reset(epoch: str, seq: int) -> bytes:
    """Return the order to reload: what was missed is unknown."""
    data = msgspec.json.encode({"epoch": epoch, "seq": seq}).decode()
    return f"id: {epoch}-{seq}\nevent: reset\ndata: {data}\n\n".encode()


def greeting(epoch: str, seq: int) -> bytes:
    """Return an id without an event: a stream that is cut before its first commit can resume."""
    return f"id: {epoch}-{seq}\n\n".encode()


def coarsened(topics: Sequence[str]) -> list[str]:
    """Return the topics without ids of orders, articles and tasks, each once."""
    return list(dict.fromkeys(topic.partition(":")[0] for topic in topics))


def joined(commits: Iterable[Ringing]) -> list[tuple[int, list[str]]]:
    """Return one item a journal position: commits without facts share theirs."""
    shown: dict[int, dict[str, None]] = {}
    for one in commits:
        shown.setdefault(one.seq, {}).update(dict.fromkeys(one.topics))
    return [(seq, list(topics)) for seq, topics in shown.items()]
