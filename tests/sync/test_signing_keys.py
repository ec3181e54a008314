"""Pickup codes: a new key signs once the store has it, old codes stay good, a stolen key dies."""

import pytest

from hub.errors import Refusal
from hub.pickup import code, queries
from hub.pickup.code import PickupCode
from tests.sync.pair import STORE, Both, Central, order_body, until


def read(both: Both, text: str) -> PickupCode:
    return code.read(text, both.hub.read(queries.keys), STORE)


def rotated(central: Central) -> str:
    answer = central.post("/keys/rotate", {})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key_id"])


def signer(central: Central, order_id: str) -> str:
    return code.key_id_of(central.place(order_id, {"4711": 1})["pickup_code"])


def test_a_new_key_signs_for_a_store_once_its_hub_has_it_and_old_codes_stay_good(
    both: Both,
) -> None:
    both.hub.receive("4711", 99, "goods")
    both.hub.agent.start()
    until(lambda: both.hub.read(queries.keys), "the hub has a key")
    old = both.central.place("R-1", {"4711": 1})["pickup_code"]
    both.line.down()
    fresh = rotated(both.central)
    # This hub can't have heard of it, so what is ordered meanwhile can still be checked there.
    blind = both.central.place("R-2", {"4711": 1})["pickup_code"]
    assert code.key_id_of(blind) == code.key_id_of(old) != fresh
    assert read(both, blind).order_id == "R-2"
    both.line.up()
    until(lambda: len(both.hub.read(queries.keys)) == 2, "the hub has the new key")
    numbers = iter(range(3, 1000))
    until(lambda: signer(both.central, f"R-{next(numbers)}") == fresh, "the new key signs")
    newest = both.central.place("R-new", {"4711": 1})["pickup_code"]
    both.line.down()
    assert read(both, newest).order_id == "R-new"
    assert read(both, old).order_id == "R-1"
    shown = {one["key_id"]: one for one in both.central.get("/keys").json()["items"]}
    assert shown[fresh]["stores"] == 1


def test_a_stolen_keys_codes_are_refused_and_open_orders_get_new_ones(both: Both) -> None:
    both.hub.receive("4711", 9, "goods")
    both.hub.agent.start()
    old = both.central.place("R-1", {"4711": 1})["pickup_code"]
    until(lambda: both.hub.read(queries.keys), "the hub has a key")
    stolen = code.key_id_of(old)
    last = both.central.post(f"/keys/{stolen}/revoke", {})
    assert last.status_code == 409
    fresh = rotated(both.central)
    until(lambda: fresh in both.hub.read(queries.keys), "the hub has the new key")
    gone = both.central.post(f"/keys/{stolen}/revoke", {}).json()
    assert gone["codes"] == 1
    until(lambda: stolen not in both.hub.read(queries.keys), "the hub forgot the stolen key")
    with pytest.raises(Refusal) as refused:
        read(both, old)
    assert refused.value.slug == "code-unknown"
    anew = both.central.get("/orders/R-1").json()["pickup_code"]
    assert read(both, anew).lines == read(both, anew).lines != ()
    assert code.key_id_of(anew) == fresh
    assert both.central.post("/keys/nobody/revoke", {}).status_code == 404


def test_a_store_that_comes_later_never_signs_by_a_key_that_was_revoked(central: Central) -> None:
    stolen = signer(central, "R-1")
    fresh = rotated(central)
    assert central.post(f"/keys/{stolen}/revoke", {}).status_code == 200
    assert central.post("/stores", {"store": "later", "name": "Later"}).status_code == 201
    placed = central.post("/orders", order_body("R-2", {"4711": 1}, store="later")).json()
    assert code.key_id_of(placed["pickup_code"]) == fresh


def test_a_revoked_key_stays_revoked_when_central_starts_again(central: Central) -> None:
    stolen = signer(central, "R-1")
    fresh = rotated(central)
    assert central.post(f"/keys/{stolen}/revoke", {}).status_code == 200
    central.stop()
    central.serve()
    assert signer(central, "R-2") == fresh
    page = central.door("/feed", params={"stream": "replica", "after": 0}).json()
    published = {row["row"]["key_id"]: row["row"].get("deleted") for row in page["rows"]}
    assert published == {stolen: True, fresh: False}


def test_only_admins_turn_keys(central: Central) -> None:
    token = central.post("/tokens", {"name": "shop", "role": "orders"}).json()["token"]
    central.token = token
    for answer in (central.get("/keys"), central.post("/keys/rotate", {})):
        assert answer.status_code == 403
