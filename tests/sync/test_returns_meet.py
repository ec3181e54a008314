"""Two stores' pushes speak of one return at once, at a central on PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from hub.chain import ORIGIN, Pair
from hub.pickup import facts as pickup
from hub.returns import facts as returns
from sync import frames
from sync.central import store_access, store_return_rows, store_returns
from sync.protocol import Push
from tests.sync.pair import PUSH, STORE, Central, until
from tests.sync.test_points import Till, handed, told

OTHER = "store-2"
OPENED = returns.ReturnOpened(
    return_id="B-1",
    order_id="R-1",
    lines=(returns.ReturnedLine(line_id="B1", sku="1", qty=1),),
    reason="OTHER",
    provisional=True,
)
MISSING = returns.ReturnLineDisposed(return_id="B-1", line_id="B1", disposition="MISSING")


class Brought:
    """The hub of the store to which the goods are brought."""

    def __init__(self, central: Central) -> None:
        central.post("/stores", {"store": OTHER, "name": "Harbour"})
        credential = central.running.inventory.store.run(
            lambda tx: store_access.create_credential(tx, OTHER)
        )
        self.at = f"{central.url}/sync/v1/stores/{OTHER}"
        self.headers = {"Authorization": f"Bearer {credential}", "X-StoreHub-Protocol": "1"}
        self.head, self.said = ORIGIN, 0

    def say(self, *facts: Any) -> None:
        self.said += 1
        push = frames.pack_push(Push(self.head, tuple(told(f"d{self.said}", *facts))))
        answer = requests.post(
            f"{self.at}/journal", data=push, headers=self.headers | PUSH, timeout=60
        )
        assert answer.status_code == 200, answer.text
        self.head = Pair(**answer.json()["head"])

    def heard(self) -> list[str]:
        asked = {"stream": "commands", "after": "0"}
        page = requests.get(f"{self.at}/feed", params=asked, headers=self.headers, timeout=60)
        return [one["row"]["says"] for one in page.json()["rows"]]


class Held:
    """Holds the first push of a store inside its transaction while another one comes."""

    def __init__(self, step: Callable[..., None], store: str) -> None:
        self.step, self.store = step, store
        self.inside, self.go_on = threading.Event(), threading.Event()

    def __call__(self, tx: Any, store: str, *more: Any, **named: Any) -> None:
        self.step(tx, store, *more, **named)
        if store == self.store and not self.inside.is_set():
            self.inside.set()
            self.go_on.wait(20)

    def meets(self, first: Callable[[], object], second: Callable[[], object]) -> None:
        one, other = threading.Thread(target=first), threading.Thread(target=second)
        one.start()
        assert self.inside.wait(20)
        other.start()
        # It waits for the lock, or would have gone past it by now.
        other.join(0.7)
        self.go_on.set()
        one.join()
        other.join()


@pytest.fixture
def opened(
    tmp_path: Path, made: Callable[[str], str | None]
) -> Iterator[tuple[Central, Till, Brought]]:
    """A central that waits for the keeper's word on a return that another store opened."""
    central = Central(tmp_path / "head-office", database=made("postgresql"))
    central.place("R-1", {"1": 1})
    keeper, brought = Till(central), Brought(central)
    line = pickup.OrderLine(line_id="L1", sku="1", qty=1, unit_price_minor=199)
    keeper.say(pickup.OrderProposed(order_id="R-1", short_code="K7", channel="web", lines=(line,)))
    brought.say(OPENED)
    yield central, keeper, brought
    central.stop()


def came_back(central: Central) -> int:
    with central.running.inventory.store.reader() as conn:
        return sum(store_return_rows.back(conn, "R-1").values())


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ((returns.ReturnCanceled(return_id="B-1", reason="BUYER_REQUEST"),), 0),
        ((MISSING, returns.ReturnClosed(return_id="B-1")), 0),
        ((returns.RefundSettled(return_id="B-1", state="REFUSED"),), 1),
    ],
    ids=["taken home", "missing", "refused"],
)
def test_what_a_store_says_while_central_confirms_is_not_lost(
    opened: tuple[Central, Till, Brought], monkeypatch: pytest.MonkeyPatch,
    said: tuple[Any, ...], back: int,
) -> None:  # fmt: skip
    central, keeper, brought = opened
    held = Held(store_returns.settle, STORE)
    monkeypatch.setattr(store_returns, "settle", held)
    held.meets(lambda: keeper.say(handed("R-1", L1=1)), lambda: brought.say(*said))
    until(lambda: brought.heard() == ["CONFIRMED"], "its hub hears one word")
    assert came_back(central) == back


def test_what_was_taken_home_while_central_was_about_to_confirm_is_not_confirmed(
    opened: tuple[Central, Till, Brought], monkeypatch: pytest.MonkeyPatch
) -> None:
    central, keeper, brought = opened
    held = Held(store_returns.take, OTHER)
    monkeypatch.setattr(store_returns, "take", held)
    home = returns.ReturnCanceled(return_id="B-1", reason="BUYER_REQUEST")
    held.meets(lambda: brought.say(home), lambda: keeper.say(handed("R-1", L1=1)))
    assert brought.heard() == []
    assert came_back(central) == 0


def test_however_many_orders_came_back_few_locks_hold_them() -> None:
    assert len({store_return_rows.lock(f"R-{n}") for n in range(10_000)}) <= 256
