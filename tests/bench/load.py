"""The load that a busy store is under while something is measured: screens, reads, commands.

    python -m tests.bench.load HUB_URL TOKEN SECONDS STREAMS BOARD SEARCH COMMANDS
        prints one JSON line: {"board": [ms…], "search": [ms…], "command": [ms…], "events": n}

It runs as a process of its own, so that its work is not the measuring process's.
"""

import http.client
import json
import secrets
import socket
import sys
import threading
import time
from contextlib import suppress
from urllib.parse import quote, urlsplit

WORDS = ("milk", "bread", "tea", "choc", "juice", "soap", "rice", "aple", "cof", "water")
JSON = {"Content-Type": "application/json"}


class Reader(threading.Thread):
    """Asks at a steady rate on one kept connection; notes each answer's time."""

    def __init__(self, url: str, token: str, kind: str, rate: float, until: float) -> None:
        super().__init__(daemon=True)
        self.url, self.token, self.kind, self.rate, self.until = url, token, kind, rate, until
        self.times: list[float] = []

    def run(self) -> None:
        address = urlsplit(self.url)
        line = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        line.connect()
        line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {"Authorization": f"Bearer {self.token}"}
        due, n = time.monotonic(), 0
        while due < self.until:
            time.sleep(max(0.0, due - time.monotonic()))
            began = time.perf_counter()
            method, path, body = self.question(n)
            line.request(method, path, body, headers | (JSON if body else {}))
            answer = line.getresponse()
            answer.read()
            if answer.status >= 400:
                raise SystemExit(f"{path}: {answer.status}")
            self.times.append((time.perf_counter() - began) * 1000)
            due, n = due + 1 / self.rate, n + 1

    def question(self, n: int) -> tuple[str, str, bytes | None]:
        if self.kind == "board":
            return "GET", "/api/v1/orders?state=RESERVED", None
        if self.kind == "search":
            return "GET", f"/api/v1/catalog/search?q={quote(WORDS[n % len(WORDS)])}", None
        body = {"sale_id": f"L-{secrets.token_hex(8)}", "lines": [{"sku": "BENCH", "qty": 1}]}
        return "POST", "/api/v1/sales", json.dumps(body).encode()


def listen(url: str, token: str, count: list[int]) -> socket.socket:
    """Open one event stream; a thread reads it to its end."""
    address = urlsplit(url)
    line = socket.create_connection((address.hostname, address.port), timeout=None)
    line.sendall(
        f"GET /api/v1/events HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n".encode()
    )

    def read() -> None:
        with suppress(OSError):  # closed at the end
            while chunk := line.recv(65536):
                count[0] += chunk.count(b"event: changed")

    threading.Thread(target=read, daemon=True).start()
    return line


def main(url: str, token: str, seconds: str, *counts: str) -> None:
    streams, board, search, commands = (int(one) for one in counts)
    events = [0]
    open_lines = [listen(url, token, events) for _ in range(streams)]
    until = time.monotonic() + float(seconds)
    readers = [
        Reader(url, token, kind, rate, until)
        for kind, rate in (("board", board), ("search", search), ("command", commands))
        if rate
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    time.sleep(max(0.0, until - time.monotonic()))
    times = {reader.kind: reader.times for reader in readers}
    print(json.dumps(times | {"events": events[0]}), flush=True)
    for line in open_lines:
        line.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
