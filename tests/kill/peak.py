"""A peak hour at one store: customers, two associates with scanners, two counters, and trouble.

It must never wait for a fixed time where it can look, and never ask the product's files: orders
come from central, goods are scanned over MQTT, handovers are pressed over HTTP.
"""

import queue
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import requests

from tests.device import Device
from tests.floor import Floor, Http

PATIENCE_S: Final = 90.0
SHELVES: Final = ("SH1:S:A1", "SH1:S:A2", "SH1:S:B1")


class Wanted(NamedTuple):
    """One customer's order: what central answered, and the articles in it by their barcode."""

    order_id: str
    code: str
    short_code: str
    units: Mapping[str, int]
    known: bool


class Hour:
    """What happens in the hour, and what everybody waited for."""

    def __init__(self, floor: Floor, goods: list[dict[str, Any]], seed: int) -> None:
        self.floor = floor
        self.gtins = {one["sku"]: one["gtin"] for one in goods}
        self.random = random.Random(seed)
        self.to_pick: queue.Queue[Wanted | None] = queue.Queue()
        self.to_hand_over: queue.Queue[Wanted | None] = queue.Queue()
        self.waits: dict[str, list[float]] = {"board": [], "order page": [], "handover": []}
        self.again: list[int] = []
        self.troubles: list[BaseException] = []
        self._noting = threading.Lock()

    def order(self, *, known: bool) -> Wanted:
        """Place an order of one to three articles at central; `known`: the hub will hear of it."""
        skus = self.random.sample(sorted(self.gtins), self.random.choice((1, 1, 2, 3)))
        units = {sku: self.random.choice((1, 1, 2)) for sku in skus}
        placed = self.floor.place(units)
        return Wanted(placed["order_id"], placed["pickup_code"], placed["short_code"], units, known)

    def note(self, what: str, began: float) -> None:
        with self._noting:
            self.waits[what].append(time.monotonic() - began)

    def alone(self, work: Callable[[], None]) -> threading.Thread:
        """Run `work` beside the rest; what it fails with fails the hour."""

        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001  # the outermost of this thread
                self.troubles.append(error)
                for _ in range(2):
                    self.to_pick.put(None)
                    self.to_hand_over.put(None)

        thread = threading.Thread(target=run)
        thread.start()
        return thread


def associate(hour: Hour, device: str, badge: str) -> None:
    """Pick what waits: the order's code, each article, a shelf, and say that it is ready."""
    hub = Http(hour.floor.hub.url, hour.floor.facts()["tokens"]["hub"])
    with hour.floor.device(device) as scanner:
        _scan(scanner, badge)
        while (wanted := hour.to_pick.get()) is not None:
            _scan(scanner, wanted.code)
            if not wanted.known:
                _scan(scanner, wanted.code)  # the first scan brought it here, this one claims it
            for sku, qty in wanted.units.items():
                for _ in range(qty):
                    _scan(scanner, hour.gtins[sku])
            shelf = SHELVES[len(wanted.order_id) % len(SHELVES)]
            _scan(scanner, shelf)
            if _state(hub, wanted.order_id) == "PICKING":
                _scan(scanner, shelf)  # goods of another kind: there they stand beside the others
            _press(hub, f"/orders/{wanted.order_id}/ready", {}, f"ready-{wanted.order_id}")
            hour.to_hand_over.put(wanted)


def counter(hour: Hour, clerk: Mapping[str, Any]) -> None:
    """Hand over what is ready, as a clerk does: look at the board, open the order, confirm."""
    screen = Screen(hour, clerk)
    hub = Http(hour.floor.hub.url, hour.floor.facts()["tokens"]["hub"])
    while (wanted := hour.to_hand_over.get()) is not None:
        screen.look("board", "/counter")
        page = screen.look("order page", f"/counter/orders/{wanted.order_id}")
        assert wanted.short_code in page
        path = f"/orders/{wanted.order_id}/handover"
        body = {"proof": {"kind": "code", "value": wanted.code}}
        began = time.monotonic()
        done = _press(hub, path, body, f"hand-{wanted.order_id}")
        hour.note("handover", began)
        assert done["state"] == "PICKED_UP"
        if len(hour.again) < 20:
            # The same button again is the same answer; somebody else's try is told that it is gone.
            assert _press(hub, path, body, f"hand-{wanted.order_id}")["state"] == "PICKED_UP"
            second = _answer(hub, path, body, secrets.token_hex(8))
            hour.again.append(second.status_code)


class Screen:
    """A browser at the counter, as far as pages go: signed in by badge, patient with a dead hub."""

    def __init__(self, hour: Hour, clerk: Mapping[str, Any]) -> None:
        self.hour = hour
        self.url = hour.floor.hub.url
        self.session = requests.Session()
        page = self.session.get(f"{self.url}/signin", timeout=20).text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        form = {"csrf_token": token, "badge": clerk["badge"]}
        answer = self.session.post(f"{self.url}/signin", data=form, timeout=20)
        assert answer.url.rstrip("/") != f"{self.url}/signin", "the clerk could not sign in"

    def look(self, what: str, path: str) -> str:
        """Open a page; note how long the clerk waited for it, through restarts as well."""
        began = time.monotonic()
        answer = _patiently(lambda: self.session.get(self.url + path, timeout=20))
        self.hour.note(what, began)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text


def _scan(scanner: Device, code: str) -> None:
    ack = scanner.send("scan", {"code": code}, timeout=PATIENCE_S)
    assert ack["status"] in ("committed", "duplicate"), (code[:40], ack)


def _press(hub: Http, path: str, body: object, key: str) -> Any:
    answer = _answer(hub, path, body, key)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


def _state(hub: Http, order_id: str) -> str:
    answer = _patiently(lambda: hub.get(f"/orders/{order_id}"))
    return str(answer.json()["state"])


def _answer(hub: Http, path: str, body: object, key: str) -> requests.Response:
    return _patiently(lambda: hub.post(path, body, key))


def _patiently(ask: Callable[[], requests.Response]) -> requests.Response:
    """Ask until somebody answers: a dead hub is back within seconds, and a key makes it one."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer = ask()
        except (requests.ConnectionError, requests.Timeout):
            answer = None
        if answer is not None and answer.status_code != 503:
            return answer
        if time.monotonic() > end:
            raise TimeoutError("nobody answered")
        time.sleep(0.1)


@contextmanager
def line_cut(floor: Floor) -> Iterator[None]:
    floor.line("down")
    try:
        yield
    finally:
        floor.line("up")
