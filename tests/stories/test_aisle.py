"""An order of the endless aisle, from the kiosk to the distribution centre and to the packer."""

import secrets
from typing import Any

from tests.floor import Floor


def test_goods_of_the_distribution_centre_are_sold_with_the_line_up_and_down(floor: Floor) -> None:
    one = f"DC-{secrets.token_hex(4)}"
    family = f"Quillworth{secrets.token_hex(3)}"
    person = {
        "name": f"Hedwig {family}",
        "email": f"hedwig@{family.lower()}.example",
        "phone": "+49 30 5550 4711",
        "address": f"{family}gasse 7, 10115 Berlin",
    }

    def order(qty: int) -> dict[str, Any]:
        body = {"lines": [{"sku": one, "qty": qty}], "deliver": "home", "customer": person}
        made: dict[str, Any] = floor.hub.done("/aisle/orders", body)
        return made

    def stands(made: dict[str, Any]) -> str:
        return str(floor.hub.json(f"/aisle/orders/{made['order_id']}")["state"])

    def supply() -> dict[str, Any]:
        found: dict[str, Any] = floor.hub.json(f"/aisle/supply/{one}")
        return found

    unknown = {"lines": [{"sku": one, "qty": 1}], "deliver": "home"}
    assert floor.hub.post("/aisle/orders", unknown).status_code == 409
    floor.central.done("/distribution/stock", {"rows": [{"sku": one, "on_hand": 20}], "ref": "c"})
    floor.until(lambda: supply()["supply"] == "here", "the store knows that there are some")
    first = order(2)
    assert first["state"] == "CONDITIONAL"
    floor.until(lambda: stands(first) == "CONFIRMED", "the distribution centre has them")
    held = floor.until(lambda: supply()["rights"], "the store is lent some")
    floor.line("down")
    try:
        within, beyond, never = order(held), order(3), order(900)
        assert [made["state"] for made in (within, beyond, never)] == [
            "CONFIRMED", "CONDITIONAL", "CONDITIONAL",
        ]  # fmt: skip
        assert supply()["rights"] == 0
    finally:
        floor.line("up")
    floor.until(lambda: stands(beyond) == "CONFIRMED", "what waited is confirmed")
    floor.until(lambda: stands(never) == "DECLINED", "what is not there is declined")
    assert stands(within) == "CONFIRMED"
    there = floor.central.json(f"/distribution/stock/{one}")
    assert (there["on_hand"], there["promised"]) == (20, 2 + held + 3)

    at = f"/stores/{floor.store}/aisle-orders/{within['order_id']}"
    floor.until(
        lambda: floor.central.get(f"{at}/customer").status_code == 200, "who gets it is known"
    )
    assert floor.central.json(f"{at}/customer") == person
    assert floor.central.done(f"{at}/shipped")["state"] == "SHIPPED"
    assert floor.central.json(f"/distribution/stock/{one}")["on_hand"] == 20 - held
    assert family not in floor.storehub("export", "journal").stdout
    ref = floor.central.json(at)["customer_ref"]
    floor.central.done(f"/customers/{ref}/erase")
    assert floor.central.get(f"{at}/customer").status_code == 404
