"""Reads of tags through the memory and the rows: few facts, few writes, nothing lost by a kill."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from hub.errors import HubError
from hub.pickup import selling
from hub.shelf import actions, queries
from hub.shelf.rules import Place
from hub.shelf.tags import KEPT_MS, Watch
from tests.hub.shelf.sensing_floor import BREAD, MILK, READERS, Floor, epc, place_of, seen
from tests.hub.shop import Shop

TAGS = ("TagArrived", "TagMoved", "TagDeparted")
GONE_S = READERS.gone_ms / 1000


@pytest.fixture
def floor(shop: Shop) -> Iterator[Floor]:
    yield Floor(shop)
    shop.is_sound()


def twenty() -> list[str]:
    return [epc(MILK, n) for n in range(20)]


def writes(shop: Shop) -> int:
    return shop.run(lambda tx: tx.conn.total_changes)


def test_five_hundred_reads_of_twenty_tags_are_twenty_arrivals_and_then_departures(
    floor: Floor, shop: Shop
) -> None:
    for _ in range(25):
        floor.read(twenty())
        floor.wait(0.2)
    assert floor.facts(*TAGS) == ["TagArrived"] * 20
    assert set(floor.tags().values()) == {"DOOR"}
    floor.wait(GONE_S - 1)
    shop.do(floor.watch.depart)
    assert len(floor.tags()) == 20
    floor.wait(1)
    shop.do(floor.watch.depart)
    shop.do(floor.watch.depart)
    assert floor.tags() == {}
    assert floor.facts(*TAGS)[20:] == ["TagDeparted"] * 20


def test_reads_that_change_nothing_write_no_row(floor: Floor, shop: Shop) -> None:
    floor.read(twenty())
    before = writes(shop)
    for _ in range(20):
        floor.wait(1)
        floor.read(twenty())
    assert writes(shop) == before
    floor.wait(KEPT_MS / 1000)
    floor.read(twenty())
    assert writes(shop) == before + 21, "when they were heard last, and the token"


def test_a_tag_is_carried_from_the_door_to_a_shelf(floor: Floor) -> None:
    tag = epc(MILK, 7)
    floor.read([tag])
    for _ in range(12):
        floor.wait(0.1)
        floor.read([tag], device="reader-2", rssi=-45)
    assert floor.tags() == {tag: "A-1"}
    assert floor.facts(*TAGS) == ["TagArrived", "TagMoved"]


def test_an_antenna_looks_at_a_place_of_its_own(floor: Floor, shop: Shop) -> None:
    tags = [epc(MILK, 1), epc(MILK, 2)]
    shop.run(lambda tx: actions.look_at(tx, "reader-1", 2, "B-7"))
    floor.read(tags[:1], antenna=1)
    floor.read(tags[1:], antenna=2)
    assert floor.tags() == {tags[0]: "DOOR", tags[1]: "B-7"}
    shop.run(lambda tx: actions.look_at(tx, "reader-1", 2, ""))
    assert shop.store.read(queries.antennas) == {}


@pytest.mark.parametrize(
    "code",
    [
        epc("00884514039059", 5),  # an article of somebody else
        "e28011606000020497cb0031",  # no SGTIN
        "not hexadecimal",
    ],
)
def test_a_tag_that_is_no_article_here_is_nobodys_business(
    floor: Floor, shop: Shop, code: str
) -> None:
    before = shop.length()
    floor.read([code] * 5)
    assert shop.length() == before
    assert shop.store.read(lambda conn: list(queries.tag_rows(conn))) == []


def test_a_reader_at_no_place_of_the_plan_says_nothing(floor: Floor, shop: Shop) -> None:
    before = shop.length()
    floor.read(twenty(), device="lost")
    assert shop.length() == before


def test_after_a_kill_the_memory_is_read_from_the_rows(floor: Floor, shop: Shop) -> None:
    """A new memory is what a restarted hub has: nobody arrives twice, nobody departs early."""
    floor.read(twenty())
    floor.wait(300)
    again = Watch(READERS, place_of)
    floor.read(twenty()[:10], watch=again)
    assert floor.facts(*TAGS) == ["TagArrived"] * 20
    floor.wait(GONE_S - 1)
    shop.do(again.depart)
    assert len(floor.tags()) == 20, "from the restart on it takes ten minutes"
    floor.wait(1)
    shop.do(again.depart)
    assert floor.tags() == {}


def test_what_the_writer_undid_the_memory_does_not_believe(floor: Floor, shop: Shop) -> None:
    sensed = [(seen("reader-1", "rfid", {"epc": tag, "antenna": 1, "rssi_dbm": -60}), 1_000_000)
              for tag in twenty()]  # fmt: skip

    class Undone(HubError):
        pass

    def fails(tx):  # type: ignore[no-untyped-def]
        floor.watch.hear(tx, sensed)
        raise Undone("undone")

    with pytest.raises(Undone):
        shop.run(fails)
    assert floor.tags() == {}
    floor.read(twenty())
    assert len(floor.tags()) == 20


def test_an_error_on_the_way_leaves_no_half_belief(
    floor: Floor, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(HubError):
        pass

    def broken(*_: object) -> None:
        raise Broken("broken")

    with monkeypatch.context() as patch:
        patch.setattr("hub.shelf.tags.tables.keep_tags", broken)
        with pytest.raises(Broken):
            floor.read(twenty())
    floor.read(twenty())
    assert len(floor.tags()) == 20
    floor.wait(GONE_S)
    with monkeypatch.context() as patch:
        patch.setattr("hub.shelf.tags.tables.keep_tags", broken)
        with pytest.raises(Broken):
            shop.do(floor.watch.depart)
    shop.do(floor.watch.depart)
    assert floor.tags() == {}


def test_two_memories_on_one_store_agree(floor: Floor, shop: Shop) -> None:
    other = Watch(READERS, place_of)
    floor.read(twenty()[:5])
    floor.read(twenty(), watch=other)
    floor.read(twenty())
    assert floor.facts(*TAGS) == ["TagArrived"] * 20


def test_tags_of_a_reader_that_is_away_have_not_departed(floor: Floor, shop: Shop) -> None:
    floor.read([epc(MILK, 1)])
    floor.wait(GONE_S * 3)
    shop.do(floor.watch.depart, ["reader-1"])
    floor.wait(GONE_S - 1)
    shop.do(floor.watch.depart)
    assert len(floor.tags()) == 1, "it has been back for less than ten minutes"
    floor.wait(1)
    shop.do(floor.watch.depart)
    assert floor.tags() == {}


def test_late_reads_of_a_reader_that_was_cut_off_bring_nobody_back(
    floor: Floor, shop: Shop
) -> None:
    floor.read([epc(MILK, 1)])
    at_ms = floor.now_ms
    floor.wait(GONE_S)
    shop.do(floor.watch.depart)
    for late in range(5):
        floor.read([epc(MILK, 1)], at_ms=at_ms + 1000 * late)
    assert floor.tags() == {}
    assert floor.facts(*TAGS) == ["TagArrived", "TagDeparted"]
    floor.wait(1)
    floor.read([epc(MILK, 1)])
    assert floor.tags() == {epc(MILK, 1): "DOOR"}


def test_tags_are_forgotten_a_week_after_they_left(floor: Floor, shop: Shop) -> None:
    floor.read([epc(MILK, 1), epc(MILK, 2)])
    floor.wait(GONE_S)
    shop.do(floor.watch.depart)
    assert shop.run(floor.watch.forget) == 0
    shop.clock.advance(timedelta(days=8))
    assert shop.run(floor.watch.forget) == 2
    assert shop.store.read(lambda conn: list(queries.tag_rows(conn))) == []


def test_forgetting_some_tags_reads_no_others_anew(
    floor: Floor, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor.read([epc(MILK, 1)])
    floor.wait(GONE_S)
    shop.do(floor.watch.depart)
    shop.clock.advance(timedelta(days=8))
    floor.read([epc(MILK, 2)])
    with monkeypatch.context() as reading:
        reading.setattr(queries, "tag_rows", lambda conn: pytest.fail("all are read anew"))
        assert shop.run(floor.watch.forget) == 1
        floor.read([epc(MILK, 1), epc(MILK, 2)])
    rows = shop.store.read(lambda conn: list(queries.tag_rows(conn)))
    assert [bool(row["place"]) for row in rows] == [True, True], "the forgotten one has arrived"


@pytest.mark.parametrize(("switched_on", "sold", "asked"), [
    (True, 1, ["left:MILK"]), (True, 2, []), (False, 0, []),
])  # fmt: skip
def test_what_leaves_by_a_door_unsold_is_for_a_person_to_look_at(
    floor: Floor, shop: Shop, switched_on: bool, sold: int, asked: list[str]
) -> None:
    floor.watch = Watch(READERS, place_of, left_task=switched_on)
    floor.read([epc(MILK, 1), epc(MILK, 2)])
    floor.read([epc(BREAD, 1)], device="reader-2")
    if sold:
        shop.do(selling.sell, "S-1", [{"sku": "MILK", "qty": sold}])
    floor.wait(GONE_S)
    shop.do(floor.watch.depart)
    assert [subject for _, subject, _ in shop.tasks("confirm")] == asked


def test_a_place_that_is_gone_hears_nobody(floor: Floor, shop: Shop) -> None:
    shop.do(actions.drop_place, "DOOR")
    floor.read([epc(MILK, 1)])
    assert floor.tags() == {}
    shop.do(actions.put_place, Place("DOOR", "door", "Door"))
    floor.read([epc(MILK, 1)])
    assert floor.tags() == {epc(MILK, 1): "DOOR"}


@pytest.mark.bench
def test_what_a_read_costs(floor: Floor, shop: Shop) -> None:
    """Not a limit: 1,000 reads/s of four readers may take a tenth of the writer."""
    tags = [epc(MILK, n) for n in range(2000)]
    floor.read(tags)
    data = [
        [
            (seen("reader-1", "rfid", {"epc": tags[(n * 7 + turn) % 2000], "antenna": 1 + n % 4,
                                       "rssi_dbm": -60.0 - n % 9}), floor.now_ms + turn * 1000 + n)
            for n in range(250)
        ]
        for turn in range(40)
    ]  # fmt: skip

    def cost(tx):  # type: ignore[no-untyped-def]
        began = time.perf_counter()
        for sensed in data:
            floor.watch.hear(tx, sensed)
        return (time.perf_counter() - began) / 10_000 * 1e6

    print(f"\n{shop.run(cost):.1f} µs a read")
