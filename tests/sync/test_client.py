"""Whoever answers in central's place is not believed."""

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zstandard

from hub.chain import ORIGIN
from sync import frames
from sync.client import Client, Denied, Rejected, Unanswered, Unreachable
from sync.frames import FeedGone
from sync.protocol import Cursor, Push

OURS = {"X-StoreHub-Protocol": "1", "Content-Type": "application/json"}
HEAD = b'{"head":{"seq":0,"hash":"' + b"0" * 64 + b'"},"generation":"g"}'

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def somebody() -> Iterator[Callable[..., Client]]:
    """A server that gives one answer to everything, and a client that talks to it."""
    opened: list[Any] = []

    def start(status: int, headers: dict[str, str], body: bytes, length: int = -1) -> Client:
        class Door(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(length if length >= 0 else len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        client = Client(f"http://127.0.0.1:{server.server_port}", "s", "secret", "test")
        opened.append((server, thread, client))
        return client

    yield start
    for server, thread, client in opened:
        client.close()
        server.shutdown()
        thread.join()
        server.server_close()


def heartbeat(client: Client) -> Any:
    return client.push(frames.pack_push(Push(ORIGIN)))


def test_central_is_understood(somebody: Callable[..., Client]) -> None:
    assert heartbeat(somebody(200, OURS, HEAD)).head.pair() == ORIGIN
    assert heartbeat(somebody(409, OURS, HEAD)).generation == "g"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content-Type": "text/html"}, b"<h1>Welcome to Hotel Wi-Fi</h1>"),
        (200, {"Content-Type": "application/json"}, HEAD),
        (200, {"X-StoreHub-Protocol": "2", "Content-Type": "application/json"}, HEAD),
        (302, {"Location": "http://portal.example/"}, b""),
        (200, OURS | {"Content-Type": "text/html"}, b"<h1>proxy</h1>"),
        (200, OURS, b"{}"),
        (200, OURS, b"\xff\xfe"),
        (200, OURS, b'{"head":{"seq":"0","hash":""},"generation":"g"}'),
        (200, OURS | {"Content-Encoding": "zstd"}, b"not zstd"),
        (502, {"Content-Type": "text/html"}, b"Bad gateway"),
        (503, OURS, b"{}"),
        (429, OURS, b"{}"),
    ],
)
def test_a_portal_a_proxy_or_a_broken_answer_is_no_data(
    somebody: Callable[..., Client], status: int, headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(Unanswered):
        heartbeat(somebody(status, headers, body))


def test_a_pair_that_is_none_is_no_data(somebody: Callable[..., Client]) -> None:
    body = b'{"head":{"seq":0,"hash":"00"},"generation":"g"}'
    with pytest.raises(frames.Malformed):
        heartbeat(somebody(200, OURS, body)).head.pair()


def test_a_truncated_answer_is_no_data(somebody: Callable[..., Client]) -> None:
    with pytest.raises((Unanswered, Unreachable)):
        heartbeat(somebody(200, OURS, HEAD[:30], len(HEAD)))


def test_a_bomb_is_not_inflated(somebody: Callable[..., Client]) -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(100 << 20))
    client = somebody(200, OURS | {"Content-Encoding": "zstd"}, bomb)
    with pytest.raises(Unanswered, match="inflates"):
        client.feed("replica", Cursor(), 0)


def test_an_endless_answer_is_cut_off(somebody: Callable[..., Client]) -> None:
    with pytest.raises(Unanswered, match="more than"):
        heartbeat(somebody(200, OURS, b" " * (frames.PUSH_BYTES + 1)))


def test_a_busy_central_says_when_to_come_again(somebody: Callable[..., Client]) -> None:
    with pytest.raises(Unanswered) as told:
        heartbeat(somebody(503, OURS | {"Retry-After": "17"}, b""))
    assert told.value.retry_after_s == 17.0


def test_a_refused_credential_and_refused_bytes_are_told_apart(
    somebody: Callable[..., Client],
) -> None:
    with pytest.raises(Denied):
        heartbeat(somebody(401, OURS, b'{"detail":"no"}'))
    with pytest.raises(Rejected) as told:
        heartbeat(somebody(422, OURS, b'{"detail":"The chain is broken."}'))
    assert (told.value.status, str(told.value)) == (422, "The chain is broken.")


def test_nobody_there_is_unreachable() -> None:
    client = Client("http://127.0.0.1:9", "s", "secret", "test")
    with pytest.raises(Unreachable):
        heartbeat(client)
    client.close()


def test_gone_names_the_generation(somebody: Callable[..., Client]) -> None:
    gone = somebody(410, OURS, b'{"generation":"g2","snapshot":true}')
    assert gone.feed("replica", Cursor("g", 5), 0) == FeedGone("g2", 0, True)
