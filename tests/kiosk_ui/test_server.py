"""The real server: streams over plain and TLS sockets, no thread held by any of them."""

import json
import socket
import ssl
import struct
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import request

from hub import authority
from hub.authority import Tls
from hub.errors import Unavailable
from kiosk_ui import server
from kiosk_ui.server import Running, serve
from kiosk_ui.tls import HANDS_MOST
from tests.kiosk_ui.sample import SampleStore


def eventually(look: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not look():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[SampleStore]:
    store = SampleStore(tmp_path / "data", screens=2)
    store.receive("4711", 10)
    yield store
    store.close()


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return authority.establish(tmp_path, "store-1", ["127.0.0.1"], datetime.now(UTC))


@pytest.fixture
def running(shop: SampleStore, tls: Tls) -> Iterator[Running]:
    """Over HTTP and HTTPS, as a hub serves."""
    made = serve(shop.hub, "127.0.0.1", 0)
    made.open_tls("127.0.0.1", 0, (tls.certificate, tls.key))
    yield made
    assert made.alive()
    made.stop()


@contextmanager
def secure(running: Running, tls: Tls) -> Iterator[ssl.SSLSocket]:
    trust = ssl.create_default_context(cafile=str(tls.ca))
    with (
        socket.create_connection(("127.0.0.1", running.https_port)) as plain,
        trust.wrap_socket(plain, server_hostname="127.0.0.1") as sock,
    ):
        sock.settimeout(40)
        yield sock


def listen(sock: socket.socket, running: Running, token: str = "") -> None:
    sock.settimeout(40)
    known = f"Authorization: Bearer {token}\r\n" if token else ""
    sock.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: hub\r\n{known}\r\n".encode())
    until(sock, b"event: state")


def until(sock: socket.socket, wanted: bytes) -> bytes:
    heard = b""
    while wanted not in heard:
        chunk = sock.recv(65_536)
        assert chunk, heard
        heard += chunk
    return heard


def test_a_commit_reaches_a_screen_over_tls(shop: SampleStore, running: Running, tls: Tls) -> None:
    with secure(running, tls) as sock:
        listen(sock, running)
        shop.place("R-1", [("4711", 1)])
        assert b'"pickup"' in until(sock, b"event: changed\ndata: {")


def test_plain_and_tls_screens_hear_of_the_same_commit_from_one_thread(
    shop: SampleStore, running: Running, tls: Tls
) -> None:
    token = shop.token()
    with ExitStack() as stack:
        screens = [stack.enter_context(secure(running, tls)) for _ in range(5)]
        plain = stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
        for screen in (*screens, plain):
            listen(screen, running, token)
        shop.place("R-1", [("4711", 1)])
        for screen in (*screens, plain):
            assert b'"pickup' in until(screen, b"event: changed\ndata: {")
        names = [thread.name for thread in threading.enumerate()]
        assert (names.count("screens-stream"), names.count("screens-tls")) == (1, 1)


def test_a_stream_over_tls_resumes_and_its_going_is_noticed(
    shop: SampleStore, running: Running, tls: Tls
) -> None:
    with secure(running, tls) as sock:
        listen(sock, running)
        assert running.stream.open == 1
    eventually(lambda: running.stream.open == 0)


def test_a_large_answer_and_several_requests_go_over_one_tls_connection(
    running: Running, tls: Tls
) -> None:
    with secure(running, tls) as sock:
        for _ in range(3):
            sock.sendall(b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: hub\r\n\r\n")
            head = until(sock, b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = head.split(b"\r\n\r\n", 1)[1]
            while len(body) < length:
                body += sock.recv(65_536)
            assert json.loads(body)["openapi"]


def test_a_request_over_tls_is_known_to_be_secure(running: Running, tls: Tls) -> None:
    seen = []
    running.app.before_request(lambda: seen.append((request.is_secure, request.remote_addr)))
    with secure(running, tls) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
        answer = until(sock, b'"ok":true')
    # A browser that was told never to come without TLS would not find the port beside.
    assert b"strict-transport-security" not in answer.lower()
    urllib.request.urlopen(f"http://127.0.0.1:{running.port}/healthz").close()
    assert seen == [(True, "127.0.0.1"), (False, "127.0.0.1")]


def test_plain_http_at_the_tls_door_is_told_so(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.https_port)) as sock:
        sock.settimeout(40)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
        answer = until(sock, b"https://")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_who_never_finishes_the_handshake_stalls_nobody(
    running: Running, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk_ui.tls.HANDSHAKE_S", 1.0)
    address = ("127.0.0.1", running.https_port)
    begun = bytes.fromhex("1603010200010001fc0303")  # the first bytes of a greeting, and no more
    lazy = [socket.create_connection(address) for _ in range(HANDS_MOST + 20)]
    for number, one in enumerate(lazy):
        one.sendall((b"", begun, b"rubbish\n", b"\x00" * 700)[number % 4])
    with secure(running, tls) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert until(sock, b'"ok":true')
    for one in lazy:
        one.settimeout(40)
        with suppress(ConnectionResetError):
            while one.recv(1024):
                pass
        one.close()


def test_when_many_hesitate_the_one_that_hesitates_longest_goes_first(
    running: Running, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk_ui.tls.HANDS_MOST", 3)
    monkeypatch.setattr("kiosk_ui.tls.HANDSHAKE_S", 1000.0)
    with ExitStack() as stack:
        lazy = []
        for _ in range(4):
            sock = socket.create_connection(("127.0.0.1", running.https_port))
            lazy.append(stack.enter_context(sock))
            time.sleep(0.05)
        lazy[0].settimeout(40)
        assert lazy[0].recv(1) == b""
        for sock in lazy[1:]:
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(1)
        with secure(running, tls):
            pass


def test_who_comes_and_goes_at_once_ends_nothing(running: Running, tls: Tls) -> None:
    now = struct.pack("ii", 1, 0)
    begun = bytes.fromhex("1603010200010001fc0303")
    for said in (b"", b"x", begun, b"GET / HTTP/1.1\r\n\r\n") * 50:
        sock = socket.create_connection(("127.0.0.1", running.https_port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        if said:
            sock.sendall(said)
        sock.close()  # a reset, not a goodbye
    with secure(running, tls) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert until(sock, b'"ok":true')


def test_who_connects_and_says_nothing_takes_no_worker(
    shop: SampleStore, running: Running, tls: Tls
) -> None:
    with ExitStack() as stack:
        for _ in range(shop.hub.options.screens + 30):
            stack.enter_context(secure(running, tls))
            stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
        with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/healthz", timeout=40) as ok:
            assert ok.status == 200


def test_however_many_connect_and_say_nothing_only_so_many_are_kept(
    running: Running, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    monkeypatch.setattr(server, "WAITING_EACH", 20)
    before = files()
    with ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
        # Both ends are of this process: 60 of ours, and about 20 of the server's.
        eventually(lambda: files() - before - 60 in range(15, 26))
        with secure(running, tls) as sock, suppress(OSError):
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")
            assert sock.recv(10) == b"", "over TLS it is the same"
        monkeypatch.setattr(server, "WAITING_EACH", 150)
        with secure(running, tls) as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")
            assert sock.recv(10) == b"HTTP/1.1 2"


def test_a_renewed_certificate_is_shown_to_who_comes_next(
    running: Running, tls: Tls, tmp_path: Path
) -> None:
    before = ssl.get_server_certificate(("127.0.0.1", running.https_port))
    renewed = authority.establish(tmp_path, "store-1", ["hub.local"], datetime.now(UTC))
    running.renew((renewed.certificate, renewed.key))
    assert ssl.get_server_certificate(("127.0.0.1", running.https_port)) != before
    with secure(running, tls):
        pass


def test_a_taken_port_is_told_in_a_sentence_and_the_other_door_stays(
    shop: SampleStore, running: Running, tls: Tls
) -> None:
    with pytest.raises(Unavailable, match=rf"port {running.port} .*: set http_port to another\."):
        serve(shop.hub, "127.0.0.1", running.port)
    other = serve(shop.hub, "127.0.0.1", 0)
    with pytest.raises(Unavailable, match=rf"port {running.https_port} .*: set https_port to"):
        other.open_tls("127.0.0.1", running.https_port, (tls.certificate, tls.key))
    assert (other.alive(), other.https_port) == (True, 0)
    other.stop()


def test_open_streams_hold_no_worker_and_are_capped(shop: SampleStore) -> None:
    running = serve(shop.hub, "127.0.0.1", 0)
    token = shop.token()
    cap = shop.hub.options.screens + 20
    screens = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(cap)]
    for screen in screens:
        listen(screen, running, token)
    assert cap > sum(thread.name.startswith("CP Server") for thread in threading.enumerate())
    with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/healthz") as answer:
        assert answer.status == 200
    late = socket.create_connection(("127.0.0.1", running.port))
    late.settimeout(40)
    late.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
    refused = until(late, b"urn:storehub:problem:unavailable")
    assert refused.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 10" in refused
    for screen in (*screens, late):
        screen.close()
    running.stop()
