"""A full disk at either end is waited out: nothing is lost, no thread dies."""

import shutil
import time

import pytest

from hub.catalog import queries as catalog
from hub.chain import ORIGIN
from hub.errors import Unavailable
from sync import frames, protocol, rebase, tables
from sync.protocol import Push
from tests.sync.pair import PUSH, Both, Central, order_body, received, until


def test_a_full_central_says_when_to_come_again_and_goes_on(central: Central) -> None:
    store = central.running.inventory.store
    pages = store.run(lambda tx: tx.conn.execute("PRAGMA page_count").fetchone()[0])
    store.run(lambda tx: tx.conn.execute(f"PRAGMA max_page_count = {pages + 2}").fetchone())
    body = frames.pack_push(Push(ORIGIN, tuple(received(f"c{n}", f"S{n}", 1) for n in range(2000))))
    refused = central.door("/journal", method="POST", data=body, headers=PUSH)
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) >= 1
    assert central.head() == ORIGIN
    store.run(lambda tx: tx.conn.execute("PRAGMA max_page_count = 1000000").fetchone())
    assert central.door("/journal", method="POST", data=body, headers=PUSH).status_code == 200
    assert central.head().seq == 2000
    assert central.post("/orders", order_body("R-1", {"S1": 1})).status_code == 201


def test_a_hub_without_room_for_the_catalogue_keeps_selling_and_catches_up(both: Both) -> None:
    replica = both.hub.replica._conn
    (pages,) = replica.execute("PRAGMA page_count").fetchone()
    replica.execute(f"PRAGMA max_page_count = {pages + 1}")
    rows = [
        {"kind": "product", "sku": f"S{n}", "names": {"en": f"Product {n} " + "x" * 200}}
        for n in range(500)
    ]
    assert both.central.post("/catalog/import", {"rows": rows}).status_code == 200
    both.hub.agent.start()
    time.sleep(1)
    assert both.hub.agent.alive()
    assert both.hub.read(catalog.product, "S1") is None
    both.hub.receive("4711", 1, "goes on")
    both.in_step()
    with both.hub.replica._lock:
        replica.execute("PRAGMA max_page_count = 1000000")
    until(lambda: both.hub.read(catalog.product, "S499"), "the catalogue came")


def test_a_hub_that_cannot_keep_a_snapshot_lives_and_takes_it_later(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol.pull, "FAR", 50)
    rows = [{"kind": "product", "sku": f"S{n}", "names": {"en": f"{n}"}} for n in range(200)]
    assert both.central.post("/catalog/import", {"rows": rows}).status_code == 200
    # What is no file takes no byte, as a full disk.
    barrier = both.hub.replica.path.with_name("replica.db.part")
    barrier.mkdir()
    both.hub.agent.start()
    time.sleep(1)
    assert both.hub.agent.alive()
    both.hub.receive("4711", 1, "goes on")
    both.in_step()
    barrier.rmdir()
    until(lambda: both.hub.read(catalog.product, "S199"), "the catalogue came")


@pytest.mark.parametrize("place", [(rebase, "perform"), (tables, "stage")])
def test_a_hub_without_room_for_a_repair_lives_and_repairs_later(
    both: Both, monkeypatch: pytest.MonkeyPatch, place: tuple[object, str]
) -> None:
    directory, copy = both.directory / "hub", both.directory / "backup"

    def opened() -> None:
        url = f"http://127.0.0.1:{both.line.address[1]}"
        both.hub = type(both.hub)(directory, url, both.central.credential)

    both.hub.close()
    shutil.copytree(directory, copy)
    opened()
    both.hub.agent.start()
    both.hub.receive("4711", 1, "lost with the disk")
    both.in_step()
    both.hub.close()
    shutil.rmtree(directory)
    copy.rename(directory)
    opened()
    where, name = place
    work, tries = getattr(where, name), 0

    def full(*given: object, **named: object) -> object:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise Unavailable("The disk is full.", retry_after_s=0.2)
        return work(*given, **named)

    monkeypatch.setattr(where, name, full)
    both.hub.agent.start()
    until(lambda: tries >= 2, "it was tried")
    assert both.hub.agent.alive()
    both.in_step()
    assert both.hub.agent.alive()
