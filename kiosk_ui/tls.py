"""Lets browsers and devices in over TLS: one thread shakes all hands, the server does the rest.

It must never wait for anybody: who says nothing, speaks plain HTTP or shakes hands for ever is
let go, and the others do not notice.
"""

import contextlib
import logging
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)

HANDSHAKE_S: Final = 5.0
# Hands that are shaken at once; when more come, the one that hesitates longest is let go.
HANDS_MOST: Final = 128
LOOK_S: Final = 0.5
# What a socket answers whose other end is gone (ssl.SSLError is an OSError).
GONE: Final = (OSError, ValueError)
NOT_PLAIN: Final = b"This port speaks HTTPS: begin the address with https://\n"
PLAIN_ANSWER: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(NOT_PLAIN), NOT_PLAIN)
)

# Takes a socket that speaks TLS by now, and where it comes from.
Welcome = Callable[[ssl.SSLSocket, Any], None]


@dataclass(eq=False)
class _Hand:
    sock: ssl.SSLSocket
    source: Any
    since: float


class Door:
    """A port that speaks TLS. `renew` puts another certificate in for those who come from now."""

    def __init__(
        self, host: str, port: int, certificate: tuple[Path, Path], welcome: Welcome
    ) -> None:
        """Raises OSError when the port is taken, ssl.SSLError when the files are no pair."""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.set_alpn_protocols(["http/1.1"])
        self.renew(certificate)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=128)
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        self._welcome = welcome
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._hands: dict[_Hand, None] = {}  # in the order of their coming
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="screens-tls", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def alive(self) -> bool:
        return self._thread.is_alive()

    def renew(self, certificate: tuple[Path, Path]) -> None:
        self._context.load_cert_chain(*certificate)

    def stop(self) -> None:
        self._stopping = True
        self._thread.join(5)
        self.close()

    def close(self) -> None:
        for hand in list(self._hands):
            self._let_go(hand)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(self._listener)
        self._listener.close()
        self._selector.close()

    def _run(self) -> None:
        try:
            while not self._stopping:
                for key, _ in self._selector.select(LOOK_S):
                    if key.fileobj is self._listener:
                        self._accept()
                    else:
                        self._shake(key.data)
                self._let_go_late(time.monotonic())
        except Exception:
            # The hub sees that this thread is gone and ends; whoever supervises it starts it again.
            log.exception("The screens' TLS door died")

    def _accept(self) -> None:
        try:
            plain, source = self._listener.accept()
        except OSError:
            # It went away before it was let in, or no descriptor is left: the others go first.
            time.sleep(0.01)
            return
        try:
            plain.setblocking(False)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Looked at first: ssl forgets to close a socket that it finds reset.
            plain.getpeername()
            with contextlib.suppress(BlockingIOError):
                plain.recv(1, socket.MSG_PEEK)
            sock = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            hand = _Hand(sock, source, time.monotonic())
            self._selector.register(sock, selectors.EVENT_READ, hand)
        except GONE as error:
            # A port scan goes away between the two.
            log.debug("%s: gone at once: %s", source, error)
            plain.close()
            return
        if len(self._hands) >= HANDS_MOST:
            self._let_go(next(iter(self._hands)))
        self._hands[hand] = None

    def _shake(self, hand: _Hand) -> None:
        if hand not in self._hands:
            return
        try:
            hand.sock.do_handshake()
        except ssl.SSLWantReadError:
            self._selector.modify(hand.sock, selectors.EVENT_READ, hand)
        except ssl.SSLWantWriteError:
            self._selector.modify(hand.sock, selectors.EVENT_WRITE, hand)
        except ssl.SSLError as error:
            if error.reason == "HTTP_REQUEST":
                self._answer_plain(hand)
            else:
                log.debug("%s: no TLS: %s", hand.source, error)
                self._let_go(hand)
        except GONE:
            self._let_go(hand)
        else:
            self._forget(hand)
            try:
                self._welcome(hand.sock, hand.source)
            except GONE as error:
                log.debug("%s: gone after the handshake: %s", hand.source, error)
                hand.sock.close()

    def _answer_plain(self, hand: _Hand) -> None:
        self._forget(hand)
        with socket.socket(fileno=hand.sock.detach()) as plain, contextlib.suppress(OSError):
            plain.setblocking(False)
            plain.send(PLAIN_ANSWER)
            # Else the unread rest of the request would cut the answer off.
            plain.shutdown(socket.SHUT_WR)
            plain.recv(65_536)

    def _let_go_late(self, now: float) -> None:
        for hand in list(self._hands):
            if now - hand.since < HANDSHAKE_S:
                return
            self._let_go(hand)

    def _let_go(self, hand: _Hand) -> None:
        self._forget(hand)
        with contextlib.suppress(OSError):
            hand.sock.close()

    def _forget(self, hand: _Hand) -> None:
        del self._hands[hand]
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(hand.sock)
