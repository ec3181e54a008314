"""Central on its own: intake, feeds, doors, and what it makes of garbage."""

import concurrent.futures
import json
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import openapi_spec_validator
import pytest
import zstandard

from hub import chain
from hub.chain import ORIGIN, Entry, Pair, encode, entry_id
from hub.errors import Forbidden, Refusal
from hub.pickup import code as pickup_code
from sync import central as setup
from sync import client, frames
from sync.central import intake, pages, store_orders, store_people
from tests.sync.pair import STORE, Central, order_body


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    """A central for tests that leave nothing behind which another would meet."""
    served = Central(tmp_path_factory.mktemp("untouched"))
    yield served
    served.stop()


PUSH = {"Content-Type": "application/x-ndjson", "Content-Encoding": "zstd"}


def entry(
    cause: str, body: dict[str, Any], kind: str = "StockMoved", i: int = 0, n: int = 1
) -> bytes:
    at = "2026-11-21T10:00:00.000Z"
    return encode(Entry(entry_id(cause, i, n), kind, 1, at, at, "test", cause, body))


def received(cause: str, sku: str, qty: int) -> bytes:
    return entry(
        cause,
        {"sku": sku, "qty": qty, "source": "supplier", "target": "available", "kind": "RECEIVE"},
    )


def push(central: Central, after: Pair, contents: list[bytes], **more: Any) -> Any:
    return central.door(
        "/journal", method="POST", data=frames.pack_push(after, contents), headers=PUSH | more
    )


# ── orders ──────────────────────────────────────────────────────────────────────────────────────


def test_an_order_is_proposed_with_codes(central: Central) -> None:
    answer = central.place("R-1", {"4711": 2})
    assert answer["state"] == "PROPOSED"
    assert len(answer["short_code"]) == 4
    assert pickup_code.is_signed(answer["pickup_code"])
    shown = central.get("/orders/R-1").json()
    assert shown["lines"][0]["name"] == "4711"
    assert "Ida" not in json.dumps(shown)


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
    import requests

    central.place("R-1", {f"SKU-{n:05}": 1 for n in range(150)})
    with central.running.app.app_context():
        key = pages.key_of("R-1")
    page = requests.get(f"{central.url}/orders/R-1?key={key}", timeout=5)
    assert page.status_code == 200
    assert "code.svg" not in page.text
    picture = requests.get(f"{central.url}/orders/R-1/code.svg?key={key}", timeout=5)
    assert picture.status_code == 404


def test_an_unknown_store_is_not_found(central: Central) -> None:
    assert central.post("/orders", order_body("R-1", {"1": 1}, store="mars")).status_code == 404


def test_garbage_is_unparsable_and_who_is_unknown_gets_nothing(central: Central) -> None:
    import requests

    url = f"{central.url}/api/v1/orders"
    head = {"Authorization": f"Bearer {central.token}"}
    for body in (b"", b"{", b"\xff\xfe", b"[1", b"NaN"):
        assert requests.post(url, data=body, headers=head, timeout=5).status_code in (400, 422)
    assert requests.post(url, data=b"x" * (5 << 20), headers=head, timeout=5).status_code == 413
    rows = b'{"rows":[{"deep":' + b"[" * 100_000
    found = requests.post(
        f"{central.url}/api/v1/catalog/import", data=rows, headers=head, timeout=5
    )
    assert found.status_code == 400
    assert requests.post(url, json={}, timeout=5).status_code == 401
    assert requests.get(f"{central.url}/api/v1/stores", timeout=5).status_code == 401


def test_a_role_may_do_its_own_and_no_more(tmp_path: Path) -> None:
    import requests

    setup.add_store(tmp_path, STORE, "Mill Lane")
    token = setup.create_token(tmp_path, "till", "catalog")
    running = setup.Running(tmp_path)
    head = {"Authorization": f"Bearer {token}"}
    try:
        body = order_body("R-1", {"1": 1})
        answer = requests.post(f"{running.url}/api/v1/orders", json=body, headers=head, timeout=5)
        assert answer.status_code == 403
        rows = {"rows": [{"kind": "product", "sku": "1", "names": {"en": "One"}}]}
        url = f"{running.url}/api/v1/catalog/import"
        assert requests.post(url, json=rows, headers=head, timeout=5).status_code == 200
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


# ── catalogue and feed ──────────────────────────────────────────────────────────────────────────


def test_catalogue_rows_are_checked_one_by_one(central: Central) -> None:
    rows = [
        {"kind": "product", "sku": "1", "names": {"en": "One"}},
        {"kind": "product", "sku": ""},
        {"kind": "dance"},
    ]
    answer = central.post("/catalog/import", {"rows": rows}).json()
    assert answer["accepted"] == 1
    assert [one["index"] for one in answer["refused"]] == [1, 2]
    assert central.post("/catalog/import", {"rows": rows[:1]}).json()["changed"] == 0
    assert central.post("/catalog/import", {"rows": rows[:1] * 1001}).status_code == 422


def test_the_feed_keeps_commit_order_under_many_writers(central: Central) -> None:
    stop = threading.Event()
    seen: list[tuple[int, str]] = []

    def follow() -> None:
        after = 0
        while not stop.is_set() or after < central.running.inventory.store.run(
            lambda tx: tx.conn.execute("SELECT max(position) FROM command_feed").fetchone()[0]
        ):
            page = central.door(
                "/feed", params={"stream": "commands", "after": after, "generation": generation}
            ).json()
            seen.extend((row["position"], row["row"]["order"]["order_id"]) for row in page["rows"])
            after = page["next"]

    generation = central.running.inventory.store.generation
    reader = threading.Thread(target=follow)
    reader.start()
    with concurrent.futures.ThreadPoolExecutor(8) as many:
        names = [f"R-{n}" for n in range(120)]
        list(many.map(lambda name: central.place(name, {"4711": 1}), names))
    stop.set()
    reader.join()
    positions = [position for position, _ in seen]
    assert positions == sorted(set(positions))
    assert sorted(name for _, name in seen) == sorted(names)


def test_a_parked_reader_is_told_at_once(central: Central) -> None:
    generation = central.running.inventory.store.generation
    answers: list[Any] = []

    def wait() -> None:
        params = {"stream": "commands", "after": 0, "generation": generation, "wait": 20}
        answers.append((central.door("/feed", params=params).json(), time.monotonic()))

    parked = threading.Thread(target=wait)
    parked.start()
    time.sleep(0.3)
    began = time.monotonic()
    central.place("R-1", {"4711": 1})
    parked.join(5)
    page, answered = answers[0]
    assert len(page["rows"]) == 1
    assert answered - began < 0.5


def test_another_generation_is_gone(central: Central) -> None:
    central.place("R-1", {"4711": 1})
    for params in ({"after": 1, "generation": "old"}, {"after": 99}):
        answer = central.door("/feed", params={"stream": "commands"} | params)
        assert answer.status_code == 410
        assert answer.json()["generation"] == central.running.inventory.store.generation


def test_a_restored_database_is_another_generation(central: Central, tmp_path: Path) -> None:
    before = central.running.inventory.store.generation
    central.stop()
    folder = central.directory / "central"
    copy = (folder / "central.db").read_bytes()
    central.serve()
    assert central.running.inventory.store.generation == before
    central.stop()
    (folder / "central.db").write_bytes(copy)
    central.serve()
    assert central.running.inventory.store.generation != before


# ── pushes ──────────────────────────────────────────────────────────────────────────────────────


def test_a_push_is_taken_once_and_its_facts_show(central: Central) -> None:
    answer = push(central, ORIGIN, [received("a", "4711", 5)])
    assert answer.status_code == 200
    again = push(central, ORIGIN, [received("a", "4711", 5)])
    assert again.status_code == 409
    assert again.json()["head"] == answer.json()["head"]
    shown = central.get(f"/stores/{STORE}/stock/4711").json()
    assert shown["on_hand"] == 5
    assert shown["buckets"] == {"available": 5, "supplier": -5}
    assert shown["as_of"]


def test_poison_is_kept_aside_and_the_head_moves_on(central: Central) -> None:
    contents = [
        received("a", "4711", 5),
        b"\xff\xfe not json",
        entry("b", {}, kind="FromTheFuture"),
        entry("c", {"sku": "4711", "qty": "many"}),
        received("d", "4711", 2),
    ]
    head = push(central, ORIGIN, contents).json()["head"]
    assert head["seq"] == 5
    assert central.get(f"/stores/{STORE}/stock/4711").json()["on_hand"] == 7
    kept = central.get("/quarantine").json()["items"]
    assert [one["seq"] for one in kept] == [2, 3, 4]
    assert all(one["reason"] for one in kept)


def test_a_release_that_folds_otherwise_folds_everything_again(central: Central) -> None:
    poison = entry("b", {}, kind="FromTheFuture")
    push(central, ORIGIN, [received("a", "4711", 5), poison, received("c", "4711", 2)])
    before = central.door("/digest").json()
    run = central.running.inventory.store.run
    run(lambda tx: tx.conn.execute("UPDATE stock SET qty = 99"))
    run(lambda tx: tx.conn.execute("UPDATE central SET value = 'old' WHERE name = 'folds'"))
    central.stop()
    central.serve()
    assert central.door("/digest").json() == before
    assert [one["seq"] for one in central.get("/quarantine").json()["items"]] == [2]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not zstd", 400),
        (frames.compress(b""), 400),
        (frames.compress(b"{}\n"), 400),
        (frames.compress(b'{"after":{"seq":0,"hash":"00"}}\n'), 400),
        (frames.compress(b'{"after":{"seq":-1,"hash":"' + b"0" * 64 + b'"}}\n'), 400),
        (frames.compress(b'{"after":{"seq":0,"hash":"' + b"Z" * 64 + b'"}}\n'), 400),
        (frames.compress(b'{"after":{"seq":0,"hash":"' + b"0" * 64 + b'"}}\nno end'), 400),
        (frames.pack_push(ORIGIN, [b"{}"])[:-3], 400),
        (zstandard.ZstdCompressor().compress(bytes(200 << 20)), 413),
    ],
)
def test_no_push_of_garbage_reaches_the_journal(
    untouched: Central, body: bytes, status: int
) -> None:
    answer = untouched.door("/journal", method="POST", data=body, headers=PUSH)
    assert answer.status_code == status
    assert untouched.head() == ORIGIN


def test_a_bomb_that_hides_its_size_is_bounded(central: Central) -> None:
    made = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    bomb = b"".join([made.compress(bytes(64 << 20)), made.flush()])
    assert zstandard.frame_content_size(bomb) == -1
    answer = central.door("/journal", method="POST", data=bomb, headers=PUSH)
    assert answer.status_code == 413


def test_a_hub_of_another_protocol_or_type_is_told_so(central: Central) -> None:
    other = push(central, ORIGIN, [], **{"X-StoreHub-Protocol": "9"})
    assert other.status_code == 400
    assert other.json()["type"].endswith("protocol-version")
    plain = central.door("/journal", method="POST", data=b"{}", headers={"Content-Type": "text/x"})
    assert plain.status_code == 415


def test_the_store_is_who_its_credential_says(central: Central) -> None:
    import requests

    url = f"{central.url}/sync/v1/stores/other/journal"
    head = {"X-StoreHub-Protocol": "1", "Authorization": f"Bearer {central.credential}"}
    assert requests.post(url, headers=head, timeout=5).status_code == 403
    head["Authorization"] = "Bearer guess"
    assert requests.post(url, headers=head, timeout=5).status_code == 401


def test_an_enrolment_token_works_once(central: Central) -> None:
    token = central.post(f"/stores/{STORE}/enrolment", {}).json()["token"]
    credential = client.enrol(central.url, STORE, token)
    assert credential != central.credential
    with pytest.raises(Forbidden):
        client.enrol(central.url, STORE, token)


# ── the rest ────────────────────────────────────────────────────────────────────────────────────


def test_secrets_are_readable_by_nobody_else(central: Central) -> None:
    folder = central.directory / "central"
    for name in ("pickup.key", "page.key", "nonce", "central.db"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    everything = b"".join(one.read_bytes() for one in folder.iterdir() if one.is_file())
    assert central.token.encode() not in everything
    assert central.credential.encode() not in everything


def test_the_openapi_document_is_valid_and_names_every_route(central: Central) -> None:
    import requests

    document = requests.get(f"{central.url}/api/v1/openapi.json", timeout=5).json()
    openapi_spec_validator.validate(document)
    app = central.running.app
    routes = {
        str(rule).replace("<path:", "<").replace("<", "{").replace(">", "}")
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/")
    }
    assert routes == set(document["paths"])


def test_health_and_numbers_are_told(central: Central) -> None:
    import requests

    push(central, ORIGIN, [received("a", "4711", 5)])
    assert requests.get(f"{central.url}/healthz", timeout=5).json() == {"ok": True}
    assert requests.get(f"{central.url}/readyz", timeout=5).json()["ready"]
    told = requests.get(f"{central.url}/metrics", timeout=5).text
    assert f'central_facts_pushed_total{{store="{STORE}"}} 1.0' in told


def test_the_chain_at_central_is_the_chain_of_the_hub(central: Central) -> None:
    contents = [received(f"c{n}", "4711", 1) for n in range(20)]
    push(central, ORIGIN, contents[:7])
    push(central, central.head(), contents[7:])
    assert central.head() == list(chain.follow(ORIGIN, contents))[-1]
    digest = msgspec.json.decode(central.door("/digest").content)
    assert digest["hash"] == central.head().hash


def test_an_order_that_central_lost_is_known_from_the_stores_facts(central: Central) -> None:
    lines = [{"line_id": "L1", "sku": "4711", "qty": 2, "name": "Rye bread"}]
    proposed = {"order_id": "R-1", "lines": lines, "short_code": "H2FN", "channel": "web"}
    contents = [
        entry("a", proposed, kind="OrderProposed", i=0, n=2),
        entry("a", {"order_id": "R-1"}, kind="OrderReserved", i=1, n=2),
    ]
    assert push(central, ORIGIN, contents).status_code == 200
    shown = central.get("/orders/R-1").json()
    assert (shown["state"], shown["short_code"]) == ("RESERVED", "H2FN")
    assert shown["lines"][0]["ordered"] == 2
    assert [event["state"] for event in shown["timeline"]] == ["PROPOSED", "RESERVED"]
    assert central.get("/quarantine").json()["items"] == []
