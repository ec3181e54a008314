"""A real SMTP server, a provider of SMS, and a central whose messenger is stepped by tests."""

import email
import email.policy
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from hub.clock import FixedClock
from sync.central import store_notices
from sync.central.inventory import FOLDER, Inventory
from sync.central.notices import Notifier
from tests.sync.pair import STORE, entry
from tests.sync.test_fallback import Chain

BEGAN = datetime(2026, 11, 21, 10, tzinfo=UTC)
OTHER = "store-2"
SECRET = "a secret of sixteen"
LINES = [{"line_id": "L1", "sku": "4711", "qty": 2, "name": "Rye bread"}]


class Anywhere(Controller):
    """A server on a port that the system chooses."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class Post:
    """A real SMTP server. `answers` says what becomes of the next messages, 250 without."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.answers: list[str] = []
        self.refused: str | None = None
        self.stopped = False
        self._controller = Anywhere(self, hostname="127.0.0.1", port=0)
        self._controller.start()
        self.port = self._controller.port

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, to: str, *_: Any
    ) -> str:
        if self.refused is not None:
            return self.refused
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        answer = self.answers.pop(0) if self.answers else "250 taken"
        if answer.startswith("250") or answer == "cut":
            said = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.got.append((envelope.rcpt_tos, said))
        if answer == "cut":
            server.transport.abort()
        return answer

    def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            self._controller.stop()


class Provider:
    """An HTTP server that takes what the webhook posts."""

    def __init__(self) -> None:
        self.got: list[tuple[Any, bytes]] = []
        self.answers: list[int] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = provider.answers.pop(0) if provider.answers else 204
                provider.got.append((self.headers, body))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/sms"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def post() -> Iterator[Post]:
    made = Post()
    yield made
    made.stop()


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.stop()


def configure(directory: Path, post: Post, more: str = "") -> None:
    (directory / FOLDER).mkdir(parents=True, exist_ok=True)
    (directory / FOLDER / "notices.toml").write_text(
        f'url = "https://pickup.example"\n{more}\n'
        f'[mail]\nserver = "127.0.0.1"\nport = {post.port}\nsecurity = "none"\n'
        'sender = "Mill Lane <pickup@example.test>"\ntimeout_s = 50\n'
    )


class Office:
    """A central with one store, a clock that is moved, and a messenger that is stepped."""

    def __init__(self, directory: Path, database: str | None) -> None:
        self.directory, self.database = directory, database
        self.clock = FixedClock(BEGAN)
        self.begin()

    def begin(self) -> None:
        self.central = Inventory(self.directory, self.clock, self.database)
        self.chain = Chain(self.central, STORE, OTHER)
        self.notifier = Notifier(self.central)
        self.count = 0

    def again(self) -> None:
        self.central.close()
        self.begin()

    def fact(self, kind: str, order_id: str, store: str = STORE, **body: Any) -> None:
        cause = f"{store}-{order_id}-{kind}-{self.count}"
        self.count += 1
        self.chain.say(store, entry(cause, {"order_id": order_id, **body}, kind))

    def proposed(self, order_id: str, store: str = STORE) -> None:
        more = {"lines": LINES, "short_code": "K7QM", "channel": "web"}
        self.fact("OrderProposed", order_id, store, **more)

    def ready(self, order_id: str) -> None:
        self.proposed(order_id)
        for kind, more in (
            ("OrderReserved", {}),
            ("PickingClaimed", {"by": "staff:ada"}),
            ("LinePicked", {"line_id": "L1", "qty": 2}),
            ("OrderStaged", {"shelf": "A1"}),
            ("OrderReady", {}),
        ):
            self.fact(kind, order_id, **more)

    def run(self) -> None:
        while self.notifier.step() < 1:
            pass

    def later(self, **span: float) -> None:
        self.clock.advance(timedelta(**span))
        self.run()

    def messages(self, order_id: str = "") -> list[dict[str, Any]]:
        with self.central.store.reader() as conn:
            return store_notices.shown(conn, "", order_id, "", 100)

    def decided(self, order_id: str) -> dict[str, str]:
        with self.central.store.reader() as conn:
            return {one["kind"]: one["state"] for one in store_notices.decided(conn, order_id)}


@pytest.fixture
def office(tmp_path: Path, post: Post, database: str | None) -> Iterator[Office]:
    configure(tmp_path, post)
    made = Office(tmp_path, database)
    yield made
    made.central.close()


def subjects(post: Post) -> list[str]:
    return [said["Subject"] for _, said in post.got]
