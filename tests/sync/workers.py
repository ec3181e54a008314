"""Central on PostgreSQL as several processes on one port, hubs that push, orders that come in."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests

from sync import central as setup
from sync.compare import compare
from tests.floor import free_ports
from tests.postgres import Server
from tests.sync.pair import StoreSide, order_body, until

TRIES_S = 120


class Workers:
    """`storehub central --workers N`, its token, and what may be done to it."""

    def __init__(self, directory: Path, database: str, count: int = 2) -> None:
        self.directory, self.database = directory, database
        self.token = setup.create_token(directory, "test", "admin", database)
        self.port = free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "hub.cli", "central", "--data", str(directory)),
                *("--port", str(self.port), "--workers", str(count)),
            ],
            env=os.environ | {"STOREHUB_CENTRAL_DATABASE": database},
        )

    def pids(self) -> list[int]:
        return [one.pid for one in psutil.Process(self.process.pid).children()]

    def ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        url = f"{self.url}/api/v1{path}"
        return requests.request(method, url, headers=headers, timeout=40, **more)

    def insist(self, method: str, path: str, **more: Any) -> requests.Response:
        """Ask again, with the same words, for as long as central is away."""
        end = time.monotonic() + TRIES_S
        while True:
            try:
                answer = self.ask(method, path, **more)
            except requests.RequestException:
                answer = None
            if answer is not None and answer.status_code not in (429, 503):
                return answer
            assert answer is None or answer.headers["Retry-After"], "it says when to come back"
            assert time.monotonic() < end, "central does not come back"
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        finally:
            self.process.kill()


class Trouble:
    """Stores that sell, people who order, and somebody who kills; then everything is counted."""

    def __init__(self, folder: Path, server: Server, seed: int, stores: int = 2) -> None:
        self.server, self.chance = server, random.Random(seed)
        self.database = server.database()
        office = folder / "head-office"
        names = [f"store-{n}" for n in range(stores)]
        given = {name: setup.add_store(office, name, name, self.database) for name in names}
        self.central = Workers(office, self.database)
        until(self.central.ready, "central is ready")
        self.hubs = [
            StoreSide(folder / name, self.central.url, given[name], name) for name in names
        ]
        self.placed: dict[str, str] = {}
        self.killed = {"server": 0, "worker": 0}
        self._over = threading.Event()

    def go(self, kills: int, seconds: float = 0) -> None:
        """Sell, order and kill: so often, and for so long."""
        works = [threading.Thread(target=self._sell, args=(hub,)) for hub in self.hubs]
        works += [threading.Thread(target=self._order, args=(n,)) for n in range(2)]
        for hub in self.hubs:
            hub.agent.start()
        for work in works:
            work.start()
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end or sum(self.killed.values()) < kills:
                time.sleep(self.chance.uniform(0.3, 2))
                self._kill()
        finally:
            self._over.set()
            for work in works:
                work.join()

    def _kill(self) -> None:
        if self.killed["server"] * 3 < self.killed["worker"] * 2:
            self.server.kill()
            self.server.start()
            self.killed["server"] += 1
        elif pids := self.central.pids():
            os.kill(self.chance.choice(pids), signal.SIGKILL)
            self.killed["worker"] += 1

    def _sell(self, hub: StoreSide) -> None:
        n = 0
        while not self._over.is_set():
            hub.receive(f"S{n % 20}", 1, f"sale:{hub.name}:{n}")
            n += 1
            time.sleep(0.005)

    def _order(self, who: int) -> None:
        n = 0
        while not self._over.is_set():
            store, order_id = f"store-{n % len(self.hubs)}", f"R-{who}-{n}"
            body = order_body(order_id, {f"S{n % 20}": 1}, store=store)
            key = {"Idempotency-Key": order_id} if n % 2 else {}
            answer = self.central.insist("POST", "/orders", json=body, headers=key)
            assert answer.status_code == 201, answer.text
            self.placed[order_id] = store
            n += 1

    def count(self) -> None:
        """Nothing is lost, nothing doubled, and both ends know the same."""
        until(self.central.ready, "central is ready")
        for hub in self.hubs:
            mine = {one for one, store in self.placed.items() if store == hub.name}
            until(lambda hub=hub, mine=mine: known(hub) >= mine, "its orders reached the store")
            assert known(hub) == mine
            until(
                lambda hub=hub: hub.agent.state()["pushed_seq"] == hub.head().seq, "all pushed", 60
            )
            found = compare(hub.store.read, self.central.url, hub.name, hub.credential)
            assert found == []
        with psycopg.connect(self.database) as conn:
            told = conn.execute("SELECT row::json->>'id' FROM command_feed").fetchall()
            heads = dict(conn.execute("SELECT store_id, seq FROM store").fetchall())
            entries = conn.execute("SELECT store_id, count(*), max(seq) FROM journal GROUP BY 1")
            for store, count, last in entries.fetchall():
                assert count == last == heads[store]
        places = [one for (one,) in told if one.startswith("place-")]
        assert sorted(places) == sorted(f"place-{one}" for one in self.placed)

    def close(self) -> None:
        for hub in self.hubs:
            hub.close()
        self.central.stop()


def known(hub: StoreSide) -> set[str]:
    """Return the orders that a hub has."""
    return hub.read(
        lambda conn: {row[0] for row in conn.execute("SELECT order_id FROM pickup_order")}
    )
