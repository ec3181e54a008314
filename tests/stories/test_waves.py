"""Three orders of three customers in one round of the floor, by HTTP; two people, one cart each."""

import secrets
from concurrent.futures import ThreadPoolExecutor

from tests.floor import Floor, Http


def associate(floor: Floor, name: str) -> Http:
    said = floor.storehub("token", "create", "--role", "associate", "--name", name)
    return Http(floor.hub.url, said.stdout.split()[-1])


def test_three_orders_are_picked_in_one_round_and_staged_each_on_its_shelf(floor: Floor) -> None:
    goods = floor.goods(3)
    skus = [item["sku"] for item in goods]
    gtin = {item["sku"]: item["gtin"] for item in goods}
    floor.receive(dict.fromkeys(skus, 9))
    ids = [
        floor.place(units)["order_id"]
        for units in ({skus[0]: 1, skus[1]: 2}, {skus[1]: 1, skus[2]: 1}, {skus[2]: 2})
    ]
    for order_id in ids:
        floor.arrived(order_id)
    anna = associate(floor, f"anna-{secrets.token_hex(3)}")
    ben = associate(floor, f"ben-{secrets.token_hex(3)}")

    def claim(who: Http) -> int:
        return who.post("/waves", {"order_ids": ids}).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(claim, (anna, ben))) == [200, 409], "one of two gets the whole wave"
    mine, other = (anna, ben) if anna.json("/waves/mine")["orders"] else (ben, anna)
    assert other.json("/waves/mine") == {"orders": [], "lines": []}

    wave = mine.json("/waves/mine")
    assert {order["order_id"] for order in wave["orders"]} == set(ids)
    stops = [line["place"]["order"] for line in wave["lines"] if line["place"]]
    assert stops == sorted(stops), "the floor is walked once"
    refused = other.post(
        f"/orders/{ids[0]}/pick", {"line_id": "L1", "qty": 1, "code": gtin[skus[0]]}
    )
    assert (refused.status_code, "is picking" in refused.json()["detail"]) == (409, True)

    first, *rest = wave["lines"]
    wrong = next(line for line in wave["lines"] if line["sku"] != first["sku"])
    at = f"/orders/{first['order_id']}/pick"
    body = {"line_id": first["line_id"], "qty": 1}
    refused = mine.post(at, body | {"code": gtin[wrong["sku"]]})
    assert refused.status_code == 409
    assert wrong["sku"] in refused.json()["detail"], "a wrong article is refused with what it is"
    for line in (first, *rest):
        step = {"line_id": line["line_id"], "qty": line["ordered"], "code": gtin[line["sku"]]}
        key = secrets.token_hex(8)
        for _ in range(2):  # as a page that did not hear the answer sends it again
            mine.done(f"/orders/{line['order_id']}/pick", step, key=key)
    for n, order_id in enumerate(ids):
        mine.done(f"/orders/{order_id}/stage", {"shelf": f"W-{n}"})
    assert mine.json("/waves/mine")["orders"] == []
    for n, order_id in enumerate(ids):
        order = floor.arrived(order_id, "PREPARED")
        assert order["shelf"] == f"W-{n}"
        assert all(line["picked"] == line["ordered"] for line in order["lines"])


def test_a_pick_by_hand_is_told_with_its_reason(floor: Floor) -> None:
    (item,) = floor.goods(1)
    floor.receive({item["sku"]: 1})
    order_id = floor.place({item["sku"]: 1})["order_id"]
    floor.arrived(order_id)
    floor.hub.done("/waves", {"order_ids": [order_id]})
    step = {"line_id": "L1", "qty": 1}
    assert floor.hub.post(f"/orders/{order_id}/pick", step | {"by_hand": "LAZY"}).status_code == 422
    done = floor.hub.done(f"/orders/{order_id}/pick", step | {"by_hand": "UNREADABLE"})
    assert done["timeline"][-1]["note"] == "UNREADABLE"
