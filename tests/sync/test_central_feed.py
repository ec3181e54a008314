"""Catalogue and feed: commit order, waiting readers, another generation."""

import concurrent.futures
import threading
import time
from typing import Any

from hub.chain import ORIGIN
from sync import frames
from sync.client import Client
from sync.protocol import Push
from tests.sync.pair import STORE, Central, until


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
    until(lambda: central.running.inventory.store.bell._parked, "somebody is parked")
    began = time.monotonic()
    central.place("R-1", {"4711": 1})
    parked.join(60)
    page, answered = answers[0]
    assert len(page["rows"]) == 1
    assert answered - began < 15, "it would have been told in 20 s anyway"


def test_another_generation_is_gone(central: Central) -> None:
    central.place("R-1", {"4711": 1})
    for params in ({"after": 1, "generation": "old"}, {"after": 99}):
        answer = central.door("/feed", params={"stream": "commands"} | params)
        assert answer.status_code == 410
        assert answer.json()["generation"] == central.running.inventory.store.generation


def test_a_restored_database_is_another_generation(central: Central) -> None:
    before = central.running.inventory.store.generation
    central.stop()
    restore = central.image()
    central.serve()
    assert central.running.inventory.store.generation == before
    central.stop()
    restore()
    central.serve()
    assert central.running.inventory.store.generation != before


def test_a_newer_hub_speaks_as_central_does(central: Central) -> None:
    hub = Client(central.url, STORE, central.credential, "test")
    hub._session.headers["X-StoreHub-Protocol"] = "3"
    answer = hub.push(frames.pack_push(Push(ORIGIN)))
    assert answer.head.seq == 0
    assert hub._session.headers["X-StoreHub-Protocol"] == "1"
    hub.close()
    unknown = central.door("/digest", headers={"X-StoreHub-Protocol": "3"})
    assert unknown.status_code == 400
    assert unknown.headers["X-StoreHub-Protocols"] == "1"
