"""Two stores' pushes speak of one return at once, at a central on PostgreSQL."""

import threading
from collections.abc import Callable
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
    tmp_path: Path, made: Callable[[str], str | None], monkeypatch: pytest.MonkeyPatch,
    said: tuple[Any, ...], back: int,
) -> None:  # fmt: skip
    central = Central(tmp_path / "head-office", database=made("postgresql"))
    central.place("R-1", {"1": 1})
    keeper, brought = Till(central), Brought(central)
    line = pickup.OrderLine(line_id="L1", sku="1", qty=1, unit_price_minor=199)
    keeper.say(pickup.OrderProposed(order_id="R-1", short_code="K7", channel="web", lines=(line,)))
    brought.say(OPENED)
    inside, go_on, settle = threading.Event(), threading.Event(), store_returns.settle

    def slow(tx: Any, store: str, generation: str, *, heard: bool) -> None:
        settle(tx, store, generation, heard=heard)
        if store == STORE and not inside.is_set():
            inside.set()
            go_on.wait(20)

    monkeypatch.setattr(store_returns, "settle", slow)
    confirms = threading.Thread(target=lambda: keeper.say(handed("R-1", L1=1)))
    meets = threading.Thread(target=lambda: brought.say(*said))
    confirms.start()
    assert inside.wait(20)
    meets.start()
    # The other push waits for the lock, or would have gone past it by now.
    meets.join(0.7)
    go_on.set()
    confirms.join()
    meets.join()
    until(lambda: brought.heard() == ["CONFIRMED"], "its hub hears one word")
    with central.running.inventory.store.reader() as conn:
        assert sum(store_return_rows.back(conn, "R-1").values()) == back
    central.stop()


def test_however_many_orders_came_back_few_locks_hold_them() -> None:
    assert len({store_return_rows.lock(f"R-{n}") for n in range(10_000)}) <= 256
