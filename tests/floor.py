"""A whole store for tests: broker, central, line and hub as processes, reached as users reach them.

It must never look into the product's memory or files for an answer that HTTP, MQTT or the command
line give.
"""

import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import requests

from hub import ports
from tests.device import Device

T = TypeVar("T")
ROOT: Final = Path(__file__).parents[1]
# Places of ports, one a worker, and rows in each.
PLACES, PLACE, ROW = 8, 1_500, 6
_given = itertools.count(secrets.randbelow(PLACE // ROW))
COMMAND: Final = (sys.executable, "-c", "from hub.cli import main; main()")


class Http:
    """The JSON API of hub or central with a bearer token. Paths are relative to /api/v1."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.session.get(self._at(path), params=query, timeout=20)

    def post(self, path: str, body: object = None, key: str | None = None) -> requests.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.session.post(
            self._at(path), json={} if body is None else body, headers=headers, timeout=20
        )

    def json(self, path: str, **query: Any) -> Any:
        answer = self.get(path, **query)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def done(self, path: str, body: object = None, key: str | None = None) -> Any:
        """POST what must succeed; return the JSON answer."""
        answer = self.post(path, body, key)
        assert answer.status_code in (200, 201), f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def _at(self, path: str) -> str:
        return self.url + (path if path.startswith("/api") else f"/api/v1{path}")


class Floor:
    """`storehub demo --no-devices` in its own directory; its supervisor restarts the killed."""

    def __init__(self, directory: Path, *, broker: str = "auto", **environment: str) -> None:
        self.directory = directory
        self.broker = broker
        self.environment = os.environ | {"STOREHUB_BROKER": broker} | environment
        self.environment["PYTHONPATH"] = str(ROOT)
        self.log = directory.parent / f"{directory.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.base = 0

    def start(self, *arguments: str, timeout: float = 120) -> Self:
        self.base = self.base or free_ports(6)
        directory = ("--data", str(self.directory))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "demo", "--no-devices", "--port-base", str(self.base), *directory,
                 *arguments],
                cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self.until(self._is_up, "the store is up", timeout)
        facts = self.facts()
        self.store: str = facts["store"]
        self.hub = Http(facts["urls"]["hub"], facts["tokens"]["hub"])
        self.central = Http(facts["urls"]["central"], facts["tokens"]["central"])
        return self

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            pids = list(self.facts()["pids"].values())
            process.kill()
            process.wait(5)
            for pid in pids:
                end(pid)
            raise

    def facts(self) -> dict[str, Any]:
        """Return DIR/demo.json as it stands; pids change when a process is started again."""
        found: dict[str, Any] = json.loads((self.directory / "demo.json").read_bytes())
        return found

    def storehub(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line on this store's directory."""
        answer = subprocess.run(
            [*COMMAND, *arguments, "--data", str(self.directory)],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        if check and answer.returncode != 0:
            raise AssertionError(
                f"storehub {' '.join(arguments)}: {answer.stderr or answer.stdout}"
            )
        return answer

    def status(self) -> dict[str, Any]:
        """Return what `storehub status --json` says, from the hub itself."""
        found: dict[str, Any] = self.hub.json("/status")
        return found

    def verify(self) -> dict[str, Any]:
        """Return what `storehub verify` found; the caller looks at `ok`."""
        found: dict[str, Any] = json.loads(self.storehub("verify", "--json", check=False).stdout)
        return found

    def device(self, name: str = "scanner-2") -> Device:
        """Connect as one of the sample store's devices."""
        facts = self.facts()
        known = next(one for one in facts["devices"] if one["id"] == name)
        url = urlsplit(facts["urls"]["mqtt"])
        return Device(
            self.store, known["id"], url.hostname or "127.0.0.1", url.port or 1883,
            known["username"], known["password"], v5=self.broker != "amqtt",
        )  # fmt: skip

    def line(self, state: str) -> None:
        self.storehub("line", state)

    def kill(self, name: str) -> int:
        """End `name` (hub, central or broker) by signal 9; its supervisor starts it again."""
        pid: int = self.facts()["pids"][name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_ready(self, timeout: float = 120) -> None:
        self.until(self._is_ready, "the hub is ready", timeout)

    def in_step(self, timeout: float = 60) -> None:
        """Wait until central's own word of this store's journal is the hub's: all, and the same.

        What the hub says it pushed may be from before central was put back.
        """

        def same() -> bool:
            try:
                answer = self.central.get("/stores")
                status = self.status()
            except OSError:  # one of them is being started again
                return False
            if answer.status_code != 200:
                return False
            heads = {one["store"]: one["head"] for one in answer.json()["items"]}
            return bool(heads[self.store] == {"seq": status["seq"], "hash": status["hash"]})

        self.until(same, "central has all", timeout)

    def until(self, look: Callable[[], T], what: str, timeout: float = 60) -> T:
        """Look until `look` gives something true; return it."""
        end_at = time.monotonic() + timeout
        while True:
            if self._process is not None and self._process.poll() is not None:
                raise AssertionError(f"the store ended:\n{self.log.read_text()[-4000:]}")
            if found := look():
                return found
            if time.monotonic() > end_at:
                raise AssertionError(f"not within {timeout} s: {what}\n{self.tail()}")
            time.sleep(0.05)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def receive(self, units: Mapping[str, int]) -> None:
        """Take goods in, so that a test has its own SKUs with their units."""
        lines = [{"sku": sku, "qty": qty} for sku, qty in units.items()]
        self.hub.done("/receipts", {"receipt_id": f"R-{secrets.token_hex(6)}", "lines": lines})

    def settled(self, sku: str) -> dict[str, Any]:
        """Return the buckets, and what may be promised were nothing lent to central.

        Each minute the store lends central some of what the web asked for, whenever that is.
        """
        told = self.hub.json(f"/stock/{sku}/explain", channel="store")
        own = sum(one["qty"] for one in told["terms"] if one["name"] != "rights_elsewhere")
        return {"buckets": self.stock(sku)["buckets"], "own": own}

    def stock(self, sku: str) -> dict[str, Any]:
        found: dict[str, Any] = self.hub.json(f"/stock/{sku}")
        return found

    def goods(self, count: int) -> list[dict[str, Any]]:
        """Return products of the sample catalogue that have a barcode: sku, gtin, name.

        A hub is ready before it has the catalogue (offline is a normal state): wait for it.
        """

        def look() -> list[dict[str, Any]] | None:
            found: dict[str, dict[str, Any]] = {}
            for word in ("milk", "bread", "tea", "soap", "rice", "juice", "apple"):
                for item in self.hub.json("/catalog/search", q=word)["items"]:
                    if item["gtin"]:
                        found[item["sku"]] = item
            return list(found.values())[:count] if len(found) >= count else None

        found = self.until(look, f"{count} products with a barcode are in the catalogue")
        assert found is not None
        return found

    def on_hand(self, sku: str) -> int:
        """Return the units here; a SKU that the store has never heard of has none."""
        answer = self.hub.get(f"/stock/{sku}")
        return 0 if answer.status_code == 404 else int(answer.json()["on_hand"])

    def place(self, units: Mapping[str, int], **changes: Any) -> dict[str, Any]:
        """Place a customer's order at central and return central's answer."""
        lines = [
            {"line_id": f"L{n}", "sku": sku, "qty": qty, "unit_price_minor": 199}
            for n, (sku, qty) in enumerate(units.items(), 1)
        ]
        order = {
            "order_id": f"W-{secrets.token_hex(5)}",
            "store": self.store,
            "lines": lines,
            "currency": "EUR",
            "customer": {"name": "Ida Probe", "email": "ida@example.test", "phone": "+49 30 1"},
            "promise_at": None,
        }
        answer: dict[str, Any] = self.central.done("/orders", order | changes)
        return answer

    def order(self, order_id: str) -> dict[str, Any] | None:
        """Return the order as the hub has it, or None while it has not come."""
        answer = self.hub.get(f"/orders/{order_id}")
        return answer.json() if answer.status_code == 200 else None

    def arrived(
        self, order_id: str, state: str = "RESERVED", timeout: float = 60
    ) -> dict[str, Any]:
        """Wait until the hub's order is in `state`."""

        def look() -> dict[str, Any] | None:
            order = self.order(order_id)
            return order if order is not None and order["state"] == state else None

        found = self.until(look, f"order {order_id} is {state}", timeout)
        assert found is not None
        return found

    def step(self, order_id: str, step: str, **body: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.hub.done(f"/orders/{order_id}/{step}", body)
        return found

    def _is_up(self) -> bool:
        return (self.directory / "demo.json").exists() and self._is_ready()

    def _is_ready(self) -> bool:
        try:
            url = self.facts()["urls"]["hub"]
            return requests.get(f"{url}/readyz", timeout=5).status_code == 200
        except (OSError, ValueError):  # not listening yet, or demo.json is being written
            return False


def end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def free_ports(count: int = 1) -> int:
    """Return a base from which `count` ports in a row are free now, none of them given before.

    They lie below those that the system gives to whoever connects, and workers that run beside
    each other draw from places of their own: what is free now would be taken before it is used.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PLACES
    while True:
        base = 20_000 + worker * PLACE + next(_given) * ROW % PLACE
        if all(ports.is_free(port) for port in range(base, base + count)):
            return base
