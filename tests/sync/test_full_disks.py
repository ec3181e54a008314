"""A full disk at either end is waited out: nothing is lost, no thread dies."""

import time

from hub.catalog import queries as catalog
from hub.chain import ORIGIN
from sync import frames
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
    until(lambda: both.hub.read(catalog.product, "S499"), "the catalogue came", 15)
