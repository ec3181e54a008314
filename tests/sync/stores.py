"""Several stores of one retailer: a real central, and hubs with screens, each on its own line."""

import secrets
from pathlib import Path
from typing import Any

from hub.staff import actions as staff
from kiosk_ui.app import create_app
from kiosk_ui.ports import Hub
from sync.central import store_access
from sync.line import LineProxy
from tests.sync.pair import Central, StoreSide, until

NAMES = {"store-1": "Mill Lane", "store-2": "Harbour", "store-3": "Old Town"}


class Shop:
    """One store: its hub's files, writer, agent and screens, and its line to central."""

    def __init__(self, directory: Path, central: Central, name: str) -> None:
        self.name = name
        directory.mkdir(parents=True, exist_ok=True)
        credential = central.running.inventory.store.run(
            lambda tx: store_access.create_credential(tx, name)
        )
        self.line = LineProxy(
            directory, listen=("127.0.0.1", 0), target=("127.0.0.1", central.port)
        )
        url = f"http://127.0.0.1:{self.line.address[1]}"
        self.side = StoreSide(directory / "hub", url, credential, name)
        store = self.side.store
        self.hub = Hub(
            store=name,
            clock=store.clock,
            writer=store.writer,
            reader=store.database.reader,
            ring=store.ring,
            secret_key=secrets.token_bytes(32),
            status=dict,
            sync_state=self.side.agent.state,
            checks=list,
            elsewhere=self.side.agent.elsewhere,
        )
        self.app = create_app(self.hub, testing=True)
        token = store.writer.run(lambda tx: staff.create_token(tx, "test", "lead"))
        self._token, self._client = token, self.app.test_client()
        self.side.agent.start()

    def post(self, path: str, body: object = None, key: str | None = None) -> Any:
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        return self._client.post(f"/api/v1{path}", json=body or {}, headers=headers)

    def done(self, path: str, body: object = None, key: str | None = None) -> dict[str, Any]:
        answer = self.post(path, body, key)
        assert answer.status_code in (200, 201), answer.text
        shown: dict[str, Any] = answer.json
        return shown

    def get(self, path: str) -> Any:
        answer = self._client.get(f"/api/v1{path}", headers=self._headers())
        return answer.json if answer.status_code == 200 else None

    def page(self, path: str, form: dict[str, str]) -> Any:
        """Send a form of the screens, as the browser of the lead does."""
        return self._client.post(path, data=form, headers=self._headers())

    def down(self) -> None:
        self.line.down()
        # What is under way breaks off; the next word of the hub's own finds the line cut.
        self.side.agent.nudge()
        until(lambda: self.side.agent.state()["state"] == "offline", "the hub knows")

    def up(self) -> None:
        self.line.up()
        self.side.agent.nudge()
        until(lambda: self.side.agent.state()["state"] == "online", "the hub is heard")

    def handed_over(self, central: Central, units: dict[str, int]) -> str:
        """Let a customer order and collect here; return the order's number."""
        order_id = self.ready(central, units)
        self.hand_over(order_id)
        return order_id

    def ready(self, central: Central, units: dict[str, int]) -> str:
        order_id = f"R-{secrets.token_hex(4)}"
        lines = [{"sku": sku, "qty": qty} for sku, qty in units.items()]
        self.done("/receipts", {"receipt_id": secrets.token_hex(6), "lines": lines})
        placed = central.place(order_id, units, store=self.name)
        assert placed["state"] == "PROPOSED"
        at = f"/orders/{order_id}"
        until(lambda: (self.get(at) or {}).get("state") == "RESERVED", "the store has it")
        self.done(f"{at}/claim")
        for n, qty in enumerate(units.values(), 1):
            self.done(f"{at}/pick", {"line_id": f"L{n}", "qty": qty})
        self.done(f"{at}/stage", {"shelf": "A1"})
        self.done(f"{at}/ready")
        return order_id

    def hand_over(self, order_id: str) -> None:
        proof = {"proof": {"kind": "id_seen", "value": "passport"}}
        self.done(f"/orders/{order_id}/handover", proof)

    def available(self, sku: str) -> int:
        units: int = self.get(f"/stock/{sku}")["buckets"].get("available", 0)
        return units

    def close(self) -> None:
        self.app.extensions["storehub_stream"].stop()
        self.side.close()
        self.line.stop()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


class Stores:
    """A central and its first `count` stores."""

    def __init__(self, directory: Path, database: str | None, count: int = len(NAMES)) -> None:
        self.central = Central(directory / "head-office", database=database)
        for name, called in NAMES.items():
            self.central.post("/stores", {"store": name, "name": called})
        self.shops = [Shop(directory / name, self.central, name) for name in list(NAMES)[:count]]
        for shop in self.shops:
            shop.up()

    def collected(self, shop: Shop, units: dict[str, int]) -> str:
        """Let a customer order and collect at a shop, and central hear of it; return the order."""
        order_id = shop.handed_over(self.central, units)
        self.knows(order_id)
        return order_id

    def knows(self, order_id: str) -> None:
        """Wait until central has heard that an order was handed over."""
        until(
            lambda: self.central.get(f"/orders/{order_id}").json().get("state") == "PICKED_UP",
            "central knows that it was handed over",
        )

    def close(self) -> None:
        for shop in self.shops:
            shop.close()
        self.central.stop()
