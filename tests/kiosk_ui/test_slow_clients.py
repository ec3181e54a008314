"""Clients that speak slowly, or begin and stop: they keep no worker from anybody else."""

import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub import authority
from hub.authority import Tls
from kiosk_ui import server
from kiosk_ui.server import SPARE_THREADS, Running, serve
from tests.kiosk_ui.sample import SampleStore

SCREENS = 4
WORKERS = SCREENS + SPARE_THREADS
BEGUN = (
    b"GET /healthz HTTP/1.1\r\nHost: hub\r\nX-More: ",
    b"POST /signin HTTP/1.1\r\nHost: hub\r\nContent-Length: 400\r\n\r\nstaff_id=ada",
    b"POST /api/v1/sales HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n",
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[SampleStore]:
    store = SampleStore(tmp_path / "data", screens=SCREENS)
    yield store
    store.close()


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return authority.establish(tmp_path, "store-1", ["127.0.0.1"], datetime.now(UTC))


@pytest.fixture
def running(shop: SampleStore, tls: Tls) -> Iterator[Running]:
    made = serve(shop.hub, "127.0.0.1", 0)
    made.open_tls("127.0.0.1", 0, (tls.certificate, tls.key))
    yield made
    assert made.alive()
    made.stop()


def answers(running: Running) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/healthz", timeout=20) as said:
        return bool(said.status == 200)


@pytest.mark.parametrize("begun", BEGUN, ids=["head", "form", "chunks"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_three_times_as_many_as_there_are_workers_begin_and_stop(
    running: Running, tls: Tls, begun: bytes, secure: bool
) -> None:
    trust = ssl.create_default_context(cafile=str(tls.ca))
    with ExitStack() as stack:
        for _ in range(3 * WORKERS):
            port = running.https_port if secure else running.port
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            if secure:
                sock = stack.enter_context(trust.wrap_socket(sock, server_hostname="127.0.0.1"))
            sock.sendall(begun)
        # Well before the first of them has had its half minute.
        began = time.monotonic()
        assert answers(running)
        assert time.monotonic() - began < server.REQUEST_S / 2


def test_a_request_that_is_dealt_out_by_the_byte_has_to_be_whole_in_time(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running._server.patience, "whole_s", 1.0)
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.sendall(BEGUN[0])
        sock.settimeout(0.1)
        end, heard = time.monotonic() + 30, b""
        while not heard and time.monotonic() < end:
            try:
                sock.sendall(b"x")
                heard = sock.recv(100)
            except TimeoutError:
                continue
        assert heard.startswith(b"HTTP/1.1 408")


def test_who_is_slow_and_alone_is_heard_to_the_end(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        for part in (b"GET /heal", b"thz HTTP/1.1\r\nHo", b"st: hub\r\n", b"\r\n"):
            sock.sendall(part)
            time.sleep(0.3)
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
