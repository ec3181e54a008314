"""A customer's points from outside: earned at the handover, taken back with the goods, once."""

import secrets
from typing import Any

from tests.floor import Floor
from tests.stories.test_customer import Customer
from tests.stories.test_returns import handed_over


def points(floor: Floor, ref: str) -> tuple[int, list[tuple[str, int]]]:
    shown = floor.central.json(f"/customers/{ref}/points")
    return shown["balance"], sorted((one["kind"], one["points"]) for one in shown["items"])


def brought_back(floor: Floor, order_id: str, qty: int) -> None:
    """Bring units back and close the return; each request is sent twice, as a retry does."""
    body: dict[str, Any] = {
        "order_id": order_id,
        "lines": [{"line_id": "L1", "qty": qty}],
        "reason": "CHANGED_MIND",
        "disposition": "RESTOCKED",
    }
    key = secrets.token_hex(8)
    opened = [floor.hub.done("/returns", body, key=key) for _ in range(2)]
    at = f"/returns/{opened[0]['return_id']}"
    for _ in range(2):
        floor.hub.done(f"{at}/close", key=key + "close")


def test_points_are_earned_once_and_go_back_with_the_goods_whatever_the_line_does(
    floor: Floor,
) -> None:
    floor.central.done("/loyalty", {"points_per_unit": 3})
    try:
        order_id = handed_over(floor, f"POINTS-{secrets.token_hex(3)}", 3)
        order = floor.central.json(f"/orders/{order_id}")
        price, ref = order["lines"][0]["unit_price_minor"], order["customer_ref"]
        worth = [units * price * 3 // 100 for units in range(4)]
        assert worth[3] > worth[2] > worth[1] > 0
        floor.in_step()
        assert points(floor, ref) == (worth[3], [("handover", worth[3])])
        customer = Customer(floor, order["page"])
        assert f'id="balance">{worth[3]}<' in customer.page()

        floor.line("down")
        brought_back(floor, order_id, 1)
        for _ in range(2):  # the push is cut, and begun anew
            floor.line("up")
            floor.line("down")
        assert floor.hub.json("/returns", order_id=order_id)["items"]
        floor.line("up")
        floor.in_step()
        first = worth[2] - worth[3]
        assert points(floor, ref) == (worth[2], [("handover", worth[3]), ("return", first)])
        assert f"−{-first}<" in customer.page()
        assert f'id="balance">{worth[2]}<' in customer.page()

        brought_back(floor, order_id, 2)
        floor.in_step()
        assert points(floor, ref)[0] == 0
        floor.central.done(f"/stores/{floor.store}/refold")
        assert points(floor, ref)[0] == 0
        assert floor.verify()["ok"]
    finally:
        floor.line("up")
        floor.central.done("/loyalty", {"points_per_unit": 0})
