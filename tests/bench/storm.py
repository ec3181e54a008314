"""A thousand stores come back at once to one central on PostgreSQL, each with facts unsent.

The stores are the shipped protocol (`sync.protocol.push_step`) on journals in memory, all in one
process; each also waits on both feeds, as a hub does. Orders come to a process of their own
(DESK 1) or to the stores' workers (DESK 0). Run it alone:

    python -m tests.bench.storm [STORES [FACTS [WORKERS [DESK]]]]
"""

import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import psutil
import psycopg

from hub.chain import ORIGIN, Entry, Pair, encode, entry_id, follow
from sync import central, frames, protocol
from sync.central.inventory import Inventory
from sync.central.store_access import add_store, create_credential
from sync.pace import Pace
from sync.protocol import About, Answered, Badge, Failed, Pusher, Send, Tick, Wait
from tests.bench.figures import percentile
from tests.postgres import Server
from tests.sync.pair import order_body, until
from tests.sync.workers import Workers

ORDERS_A_SECOND = 20
WITHIN_S = 180.0


@dataclass
class Ledger:
    """A store's journal in memory."""

    entries: list[bytes]
    pairs: list[Pair] = field(init=False)

    def __post_init__(self) -> None:
        self.pairs = [ORIGIN, *follow(ORIGIN, self.entries)]

    def head(self) -> Pair:
        return self.pairs[-1]

    def floor(self) -> Pair:
        return ORIGIN

    def pair_at(self, seq: int) -> Pair | None:
        return self.pairs[seq] if 0 <= seq < len(self.pairs) else None

    def contents(self, after: int, limit: int) -> list[bytes]:
        return self.entries[after : after + limit]


@dataclass
class Seen:
    """What was answered: statuses by door, and how long orders took (ms)."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    orders_ms: list[float] = field(default_factory=list)


class Line:
    """One connection that is kept; a request at a time."""

    def __init__(self, port: int, seen: Seen, door: str) -> None:
        self._port, self._seen, self._door = port, seen, door
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            # Not `wait_for`: it swallows the end of the storm when an answer comes with it.
            async with asyncio.timeout(40):
                answer = await self._ask(method, path, headers, body)
        except (OSError, EOFError, TimeoutError) as error:
            self._seen.broken[f"{self._door} {type(error).__name__}"] += 1
            self.close()
            raise
        self._seen.statuses[self._door, answer[0]] += 1
        return answer

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if self._streams is not None and self._streams[0].at_eof():
            # Central let an idle connection go; a hub's client sees that before it asks, too.
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        told = headers | {"Host": "central", "Content-Length": str(len(body))}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in told.items())
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        found = {k.lower(): v.strip() for k, _, v in (one.partition(":") for one in rest if one)}
        content = await reader.readexactly(int(found.get("content-length", 0)))
        if found.get("connection", "").lower() == "close":
            self.close()
        return int(first.split()[1]), found, content

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Store:
    """A store's hub as central sees it: it pushes, and waits on both feeds."""

    def __init__(self, name: str, credential: str, port: int, facts: int, seen: Seen) -> None:
        self.name, self.port, self.seen = name, port, seen
        self.ledger = Ledger([fact(f"{name}:{n}", f"SKU-{n % 40}") for n in range(facts)])
        self.headers = {"Authorization": f"Bearer {credential}", "X-StoreHub-Protocol": "1"}
        self.root = f"/sync/v1/stores/{name}"
        self.done_at: float | None = None

    async def push(self, began: float) -> None:
        line = Line(self.port, self.seen, "push")
        state = Pusher(Pace(time.monotonic()), badge=Badge(hardware=f"sim/{self.name}"))
        while True:
            now = time.monotonic()
            state, effect = protocol.push_step(state, Tick(now, self.ledger.head()), self.ledger)
            if isinstance(effect, Wait) or effect is None:
                until_s = effect.until - now if isinstance(effect, Wait) else 0.05
                await asyncio.sleep(max(0.0, min(until_s, 60)))
                continue
            assert isinstance(effect, Send), effect
            state, _ = protocol.push_step(state, await self._send(line, state, effect), self.ledger)
            if state.cursor == self.ledger.head() and self.done_at is None:
                self.done_at = time.monotonic() - began

    async def _send(self, line: Line, state: Pusher, send: Send) -> Answered | Failed:
        push = protocol.packed(state, send, self.ledger)
        left = len(self.ledger.entries)
        about = About(at="2026-11-21T10:00:00.000Z", release="bench", head=left)
        body = frames.pack_push(replace(push, about=about))
        headers = self.headers | {
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "zstd",
            "X-StoreHub-Instance": self.name,
        }
        try:
            status, told, content = await line.ask("POST", f"{self.root}/journal", headers, body)
        except (OSError, EOFError, TimeoutError) as error:
            return Failed(time.monotonic(), "unreachable", random.random(), reason=str(error))
        now = time.monotonic()
        if status in (200, 409):
            return Answered(now, send.after, frames.read_head(content).answer())
        retry = float(told["retry-after"]) if "retry-after" in told else None
        return Failed(now, "unavailable", random.random(), retry_after_s=retry, reason=str(status))

    async def pull(self, stream: str) -> None:
        line, at, pause = Line(self.port, self.seen, f"feed {stream}"), (0, "", ""), 1.0
        while True:
            after, generation, mark = at
            query = f"stream={stream}&after={after}&generation={generation}&mark={mark}&wait=25"
            asked = time.monotonic()
            try:
                status, told, body = await line.ask(
                    "GET", f"{self.root}/feed?{query}", self.headers
                )
            except (OSError, EOFError, TimeoutError):
                # Decorrelated jitter, 1 s to 5 min, as the hub's pace does it.
                pause = min(300.0, random.uniform(1.0, pause * 3))
                await asyncio.sleep(pause)
                continue
            if status != 200:
                pause = min(300.0, random.uniform(1.0, pause * 3))
                await asyncio.sleep(max(pause, float(told.get("retry-after", 0))))
                continue
            pause = 1.0
            page = msgspec.json.decode(body)
            at = (page["next"], page["generation"], page.get("mark", ""))
            if not page["rows"] and time.monotonic() - asked < protocol.QUIET_S:
                await asyncio.sleep(protocol.QUIET_S)


def fact(cause: str, sku: str) -> bytes:
    at = "2026-11-21T10:00:00.000Z"
    body = {"sku": sku, "qty": 1, "source": "available", "target": "customer", "kind": "SALE"}
    return encode(Entry(entry_id(cause, 0, 1), "StockMoved", 1, at, at, "till", cause, body))


async def orders(port: int, token: str, names: list[str], seen: Seen) -> None:
    """Orders come in at a steady pace, whatever the answers take."""
    lines = [Line(port, seen, "order") for _ in range(64)]
    free: asyncio.Queue[Line] = asyncio.Queue()
    for line in lines:
        free.put_nowait(line)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    going = set()
    n = 0
    while True:
        body = order_body(f"STORM-{n}", {"SKU-1": 1}, store=names[n % len(names)])
        going.add(
            task := asyncio.create_task(_order(free, headers, msgspec.json.encode(body), seen))
        )
        task.add_done_callback(going.discard)
        n += 1
        await asyncio.sleep(1 / ORDERS_A_SECOND)


async def _order(
    free: "asyncio.Queue[Line]", headers: dict[str, str], body: bytes, seen: Seen
) -> None:
    began = time.monotonic()
    line = await free.get()
    try:
        with suppress(OSError, EOFError, TimeoutError):
            await line.ask("POST", "/api/v1/orders", headers, body)
    finally:
        free.put_nowait(line)
        seen.orders_ms.append((time.monotonic() - began) * 1000)


async def storm(stores: list[Store], port: int, token: str, seen: Seen) -> float:
    """Let all of them come back; returns after how long all heads were equal (s)."""
    began = time.monotonic()
    names = [store.name for store in stores]
    works = [asyncio.create_task(orders(port, token, names, seen))]
    for store in stores:
        works.append(asyncio.create_task(store.push(began)))
        works += [asyncio.create_task(store.pull(stream)) for stream in ("commands", "replica")]
    told = began
    while waiting := sum(store.done_at is None for store in stores):
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(f"  after {told - began:.0f} s: {waiting} to come", flush=True)
        if time.monotonic() - began > WITHIN_S:
            break
        for work in works:
            if work.done():
                work.result()
        await asyncio.sleep(0.2)
    took = max(store.done_at or float("inf") for store in stores)
    # The orders that are under way are answered yet.
    await asyncio.sleep(3)
    for work in works:
        work.cancel()
    await asyncio.gather(*works, return_exceptions=True)
    return took


def run(count: int = 1000, facts: int = 200, workers: int = 2, desk: int = 1) -> None:
    """Print the figures."""
    server = Server()
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        served: list[Workers] = []
        try:
            database = server.database()
            office = Path(folder) / "head-office"
            names = [f"store-{n:04}" for n in range(count)]
            given = _known(office, database, names)
            served.append(Workers(office, database, workers))
            if desk:
                served.append(Workers(Path(folder) / "desk", database, 1))
            for one in served:
                until(one.ready, "central is ready", 60)
            seen = Seen()
            stores = [Store(name, given[name], served[0].port, facts, seen) for name in names]
            resting, busy = _memory(served), _busy(served, server)
            began = time.monotonic()
            took = asyncio.run(storm(stores, served[-1].port, served[-1].token, seen))
            print(f"{count} stores, {facts} facts each, {workers} + {desk} workers: heads equal"
                  f" after {took:.1f} s (budget {WITHIN_S:.0f} s)")  # fmt: skip
            _report(seen, served, resting, time.monotonic() - began)
            told = [now - then for now, then in zip(_busy(served, server), busy, strict=True)]
            print("processor time of workers, PostgreSQL, stores: "
                  + ", ".join(f"{one:.0f} s" for one in told))  # fmt: skip
            _compare(database, stores)
        finally:
            for one in served:
                one.stop()
            server.stop()


def _known(office: Path, database: str, names: list[str]) -> dict[str, str]:
    central.init(office, database)
    inventory = Inventory(office, database=database)
    try:

        def admit(tx: Any) -> dict[str, str]:
            for name in names:
                add_store(tx, name, name)
            return {name: create_credential(tx, name) for name in names}

        return inventory.store.run(admit)
    finally:
        inventory.close()


def _memory(served: list[Workers]) -> str:
    pids = [pid for one in served for pid in one.pids()]
    sizes = [psutil.Process(pid).memory_info().rss / 2**20 for pid in pids]
    return " + ".join(f"{size:.0f}" for size in sizes) + " MiB"


def _busy(served: list[Workers], server: Server) -> tuple[float, float, float]:
    def spent(pids: list[int]) -> float:
        return sum(sum(psutil.Process(pid).cpu_times()[:4]) for pid in pids)

    assert server.process is not None
    main = server.process.pid
    backends = [child.pid for child in psutil.Process(main).children()]
    return (
        spent([pid for one in served for pid in one.pids()]),
        spent([main, *backends]),
        spent([os.getpid()]),
    )


def _report(seen: Seen, served: list[Workers], resting: str, lasted: float) -> None:
    p50, p99 = percentile(seen.orders_ms, 0.5), percentile(seen.orders_ms, 0.99)
    print(f"order intake, {len(seen.orders_ms)} in {lasted:.0f} s: p50 {p50:.0f} ms,"
          f" p99 {p99:.0f} ms (budget 2,000), longest {max(seen.orders_ms):.0f} ms")  # fmt: skip
    for (door, status), count in sorted(seen.statuses.items()):
        print(f"  {door}: {status} × {count}")
    print(f"  connections that broke: {dict(seen.broken) or 'none'}")
    print(f"memory of the workers: {resting} before, {_memory(served)} after")


def _compare(database: str, stores: list[Store]) -> None:
    with psycopg.connect(database) as conn:
        heads = {row[0]: row[1:] for row in conn.execute("SELECT store_id, seq, hash FROM store")}
        stock = conn.execute("SELECT store_id, sum(qty) FROM stock WHERE bucket = 'customer'"
                             " GROUP BY store_id").fetchall()  # fmt: skip
    wrong = [one.name for one in stores if heads[one.name] != tuple(one.ledger.head())]
    lost = [name for name, sold in stock if sold != len(stores[0].ledger.entries)]
    print(f"heads that differ: {len(wrong)}; stores whose numbers differ: {len(lost)}")


if __name__ == "__main__":
    run(*(int(one) for one in sys.argv[1:]))
