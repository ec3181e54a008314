"""A hub that cannot go on by the feed gets the whole catalogue at once, the old one until then."""

from pathlib import Path

import zstandard

from hub.catalog import queries as catalog
from hub.catalog import search
from sync import protocol, tables
from sync.central import snapshots, store_feed
from sync.central.store_catalog import Catalog
from sync.download import Download
from sync.protocol import Cursor
from tests.sync.pair import Both, Central, until


def product(sku: str, name: str, **more: object) -> dict[str, object]:
    return {"kind": "product", "sku": sku, "names": {"en": name}, **more}


def publish(central: Central, *rows: dict[str, object]) -> None:
    assert central.post("/catalog/import", {"rows": list(rows)}).status_code == 200


def test_a_cursor_of_another_life_is_answered_with_a_snapshot(both: Both) -> None:
    publish(both.central, product("4711", "Rye bread"), product("0815", "Green tea"))
    both.hub.agent.start()
    until(lambda: both.hub.read(catalog.product, "0815"), "the catalogue came")
    conn = both.hub.replica._conn
    conn.execute("UPDATE sync_replica SET generation = 'another'")
    conn.execute("DELETE FROM product WHERE sku = '4711'")
    conn.execute("UPDATE product SET sku = 'ghost' WHERE sku = '0815'")
    both.hub.close()
    both.hub = type(both.hub)(
        both.directory / "hub", f"http://127.0.0.1:{both.line.address[1]}", both.central.credential
    )
    assert both.hub.read(catalog.product, "ghost")
    both.hub.agent.start()
    until(lambda: both.hub.read(catalog.product, "4711"), "the snapshot replaced everything")
    assert both.hub.read(catalog.product, "ghost") is None
    found = both.hub.read(lambda conn: search.search(conn, "green tea", 5))
    assert [one.sku for one in found] == ["0815"]
    # And the feed goes on from where the snapshot ended.
    publish(both.central, product("4712", "White bread"))
    until(lambda: both.hub.read(catalog.product, "4712"), "the feed goes on")
    assert both.hub.read(lambda conn: list((both.directory / "hub").glob("*.part"))) == []


def test_who_is_far_behind_gets_a_snapshot_in_parts(both: Both, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(protocol.pull, "FAR", 50)
    monkeypatch.setattr(snapshots, "PART_BYTES", 3000)
    publish(both.central, *(product(f"S{n}", f"Article {n}") for n in range(200)))
    both.hub.agent.start()
    until(lambda: both.hub.read(catalog.product, "S199"), "the catalogue came")
    told = both.central.door("/snapshot").headers["X-StoreHub-Snapshot"]
    assert int(told.split()[2]) > 6000


def test_rows_long_deleted_are_dropped_and_who_missed_them_gets_a_snapshot(both: Both) -> None:
    publish(both.central, product("4711", "Rye bread"), product("0815", "Green tea"))
    both.hub.agent.start()
    until(lambda: both.hub.read(catalog.product, "0815"), "the catalogue came")
    both.line.down()
    publish(both.central, product("0815", "Green tea", deleted=True))
    run = both.central.running.inventory.store.run
    assert run(lambda tx: store_feed.forget_deleted(tx, most=0)) == 1
    both.line.up()
    until(lambda: both.hub.read(catalog.product, "0815") is None, "it is gone here as well")
    assert both.hub.read(catalog.product, "4711")


def test_an_index_that_lay_unused_while_deletions_were_forgotten_begins_anew(
    central: Central, tmp_path: Path
) -> None:
    store = central.running.inventory.store
    idle = Catalog(tmp_path / "idle")
    try:
        publish(central, product("4711", "Rye bread"), product("0815", "Green tea"))
        idle.follow(store.reader)
        publish(central, product("0815", "Green tea", deleted=True))
        assert store.run(lambda tx: store_feed.forget_deleted(tx, most=0)) == 1
        publish(central, product("4712", "White bread"))
        idle.follow(store.reader)
        with idle.reader() as conn:
            found = {sku for sku in ("4711", "4712", "0815") if catalog.product(conn, sku)}
        assert found == {"4711", "4712"}
    finally:
        idle.close()


def test_bytes_that_are_not_those_of_the_digest_are_never_opened(tmp_path) -> None:  # type: ignore[no-untyped-def]
    download = Download(tmp_path / "replica.db")
    download.keep("00", 0, zstandard.compress(b"no database"))
    with download.unpacked("00") as fresh:
        assert fresh is None
    assert list(tmp_path.glob("*.new*")) == []


def test_the_cursor_keeps_its_mark(both: Both) -> None:
    publish(both.central, product("4711", "Rye bread"))
    both.hub.agent.start()
    until(lambda: both.hub.read(catalog.product, "4711"), "the catalogue came")
    at, _ = both.hub.read(lambda conn: tables.replica_cursor(both.hub.replica._conn))
    assert at.mark
    assert at == Cursor(at.generation, at.position, at.mark)
    page = both.central.door(
        "/feed",
        params={
            "stream": "replica",
            "generation": at.generation,
            "after": at.position,
            "mark": "other",
        },
    )
    assert page.status_code == 410
    assert page.json()["generation"] != at.generation
