"""Pushes at central: taken once, folded, poison aside, garbage and strangers refused."""

import pytest
import zstandard

from hub.chain import ORIGIN
from hub.errors import Forbidden
from sync import client, frames
from sync.protocol import Push
from tests.sync.pair import PUSH, STORE, Central, entry, push, received


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
        (frames.pack_push(Push(ORIGIN, (b"{}",)))[:-3], 400),
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
    assert requests.post(url, headers=head, timeout=40).status_code == 403
    head["Authorization"] = "Bearer guess"
    assert requests.post(url, headers=head, timeout=40).status_code == 401


def test_an_enrolment_token_works_once(central: Central) -> None:
    token = central.post(f"/stores/{STORE}/enrolment", {}).json()["token"]
    credential = client.enrol(central.url, STORE, token)
    assert credential != central.credential
    with pytest.raises(Forbidden):
        client.enrol(central.url, STORE, token)
