"""Shoppers who order at central all the time, and ask again until they are answered.

They must never take a new number for an order that may have been taken: the key is the order's.
"""

import itertools
import threading
from typing import Any

import requests

from tests.floor import Floor

SKU = "CHAOS-ORDER"
EVERY_S = 0.4
PATIENCE_S = 120.0


class Shoppers:
    """Orders flow from `__enter__` to `__exit__`; `taken` are the numbers that central answered."""

    def __init__(self, floor: Floor, life: str) -> None:
        self._floor, self._life = floor, life
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._order, daemon=True)
        self.taken: list[str] = []
        self.asked_again = 0
        self.unanswered = ""
        self.wrong: list[str] = []

    def __enter__(self) -> "Shoppers":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S + 30)

    def _order(self) -> None:
        for n in itertools.count(1):
            if self._stop.wait(EVERY_S):
                return
            name = f"W-{self._life}-{n}"
            if not self._answered(name):
                self.unanswered = name
                return
            self.taken.append(name)

    def _answered(self, name: str) -> bool:
        tries = int(PATIENCE_S / EVERY_S)
        for _ in range(tries):
            try:
                answer = self._floor.central.post("/orders", self._body(name), key=name)
            except requests.RequestException:
                # Killed, or not yet back.
                self.asked_again += 1
                threading.Event().wait(EVERY_S)
                continue
            if answer.status_code == 201:
                return True
            if answer.status_code != 503:
                self.wrong.append(f"{answer.status_code} {answer.text}")
                return False
            threading.Event().wait(EVERY_S)
        return False

    def _body(self, name: str) -> dict[str, Any]:
        line = {"line_id": "L1", "sku": SKU, "qty": 1, "unit_price_minor": 199}
        return {
            "order_id": name,
            "store": self._floor.store,
            "lines": [line],
            "currency": "EUR",
            "customer": {"name": "Ida Probe", "email": "ida@example.test", "phone": None},
            "promise_at": None,
        }
