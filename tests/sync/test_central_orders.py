"""Orders at central: taken in once, refused by field, canceled by the store, forgotten."""

import concurrent.futures
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from hub.chain import ORIGIN, Pair
from hub.errors import Refusal
from hub.pickup import code as pickup_code
from sync import central as setup
from sync.central import intake, pages, store_orders, store_people
from tests.sync.pair import STORE, Central, entry, order_body, push


def test_an_order_is_proposed_with_codes(central: Central) -> None:
    answer = central.place("R-1", {"4711": 2})
    assert answer["state"] == "PROPOSED"
    assert len(answer["short_code"]) == 4
    assert pickup_code.is_signed(answer["pickup_code"])
    shown = central.get("/orders/R-1").json()
    assert shown["lines"][0]["name"] == "4711"
    assert "Ida Probe" not in json.dumps(shown)


def test_the_same_order_twice_is_one_order_and_one_answer(central: Central) -> None:
    first = central.post("/orders", order_body("R-1", {"4711": 2}))
    again = central.post("/orders", order_body("R-1", {"4711": 2}))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    other = central.post("/orders", order_body("R-1", {"4711": 3}))
    assert other.status_code == 409
    assert other.json()["detail"] == "There is already another order R-1."


def test_a_key_gives_the_same_answer_and_no_other_body(central: Central) -> None:
    first = central.post("/orders", order_body("R-1", {"4711": 2}), key="k1")
    again = central.post("/orders", order_body("R-1", {"4711": 2}), key="k1")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = central.post("/orders", order_body("R-2", {"4711": 2}), key="k1")
    assert other.status_code == 422
    assert other.json()["type"] == "urn:storehub:problem:idempotency-key-reused"


def test_one_order_sent_by_twenty_at_once_is_one_order(central: Central) -> None:
    with concurrent.futures.ThreadPoolExecutor(20) as many:
        answers = list(
            many.map(lambda _: central.post("/orders", order_body("R-1", {"4711": 1})), range(20))
        )
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    page = central.door("/feed", params={"stream": "commands", "after": 0}).json()
    assert len(page["rows"]) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"line_id": "L1", "sku": "1", "qty": 0}]}, "lines"),
        ({"lines": [{"line_id": "L1", "sku": "1", "qty": 1.5}]}, "lines"),
        ({"lines": [{"line_id": "L1", "sku": "1", "qty": True}]}, "lines"),
        ({"lines": [{"line_id": "L1", "sku": "1", "qty": 1}] * 2}, "lines"),
        ({"order_id": "<script>"}, "order_id"),
        ({"order_id": "a" * 65}, "order_id"),
        ({"currency": "euro"}, "currency"),
        ({"promise_at": "tomorrow"}, "promise_at"),
        ({"promise_at": "2026-11-21T15:00:00"}, "promise_at"),
        ({"order_id": "R-1\n"}, "order_id"),
        ({"lines": [{"line_id": "L1", "sku": "47\x0011", "qty": 1}]}, "lines"),
        ({"customer": {"name": ""}}, "customer"),
        ({"customer": {"name": "Maximiliana " * 12}}, "customer.name"),
        ({"customer": {"name": "Ida\x07Lovelace"}}, "customer.name"),
        ({"customer": {"name": "   "}}, "customer.name"),
        ({"surprise": 1}, ""),
    ],
)
def test_an_order_that_nobody_could_fulfill_is_refused_by_field(
    untouched: Central, change: dict[str, Any], field: str
) -> None:
    answer = untouched.post("/orders", order_body("R-1", {"4711": 1}) | change)
    assert answer.status_code == 422
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["errors"][0]["field"].startswith(field) if field else problem["detail"]


@pytest.mark.parametrize(
    "promised",
    ["2026-11-21T15:00:00Z", "2026-11-21T16:00:00+01:00", "2026-11-21T15:00:00.000Z"],
)
def test_any_way_to_write_a_time_is_understood(untouched: Central, promised: str) -> None:
    name = f"T-{len(promised)}"
    body = order_body(name, {"4711": 1}, promise_at=promised)
    assert untouched.post("/orders", body).status_code == 201
    shown = untouched.get(f"/orders/{name}").json()
    assert shown["promise_at"] == "2026-11-21T15:00:00.000Z"


def test_an_order_of_many_lines_has_a_page_without_a_picture_of_its_code(
    central: Central,
) -> None:
    central.place("R-1", {f"SKU-{n:05}": 1 for n in range(150)})
    with central.running.app.app_context():
        key = pages.key_of("R-1")
    page = requests.get(f"{central.url}/orders/R-1?key={key}", timeout=40)
    assert page.status_code == 200
    assert "code.svg" not in page.text
    picture = requests.get(f"{central.url}/orders/R-1/code.svg?key={key}", timeout=40)
    assert picture.status_code == 404


def test_an_unknown_store_is_not_found(central: Central) -> None:
    assert central.post("/orders", order_body("R-1", {"1": 1}, store="mars")).status_code == 404


def test_garbage_is_unparsable_and_who_is_unknown_gets_nothing(central: Central) -> None:
    import requests

    url = f"{central.url}/api/v1/orders"
    head = {"Authorization": f"Bearer {central.token}"}
    for body in (b"", b"{", b"\xff\xfe", b"[1", b"NaN"):
        assert requests.post(url, data=body, headers=head, timeout=40).status_code in (400, 422)
    assert requests.post(url, data=b"x" * (5 << 20), headers=head, timeout=40).status_code == 413
    rows = b'{"rows":[{"deep":' + b"[" * 100_000
    found = requests.post(
        f"{central.url}/api/v1/catalog/import", data=rows, headers=head, timeout=40
    )
    assert found.status_code == 400
    assert requests.post(url, json={}, timeout=40).status_code == 401
    assert requests.get(f"{central.url}/api/v1/stores", timeout=40).status_code == 401


def test_who_may_only_read_gets_neither_the_code_nor_the_customers_link(tmp_path: Path) -> None:
    import requests

    setup.add_store(tmp_path, STORE, "Mill Lane")
    heads = {
        role: {"Authorization": f"Bearer {setup.create_token(tmp_path, role, role)}"}
        for role in ("orders", "read")
    }
    running = setup.Running(tmp_path)
    try:
        url = f"{running.url}/api/v1/orders"
        requests.post(url, json=order_body("R-1", {"1": 1}), headers=heads["orders"], timeout=40)
        shown = {
            role: requests.get(f"{url}/R-1", headers=head, timeout=40).json()
            for role, head in heads.items()
        }
    finally:
        running.stop()
    assert {"pickup_code", "page"} <= shown["orders"].keys()
    assert not {"pickup_code", "page"} & shown["read"].keys()
    assert shown["read"]["short_code"] == shown["orders"]["short_code"]


def test_a_role_may_do_its_own_and_no_more(tmp_path: Path) -> None:
    import requests

    setup.add_store(tmp_path, STORE, "Mill Lane")
    token = setup.create_token(tmp_path, "till", "catalog")
    running = setup.Running(tmp_path)
    head = {"Authorization": f"Bearer {token}"}
    try:
        body = order_body("R-1", {"1": 1})
        answer = requests.post(f"{running.url}/api/v1/orders", json=body, headers=head, timeout=40)
        assert answer.status_code == 403
        rows = {"rows": [{"kind": "product", "sku": "1", "names": {"en": "One"}}]}
        url = f"{running.url}/api/v1/catalog/import"
        assert requests.post(url, json=rows, headers=head, timeout=40).status_code == 200
        with pytest.raises(Refusal):
            setup.add_store(tmp_path, "other", "Other")
    finally:
        running.stop()


def test_a_cancel_is_a_request_until_the_stores_word(central: Central) -> None:
    central.place("R-1", {"4711": 1})
    first = central.post("/orders/R-1/cancel", {"reason": "BUYER_REQUEST"}).json()
    again = central.post("/orders/R-1/cancel", {}).json()
    assert first["state"] == again["state"] == "PROPOSED"
    assert first["cancel_asked_at"] == again["cancel_asked_at"]
    page = central.door("/feed", params={"stream": "commands", "after": 0}).json()
    assert [row["row"]["type"] for row in page["rows"]] == ["order.place", "order.cancel"]
    assert central.post("/orders/R-1/cancel", {"reason": "whim"}).status_code == 422
    assert central.post("/orders/R-9/cancel", {}).status_code == 404


def test_a_customer_pays_for_what_they_get_and_hears_no_in_their_language(central: Central) -> None:
    lines = [
        {"line_id": "L1", "sku": "1", "qty": 2, "unit_price_minor": 500},
        {"line_id": "L2", "sku": "2", "qty": 3, "unit_price_minor": 100},
    ]
    customer = {"name": "Ida Probe", "language": "de"}
    more: dict[str, Any] = {"lines": lines, "currency": "EUR", "customer": customer}
    central.post("/orders", order_body("R-1", {"1": 2}) | more)
    given = {"line_id": "L3", "sku": "3", "qty": 2, "unit_price_minor": 450}
    gone = {"line_id": "L2", "qty": 1, "reason": "NOT_IN_STOCK"}
    facts = [
        ("OrderProposed", {"lines": lines, "short_code": "K7", "channel": "web"}),
        ("PickingClaimed", {"by": "staff:ada"}),
        ("LineSubstituted", {"line_id": "L1", "qty": 2, "reason": "x", "substitute": given}),
        ("LineShorted", gone),
    ]
    said = [entry(kind, {"order_id": "R-1", **body}, kind) for kind, body in facts]
    head = push(central, ORIGIN, said).json()["head"]
    with central.running.app.app_context():
        key = pages.key_of("R-1")
    page = f"{central.url}/orders/R-1"
    english = {"params": {"key": key}, "headers": {"Accept-Language": "en"}, "timeout": 40}
    browser = requests.Session()
    shown = browser.get(page, **english).text
    assert "11,00" in shown.split('class="total"')[1].split("</p>")[0], "2 of these and 2 of 3"
    assert "9,00" in shown
    assert "10,00" not in shown
    ended = {"order_id": "R-1", "reason": "OUT_OF_STOCK"}
    assert push(central, Pair(**head), [entry("end", ended, "OrderRejected")]).status_code == 200
    token = shown.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    refused = browser.post(f"{page}/cancel", data={"csrf_token": token}, **english)
    assert refused.status_code == 422
    assert "kann nicht mehr storniert werden" in refused.text


def test_of_those_who_were_erased_no_byte_is_left(central: Central) -> None:
    store = central.running.inventory.store
    names = [f"Nomen-{n:04}-{'x' * (n % 90)}" for n in range(1500)]

    def come(tx: Any) -> list[str]:
        return [
            store_people.add(tx, intake.Customer(name, f"{name}@example.test", None))
            for name in names
        ]

    refs = store.run(come)
    for start in range(0, 1500, 100):
        gone = refs[start + 1 : start + 100 : 2]
        store.run(lambda tx, gone=gone: [store_orders.erase(tx, ref) for ref in gone])
    assert central.post(f"/customers/{refs[1]}/erase", {}).json()["erased_at"]
    assert central.post("/customers/c_unknown/erase", {}).status_code == 404
    with store.reader() as conn:
        assert store_people.find(conn, refs[1]) is None
        assert store_people.find(conn, refs[2])["name"] == names[2]
    files = [one for one in (central.directory / "central").iterdir() if one.is_file()]
    kept = b"".join(one.read_bytes() for one in files)
    assert [name for n, name in enumerate(names) if n % 2 and name[:10].encode() in kept] == []


def test_whom_one_store_erases_all_stores_that_know_them_forget(central: Central) -> None:
    central.post("/stores", {"store": "store-2", "name": "Harbour"})
    central.place("R-1", {"1": 1})
    ref = central.get("/orders/R-1").json()["customer_ref"]
    central.place("R-2", {"1": 1}, store="store-2", customer={"name": "Ida Probe", "ref": ref})
    erased = [entry("c1", {"ref": ref}, "PersonalDataErased")]
    assert push(central, ORIGIN, erased).status_code == 200
    with central.running.inventory.store.reader() as conn:
        rows = conn.execute("SELECT store_id, row FROM command_feed").fetchall()
    told = {row[0] for row in rows if f'"erase-{ref}"' in row[1]}
    assert "store-2" in told
