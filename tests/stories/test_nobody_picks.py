"""An order comes and nobody picks it: a light at the counter goes on until somebody claims it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from devices.client import Account, DeviceClient
from tests.floor import Floor


class Light:
    """A light that shows the last word of the hub, through the client that devices use."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def __call__(self, name: str, payload: Any) -> str:
        if name != "alert":
            return "unknown_command"
        self.heard.append(dict(payload))
        return "done"

    def shows(self) -> dict[str, Any]:
        return self.heard[-1] if self.heard else {"state": "off", "orders": []}


def test_a_light_calls_for_an_order_that_nobody_picks_until_somebody_claims_it(
    floor: Floor, tmp_path: Path
) -> None:
    (milk,) = floor.goods(1)
    floor.receive({milk["sku"]: 2})
    made = json.loads(
        floor.storehub("device", "enrol", "light-1", "--kind", "alert", "--json").stdout
    )
    url, light = urlsplit(floor.facts()["urls"]["mqtt"]), Light()
    account = Account(
        floor.store, "light-1", url.hostname or "127.0.0.1", url.port or 1883,
        made["username"], made["password"],
    )  # fmt: skip
    client = DeviceClient(account, tmp_path, on_command=light)
    client.start()
    try:
        floor.hub.done("/policies/accept_minutes", {"value": 1})
        placed = floor.place({milk["sku"]: 1})
        order_id, code = str(placed["order_id"]), placed["short_code"]
        floor.arrived(order_id)
        # The shortest wait that a store can decide is a minute, and no more is waited for here.
        floor.until(lambda: code in light.shows()["orders"], "the light calls", timeout=120)
        floor.hub.done("/policies/accept_minutes", {"value": None})
        calling = floor.hub.json("/tasks", kind="unclaimed")["items"]
        assert order_id in [task["order_id"] for task in calling]
        # What others left in this store calls too.
        for task in calling:
            floor.step(task["order_id"], "claim")
        floor.until(lambda: light.shows()["state"] == "off", "the light is off")
        floor.until(
            lambda: floor.hub.json("/tasks", kind="unclaimed")["items"] == [], "no task is left"
        )
        # Each word came once: the key of a repetition is known to the device.
        keys = [one["key"] for one in light.heard]
        assert len(keys) == len(set(keys))
    finally:
        client.stop()
        floor.hub.done("/policies/accept_minutes", {"value": None})
        floor.storehub("device", "revoke", "light-1")
