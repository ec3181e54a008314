"""A hub's store and a real central, joined by the real line proxy, all in one process."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

from hub import handlers, journal
from hub.chain import Entry, Pair, encode, entry_id
from hub.settings import Settings
from hub.stock.facts import StockMoved
from hub.store import Store
from sync import agent as agents
from sync import central, frames, seal, tables
from sync.central import store_access
from sync.central.store_port import Tx
from sync.hardware import hardware
from sync.hub import Hub
from sync.line import LineProxy
from sync.protocol import Push
from sync.replica import ReplicaStore
from tests.empty import lay_files
from tests.postgres import name_of, run_sql

T = TypeVar("T")
STORE = "store-1"


def order_body(order_id: str, units: dict[str, int], **changes: Any) -> dict[str, Any]:
    lines = [
        {"line_id": f"L{n}", "sku": sku, "qty": qty, "unit_price_minor": 199}
        for n, (sku, qty) in enumerate(units.items(), 1)
    ]
    return {
        "order_id": order_id,
        "store": STORE,
        "lines": lines,
        "currency": "EUR",
        "customer": {"name": "Ida Probe", "email": "ida@example.test", "phone": None},
        "promise_at": None,
    } | changes


def _admit(tx: Tx) -> tuple[str, str]:
    store_access.add_store(tx, STORE, "Mill Lane")
    token = store_access.create_token(tx, "test", "admin")
    return store_access.create_credential(tx, STORE), token


class Central:
    """A central that is served, with tokens for everybody."""

    def __init__(self, directory: Path, port: int = 0, database: str | None = None) -> None:
        self.directory, self.database = directory, database
        self.serve(port)
        self.credential, self.token = self.running.inventory.store.run(_admit)

    def serve(self, port: int = 0) -> None:
        self.running = central.Running(self.directory, port=port, database=self.database)
        self.url, self.port = self.running.url, self.running.port

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}/api/v1{path}", headers=self._headers(), timeout=40)

    def post(self, path: str, body: object, key: str | None = None) -> requests.Response:
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        return requests.post(f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=40)

    def place(self, order_id: str, units: dict[str, int], **changes: Any) -> dict[str, Any]:
        answer = self.post("/orders", order_body(order_id, units, **changes))
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def head(self) -> journal.Pair:
        items = self.get("/stores").json()["items"]
        return journal.Pair(**next(one["head"] for one in items if one["store"] == STORE))

    def door(self, path: str, **more: Any) -> requests.Response:
        """Ask as the store's hub does."""
        headers = {
            "Authorization": f"Bearer {self.credential}",
            "X-StoreHub-Protocol": "1",
        } | more.pop("headers", {})
        method = more.pop("method", "GET")
        url = f"{self.url}/sync/v1/stores/{STORE}{path}"
        return requests.request(method, url, headers=headers, timeout=40, **more)

    def image(self) -> Callable[[], None]:
        """Copy the data of a central that is stopped; returns what puts the copy back."""
        if self.database is None:
            file = self.directory / "central" / "central.db"
            content = file.read_bytes()
            return lambda: file.write_bytes(content) and None
        name = name_of(self.database)
        copy = f"CREATE DATABASE {name}_copy TEMPLATE {name}"
        admin = self.database.replace(f"/{name}?", "/postgres?")
        run_sql(admin, copy)
        back = (f"DROP DATABASE {name}", f"ALTER DATABASE {name}_copy RENAME TO {name}")
        return lambda: run_sql(admin, *back)

    def stop(self) -> None:
        self.running.stop()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class StoreSide:
    """The hub's files with writer and agent, but without devices and screens."""

    def __init__(self, directory: Path, url: str, credential: str, store: str = STORE) -> None:
        self.name, self.credential = store, credential
        settings = Settings(store=store, ballast_mib=1)
        lay_files(directory)
        self.store = Store(directory, settings, migrations=(tables.MIGRATIONS,))
        self.replica = ReplicaStore(self.store.database.replica)
        hub = Hub(
            store=store,
            instance="test",
            hardware=hardware(directory),
            reader=self.store.database.reader,
            writer=self.store.writer,
            ring=self.store.ring,
            clock=self.store.clock,
            replica=self.replica,
            seal=seal.opened(directory),
        )
        self.agent = agents.open(
            hub, central_url=url, credential=credential, commands=handlers.COMMANDS
        )

    def receive(self, sku: str, qty: int, cause: str) -> None:
        """Take goods in as one append of one move."""
        move = StockMoved(sku=sku, qty=qty, source="supplier", target="available", kind="RECEIVE")
        self.store.writer.run(lambda tx: tx.append([move], cause=cause, actor="test"))

    def head(self) -> journal.Pair:
        with self.store.database.reader() as conn:
            return journal.head(conn)

    def read(self, query: Callable[..., T], *arguments: Any) -> T:
        with self.store.database.reader() as conn:
            return query(conn, *arguments)

    def close(self) -> None:
        self.agent.close()
        self.replica.close()
        self.store.close()


class Both:
    """Hub and central, and the line between them."""

    def __init__(self, directory: Path, database: str | None = None) -> None:
        self.directory = directory
        self.central = Central(directory / "head-office", database=database)
        self.line = LineProxy(
            directory, listen=("127.0.0.1", 0), target=("127.0.0.1", self.central.port)
        )
        url = f"http://127.0.0.1:{self.line.address[1]}"
        self.hub = StoreSide(directory / "hub", url, self.central.credential)

    def in_step(self, timeout: float = 60) -> None:
        """Wait until central has all that the hub has, and the hub knows it."""
        agent, head = self.hub.agent, self.hub.head
        until(
            lambda: self.central.head() == head() and agent.state()["backlog"] == 0,
            "central has all", timeout,
        )  # fmt: skip

    def close(self) -> None:
        self.hub.close()
        self.line.stop()
        self.central.stop()


def until(look: Callable[[], T], what: str, timeout: float = 60) -> T:
    end_at = time.monotonic() + timeout
    while True:
        if found := look():
            return found
        assert time.monotonic() < end_at, f"not within {timeout} s: {what}"
        time.sleep(0.01)


PUSH = {"Content-Type": "application/x-ndjson", "Content-Encoding": "zstd"}


def entry(
    cause: str, body: dict[str, Any], kind: str = "StockMoved", i: int = 0, n: int = 1
) -> bytes:
    at = "2026-11-21T10:00:00.000Z"
    return encode(Entry(entry_id(cause, i, n), kind, 1, at, at, "test", cause, body))


def received(cause: str, sku: str, qty: int) -> bytes:
    return entry(
        cause,
        {"sku": sku, "qty": qty, "source": "supplier", "target": "available", "kind": "RECEIVE"},
    )


def push(central: Central, after: Pair, contents: list[bytes], **more: Any) -> Any:
    return central.door(
        "/journal",
        method="POST",
        data=frames.pack_push(Push(after, tuple(contents))),
        headers=PUSH | more,
    )
