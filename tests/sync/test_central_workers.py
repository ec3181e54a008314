"""Several workers of central on one PostgreSQL database; and that database goes away."""

import concurrent.futures
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests

from hub.chain import ORIGIN
from hub.pickup import code
from sync import central as setup
from sync.central import keys, store_feed, store_secrets
from sync.central.store_port import Connection, Tx
from tests.components import require
from tests.postgres import Server, name_of
from tests.sync.cut import Cut
from tests.sync.pair import Central, order_body, push, received, until


class Two(Central):
    """A central with a second worker beside it, on the same folder and database."""

    def __init__(self, directory: Path, database: str) -> None:
        super().__init__(directory, database=database)
        self.second = setup.Running(directory, database=database)
        self.urls = (self.url, self.second.url)

    def at(self, worker: int) -> "Two":
        self.url = self.urls[worker]
        return self

    def stop(self) -> None:
        self.second.stop()
        super().stop()


@pytest.fixture
def two(tmp_path: Path, made: Callable[[str], str | None]) -> Iterator[Two]:
    database = made("postgresql")
    assert database is not None
    served = Two(tmp_path / "head-office", database)
    yield served
    served.stop()


def commands(central: Central, **more: Any) -> dict[str, Any]:
    page: dict[str, Any] = central.door(
        "/feed", params={"stream": "commands", "after": 0} | more
    ).json()
    return page


def test_who_waits_at_one_worker_hears_of_an_order_at_the_other(two: Two) -> None:
    pages: list[dict[str, Any]] = []
    url = two.urls[1]
    bell = two.second.inventory.store.bell
    waiter = threading.Thread(target=lambda: pages.append(_wait(two, url)))
    waiter.start()
    until(lambda: bell._parked, "somebody is parked")
    two.at(0).place("R-1", {"4711": 1})
    waiter.join(60)
    assert [row["row"]["id"] for row in pages[0]["rows"]] == ["place-R-1"]


def _wait(two: Two, url: str) -> Any:
    headers = {"Authorization": f"Bearer {two.credential}", "X-StoreHub-Protocol": "1"}
    params = {"stream": "commands", "after": "0", "wait": "20"}
    path = f"{url}/sync/v1/stores/store-1/feed"
    return requests.get(path, params=params, headers=headers, timeout=40).json()


def test_one_order_sent_to_both_at_once_is_one_order(two: Two) -> None:
    headers = {"Authorization": f"Bearer {two.token}"}

    def send(n: int) -> requests.Response:
        url, key = f"{two.urls[n % 2]}/api/v1/orders", {"Idempotency-Key": "k"} if n % 3 else {}
        body = order_body("R-1", {"4711": 1})
        return requests.post(url, json=body, headers=headers | key, timeout=20)

    with concurrent.futures.ThreadPoolExecutor(20) as many:
        answers = list(many.map(send, range(20)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    assert len(commands(two)["rows"]) == 1


def test_rights_are_spent_once_by_two_workers(two: Two) -> None:
    from tests.sync.pair import entry

    push(two, ORIGIN, [entry("a", {"sku": "4711", "granted": 7}, kind="RightsGranted")])
    headers = {"Authorization": f"Bearer {two.token}"}

    def send(n: int) -> requests.Response:
        url = f"{two.urls[n % 2]}/api/v1/orders"
        return requests.post(
            url, json=order_body(f"R-{n}", {"4711": 1}), headers=headers, timeout=20
        )

    with concurrent.futures.ThreadPoolExecutor(12) as many:
        assert {one.status_code for one in many.map(send, range(12))} == {201}
    spent = [row["row"]["order"]["rights"] for row in commands(two)["rows"]]
    told = sorted(side["spent"] for sides in spent for side in sides)
    assert told == list(range(1, 8))


def test_who_sends_a_command_holds_up_nobody_whose_lock_it_wants_next(two: Two) -> None:
    """A push sends and then wants the distribution centre; a count holds that and then sends."""
    again: list[str] = []
    held, said = threading.Event(), threading.Event()

    def push_like(tx: Tx) -> None:
        tx.hold("store-1")
        store_feed.add_command(tx, "store-1", {"id": "one"})
        said.set()
        held.wait(10)
        tx.hold("distribution")

    def count_like(tx: Tx) -> None:
        tx.hold("distribution")
        held.set()
        said.wait(10)
        store_feed.add_command(tx, "store-1", {"id": "other"})

    stores = (two.running.inventory.store, two.second.inventory.store)
    for store in stores:
        store.again = again.append
    with concurrent.futures.ThreadPoolExecutor(2) as many:
        for going in [
            many.submit(stores[0].run, push_like),
            many.submit(stores[1].run, count_like),
        ]:
            going.result()
    assert again == []
    assert {row["row"]["id"] for row in commands(two)["rows"]} == {"one", "other"}


def test_works_that_deadlock_are_done_again_and_counted(two: Two) -> None:
    first, second = threading.Event(), threading.Event()

    def work(mine: str, other: str, here: threading.Event, there: threading.Event) -> Any:
        def hold(tx: Tx) -> None:
            tx.hold(mine)
            here.set()
            there.wait(10)
            tx.hold(other)

        return hold

    stores = (two.running.inventory.store, two.second.inventory.store)
    with concurrent.futures.ThreadPoolExecutor(2) as many:
        one = many.submit(stores[0].run, work("a", "b", first, second))
        many.submit(stores[1].run, work("b", "a", second, first)).result()
        one.result()
    told = [requests.get(f"{url}/metrics", timeout=20).text for url in two.urls]
    assert sum(text.count('central_works_again_total{why="DeadlockDetected"} 1.0') for text in told)


def test_a_credential_that_one_worker_revoked_opens_nothing_at_the_other(two: Two) -> None:
    def asked(worker: int) -> int:
        return two.at(worker).door("/feed", params={"stream": "commands"}).status_code

    assert [asked(0), asked(1)] == [200, 200]
    assert two.at(0).post("/stores/store-1/revoke", {}).status_code == 200
    assert asked(0) == 401
    until(lambda: asked(1) == 401, "the other heard of it")


def test_who_asks_again_and_again_for_nothing_costs_the_database_nothing(two: Two) -> None:
    params = {"stream": "commands", "after": 0}
    store = two.running.inventory.store
    until(lambda: store.bell.state("any") is not None, "it hears the other")
    pages = [two.door("/feed", params=params).json()]
    asked, reader = [], store.reader

    def counted() -> AbstractContextManager[Connection]:
        asked.append(threading.current_thread().name)
        return reader()

    store.reader = counted  # type: ignore[method-assign]
    pages += [two.door("/feed", params=params).json() for _ in range(3)]
    assert not [name for name in asked if name.startswith("CP Server")]
    assert all(page == pages[0] for page in pages)
    two.at(1).place("R-1", {"4711": 1})
    until(lambda: two.at(0).door("/feed", params=params).json()["rows"], "its order is read")


def test_workers_on_machines_that_share_no_file_sign_with_the_same_keys(two: Two) -> None:
    elsewhere = setup.Running(two.directory.parent / "machine-2", database=two.database)
    here, there = two.running.inventory, elsewhere.inventory
    try:
        assert there.ring.first.key_id == here.ring.first.key_id
        assert there.page_secret == here.page_secret
        fresh = str(two.post("/keys/rotate", {}).json()["key_id"])
        replica = two.door("/feed", params={"stream": "replica", "after": 0}).json()
        at = {key: replica[key] for key in ("generation", "mark")} | {"after": replica["next"]}
        two.door("/feed", params={"stream": "replica", **at})
        two.url = elsewhere.url
        assert code.key_id_of(two.place("R-1", {"4711": 1})["pickup_code"]) == fresh
    finally:
        elsewhere.stop()


def test_a_machine_that_brings_keys_of_its_own_gives_them_to_the_others(two: Two) -> None:
    folder = two.directory.parent / "machine-2" / "central"
    folder.mkdir(parents=True)
    for name, text in keys.drawn().items():
        keys.write_secret(folder / name, text)
    mine = keys.Keyring(folder).first.key_id
    elsewhere = setup.Running(folder.parent, database=two.database)
    try:
        first = two.running.inventory.ring.first
        assert elsewhere.inventory.ring.first.key_id == first.key_id != mine
        assert keys.Keyring(folder).first.key_id == first.key_id
        brought = keys.Keyring(folder).get(mine)
        assert brought is not None
        assert brought.key_id == mine
        with two.running.inventory.store.reader() as conn:
            assert store_secrets.find(conn, keys.name_of_id(mine))
    finally:
        elsewhere.stop()


def test_one_push_at_both_workers_is_taken_once(two: Two) -> None:
    contents = [received(f"c{n}", "4711", 1) for n in range(50)]
    with concurrent.futures.ThreadPoolExecutor(2) as many:
        answers = list(many.map(lambda n: _push(two, n, contents), range(2)))
    assert sorted(one.status_code for one in answers) == [200, 409]
    assert {one.json()["head"]["seq"] for one in answers} == {50}
    assert two.get("/stores/store-1/stock/4711").json()["on_hand"] == 50


def _push(two: Two, worker: int, contents: list[bytes]) -> Any:
    from sync import frames
    from sync.protocol import Push
    from tests.sync.pair import PUSH

    headers = {"Authorization": f"Bearer {two.credential}", "X-StoreHub-Protocol": "1"} | PUSH
    body = frames.pack_push(Push(ORIGIN, tuple(contents)))
    url = f"{two.urls[worker]}/sync/v1/stores/store-1/journal"
    return requests.post(url, data=body, headers=headers, timeout=20)


def test_a_generation_is_new_at_each_worker_at_once(two: Two) -> None:
    first, second = two.running.inventory.store, two.second.inventory.store
    before = first.generation
    assert second.generation == before
    first.renew(before)
    assert first.generation == second.generation != before
    second.renew(before)
    assert first.generation == second.generation


def test_a_worker_that_starts_or_is_killed_is_no_new_life(two: Two) -> None:
    before = two.running.inventory.store.generation
    two.stop()
    two.serve()
    two.second = setup.Running(two.directory, database=two.database)
    assert two.running.inventory.store.generation == before


def test_a_snapshot_begun_at_one_worker_goes_on_at_the_other(two: Two) -> None:
    rows = [{"kind": "product", "sku": "4711", "names": {"en": "Rye bread"}}]
    assert two.post("/catalog/import", {"rows": rows}).status_code == 200
    name, start, total = two.at(0).door("/snapshot").headers["X-StoreHub-Snapshot"].split()
    assert start == "0"
    rest = two.at(1).door("/snapshot", params={"digest": name, "offset": 100})
    assert rest.headers["X-StoreHub-Snapshot"] == f"{name} 100 {total}"
    assert len(rest.content) == int(total) - 100


def test_what_one_worker_imports_the_other_finds(two: Two) -> None:
    rows = [{"kind": "product", "sku": "4711", "names": {"en": "Rye bread"}}]
    assert two.at(0).post("/catalog/import", {"rows": rows}).json()["changed"] == 1
    found = f"{two.urls[1]}/products?q=rye"
    until(lambda: requests.get(found, timeout=40).json()["items"], "it is found")


def test_a_database_that_goes_away_is_a_503_and_comes_back_by_itself(tmp_path: Path) -> None:
    require("postgresql")
    server = Server()
    central = Central(tmp_path / "head-office", database=server.database())
    try:
        central.place("R-1", {"4711": 1})
        server.kill()
        answer = central.post("/orders", order_body("R-2", {"4711": 1}))
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert push(central, ORIGIN, []).status_code == 503
        assert requests.get(f"{central.url}/readyz", timeout=20).status_code == 503
        assert requests.get(f"{central.url}/healthz", timeout=20).status_code == 200
        server.start()
        body = order_body("R-2", {"4711": 1})
        until(lambda: central.post("/orders", body).status_code == 201, "it is back")
        assert len(commands(central)["rows"]) == 2
    finally:
        central.stop()
        server.stop()


def test_an_order_whose_commit_nobody_heard_of_is_one_order(
    tmp_path: Path, postgres: Server
) -> None:
    database = postgres.database()
    with tempfile.TemporaryDirectory(prefix="shcut-") as folder:
        line = Cut(Path(folder), postgres.folder)
        url = f"postgresql://storehub@/{name_of(database)}?host={folder}"
        central = Central(tmp_path / "head-office", database=url)
        try:
            line.armed = True
            lost = central.post("/orders", order_body("R-1", {"4711": 1}), key="k")
            assert (lost.status_code, line.cuts) == (503, 1)
            again = central.post("/orders", order_body("R-1", {"4711": 1}), key="k")
            assert again.status_code == 201
            assert again.headers["Idempotency-Replayed"] == "true"
            assert len(commands(central)["rows"]) == 1
        finally:
            central.stop()
            line.close()
