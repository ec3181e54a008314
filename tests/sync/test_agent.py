"""Hub and central over HTTP, through a line that is really cut."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub import quarantine
from hub.catalog import queries as catalog
from hub.customers import actions as customers
from hub.errors import Unavailable
from hub.pickup import queries as pickup
from hub.stock import queries as stock
from sync import proof, tables
from sync.central import store_access
from sync.compare import compare
from tests.sync.pair import STORE, Both, entry, push, until


def test_a_fact_is_at_central_soon_after_its_commit(both: Both) -> None:
    both.hub.agent.start()
    both.in_step()
    both.hub.receive("4711", 5, "one")
    # Its own heartbeat would be a minute away; tests/bench measures how soon it is.
    both.in_step(50)
    until(lambda: both.central.get(f"/stores/{STORE}/stock/4711").json()["on_hand"] == 5, "stock")


def test_everything_flows_by_itself_once_the_line_is_up(both: Both) -> None:
    both.hub.receive("4711", 5, "before")
    both.hub.agent.start()
    both.in_step()
    both.line.down()
    until(lambda: both.hub.agent.state()["state"] == "offline", "the hub knows")
    both.hub.receive("4711", 3, "while cut")
    both.central.place("R-1", {"4711": 2})
    time.sleep(1.5)
    assert both.hub.read(pickup.find, "R-1") is None
    assert both.hub.agent.state()["backlog"] == 1
    both.line.up()
    until(lambda: both.hub.read(pickup.find, "R-1"), "the order came")
    both.in_step()
    order = both.central.get("/orders/R-1").json()
    assert order["state"] == "RESERVED"
    assert both.central.get(f"/stores/{STORE}/stock/4711").json()["buckets"]["committed"] == 2


def test_both_ends_sum_up_to_the_same_digest(both: Both) -> None:
    both.hub.receive("4711", 5, "one")
    both.hub.agent.start()
    both.central.place("R-1", {"4711": 2})
    until(lambda: both.hub.read(pickup.find, "R-1"), "the order came")
    both.in_step()

    def compared(url: str) -> list[str]:
        return compare(both.hub.store.read, url, STORE, both.central.credential)

    assert compared(both.central.url) == []
    both.central.running.inventory.store.run(
        lambda tx: tx.conn.execute("UPDATE stock SET qty = qty + 1 WHERE bucket = 'available'")
    )
    assert compared(both.central.url)[0].startswith("stock")
    both.line.down()
    with pytest.raises(Unavailable):
        compared(f"http://127.0.0.1:{both.line.address[1]}")


def test_a_reading_that_went_wrong_at_either_end_is_folded_again(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    proved, prove = [], proof.Proof._prove

    def counted(self: proof.Proof) -> None:
        prove(self)
        proved.append(1)

    monkeypatch.setattr(proof.Proof, "_prove", counted)
    both.hub.receive("4711", 5, "one")
    both.hub.agent.start()
    both.in_step()
    until(lambda: both.hub.agent.state()["state"] == "online", "on line")
    wrong = "UPDATE {} SET qty = qty + 1 WHERE bucket = 'available'"

    def differs() -> list[str]:
        return compare(both.hub.store.read, both.central.url, STORE, both.central.credential)

    run = both.central.running.inventory.store.run
    run(lambda tx: tx.conn.execute(wrong.format("stock")))
    assert differs()
    before = len(proved)
    both.hub.agent.proof.poke()
    until(lambda: not differs(), "central folded again")
    # Still at work, it would find what is broken next without being told.
    until(lambda: len(proved) > before, "it has looked again")
    both.hub.store.writer.run(lambda tx: tx.conn.execute(wrong.format("stock_balance")))
    assert differs()
    both.hub.agent.proof.poke()
    until(lambda: not differs(), "the hub folded again")
    assert both.hub.agent.state()["differs"] == []


def test_what_folding_does_not_mend_is_folded_once_and_not_each_hour(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.hub.receive("4711", 5, "one")
    both.hub.agent.start()
    both.in_step()
    until(lambda: both.hub.agent.state()["state"] == "online", "on line")
    found, proved, prove = ["stock: 5 here, 6 there"], [], proof.Proof._prove

    def counted(self: proof.Proof) -> None:
        prove(self)
        proved.append(1)

    monkeypatch.setattr(proof, "compare_with", lambda *_: list(found))
    monkeypatch.setattr(proof.Proof, "_prove", counted)

    def hour() -> str:
        before = len(proved)
        both.hub.agent.proof.poke()
        until(lambda: len(proved) > before, "it was looked and noted")
        return both.hub.store.ring.epoch

    first = both.hub.store.ring.epoch
    folded = hour()
    assert folded != first
    assert [hour(), hour()] == [folded, folded], "two releases differ until one is updated"
    assert both.hub.agent.state()["differs"] == found
    found.clear()
    hour()
    found.append("orders: another difference")
    assert hour() != folded


def test_the_catalogue_and_the_pickup_key_reach_the_hub(both: Both) -> None:
    both.hub.agent.start()
    rows = [
        {"kind": "product", "sku": "4711", "names": {"en": "Rye bread"}},
        {"kind": "price", "sku": "4711", "amount_minor": 349, "currency": "EUR"},
    ]
    assert both.central.post("/catalog/import", {"rows": rows}).status_code == 200
    until(lambda: both.hub.read(catalog.product, "4711"), "the product came")
    assert len(both.hub.read(pickup.keys)) == 1
    until(lambda: both.hub.agent.state()["as_of"], "central's numbers have an age")
    gone = [{"kind": "product", "sku": "4711", "deleted": True}]
    both.central.post("/catalog/import", {"rows": gone})
    until(lambda: both.hub.read(catalog.product, "4711") is None, "the product went")


def test_a_poisoned_command_is_kept_aside_and_the_stream_goes_on(both: Both) -> None:
    from sync.central import store_feed

    both.hub.receive("4711", 5, "one")
    poison = {"id": "bad-1", "type": "order.place", "order": {"personal": {"name": "Ida Probe"}}}
    unknown = {"id": "bad-2", "type": "order.dance"}
    for row in (poison, unknown):
        both.central.running.inventory.store.run(
            lambda tx, row=row: store_feed.add_command(tx, STORE, row)
        )
    both.central.place("R-1", {"4711": 1})
    both.hub.agent.start()
    until(lambda: both.hub.read(pickup.find, "R-1"), "the order behind the poison came")
    kept = both.hub.read(quarantine.waiting)
    assert {row.topic for row in kept} == {"commands/order.place", "commands/order.dance"}
    assert all(b"Ida Probe" not in row.body for row in kept)


def test_a_command_that_comes_again_changes_nothing(both: Both) -> None:
    both.hub.receive("4711", 5, "one")
    both.central.place("R-1", {"4711": 2})
    both.hub.agent.start()
    until(lambda: both.hub.read(pickup.find, "R-1"), "the order came")
    both.in_step()
    head = both.hub.head()
    both.hub.agent.close()
    # Who collects is no fact: it was lost with a disk, and comes again with the command.
    both.hub.store.writer.run(lambda tx: tx.conn.execute("DELETE FROM personal"))
    # Central was restored: another generation, so the whole stream is read again.
    both.hub.store.writer.run(
        lambda tx: tables.save_cursor(tx.conn, "commands", tables.Cursor("another", 1))
    )
    again = _fresh_agent(both)
    again.start()

    def read_again() -> bool:
        at = both.hub.read(tables.cursor, "commands")
        return at.generation != "another" and at.position > 0

    until(read_again, "read again")
    again.close()
    names = both.hub.read(lambda conn: conn.execute("SELECT name FROM personal").fetchall())
    assert [row[0] for row in names] == ["Ida Probe"]
    assert both.hub.head() == head
    assert both.hub.read(quarantine.count) == 0


def _fresh_agent(both: Both):  # type: ignore[no-untyped-def]
    from hub import handlers
    from sync import agent
    from sync.hub import Hub

    store = both.hub.store
    hub = Hub(
        STORE, "again", store.database.reader, store.writer, store.ring, store.clock,
        both.hub.replica,
    )  # fmt: skip
    return agent.open(
        hub,
        central_url=f"http://127.0.0.1:{both.line.address[1]}",
        credential=both.central.credential,
        commands=handlers.COMMANDS,
    )


def test_a_fork_is_joined_and_nothing_is_lost(both: Both) -> None:
    both.hub.receive("4711", 5, "one")
    both.hub.agent.start()
    both.in_step()
    # Central holds an entry that this hub never wrote: the hub was restored from a backup.
    sale = {"sku": "4711", "qty": 1, "source": "available", "target": "customer", "kind": "SALE"}
    epoch = both.hub.store.ring.epoch
    assert push(both.central, both.hub.head(), [entry("till:lost", sale)]).status_code == 200
    both.hub.receive("4711", 7, "after the restore")
    both.in_step()
    assert ("4711", "available", 11) in both.hub.read(stock.balances)
    assert [row[1] for row in causes(both)] == ["one", "till:lost", "after the restore"]
    assert both.hub.store.ring.epoch != epoch
    assert both.hub.read(seen_of, "till", "lost") == (None, None)
    fork = both.hub.read(lambda conn: conn.execute("SELECT entry FROM journal_fork").fetchall())
    assert len(fork) == 1
    until(lambda: both.hub.agent.state()["state"] == "online", "on line again")
    assert compare(both.hub.store.read, both.central.url, STORE, both.central.credential) == []


def causes(both: Both) -> list[tuple[int, str]]:
    found = both.hub.read(lambda conn: conn.execute("SELECT seq, cause FROM journal").fetchall())
    return [tuple(row) for row in found]


def seen_of(conn: Any, device: str, name: str) -> tuple[Any, ...]:
    row = conn.execute(
        "SELECT digest, outcome FROM seen WHERE device = ? AND id = ?", (device, name)
    ).fetchone()
    return tuple(row)


def test_a_revoked_credential_holds_the_push(both: Both) -> None:
    both.central.running.inventory.store.run(lambda tx: store_access.revoke(tx, STORE))
    both.hub.agent.start()
    until(lambda: both.hub.agent.state()["state"] == "held", "the hub is held")
    assert "credential" in both.hub.agent.state()["reason"]


def test_an_erased_customer_is_never_sent_again(both: Both) -> None:
    both.central.place("R-1", {"4711": 1})
    ref = both.central.get("/orders/R-1").json()["customer_ref"]
    assert both.central.post(f"/customers/{ref}/erase", {}).status_code == 200
    page = both.central.door("/feed", params={"stream": "commands", "after": 0}).json()
    assert page["rows"][0]["row"]["order"]["personal"] == {
        "name": None,
        "email": None,
        "phone": None,
    }
    assert page["rows"][1]["row"]["type"] == "customer.erase"

    def named() -> list[Path]:
        files = [one for one in (both.directory / "head-office").rglob("*") if one.is_file()]
        return [one for one in files if b"Ida Probe" in one.read_bytes()]

    # A reader that was at work keeps the write-ahead log for a moment.
    until(lambda: not named(), "nobody knows the name")


def test_whom_the_store_erases_central_forgets_as_well(both: Both) -> None:
    both.hub.receive("4711", 5, "one")
    both.central.place("R-1", {"4711": 1})
    ref = both.central.get("/orders/R-1").json()["customer_ref"]
    both.hub.agent.start()
    until(lambda: both.hub.read(pickup.find, "R-1"), "the order came")
    both.hub.store.writer.run(lambda tx: customers.erase(tx, ref, actor="hub", cause="cmd:erase"))
    both.in_step()

    def named() -> list[Path]:
        files = [one for one in both.directory.rglob("*") if one.is_file()]
        return [one for one in files if b"Ida Probe" in one.read_bytes()]

    until(lambda: not named(), "nobody knows the name")


@pytest.mark.parametrize("facts", [1, 3000])
def test_a_backlog_of_whole_appends_is_drained(both: Both, facts: int) -> None:
    from hub.stock.facts import StockMoved

    moves = [
        StockMoved(sku=f"S{n % 7}", qty=1, source="supplier", target="available", kind="RECEIVE")
        for n in range(facts)
    ]
    both.hub.store.writer.run(lambda tx: tx.append(moves, cause="long", actor="test"))
    both.hub.receive("4711", 1, "short")
    both.hub.agent.start()
    both.in_step()
    digest = msgspec.json.decode(both.central.door("/digest").content)
    assert digest["seq"] == facts + 1
