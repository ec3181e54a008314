"""Places and what belongs there: planned by hand or by a file, walked in order, rebuilt as live."""

from pathlib import Path

import pytest

from hub import imports
from hub.errors import Invalid, NotFound, Refusal
from hub.shelf import actions, queries
from hub.shelf.rules import Facing, Place
from tests.hub.shop import Shop

PLAN = """place,kind,place_name,aisle,position,sku,gtin,facings,capacity,low,tagged
A-1,shelf,Dairy left,Dairy,10,MILK,,4,24,6,
A-1,,,,,,00614141000036,2,12,3,yes
B-7,shelf,Bread,Bakery,5,BREAD,,6,30,8,yes
BACK,backroom,Backroom,,900,MILK,,1,0,0,
DOOR,door,Entrance,,1,,,,,,
"""


def imported(shop: Shop, directory: Path, text: str) -> imports.Applied:
    path = directory / "plan.csv"
    path.write_text(text, encoding="utf-8")

    def find(gtin: str) -> str | None:
        from hub.catalog import queries as catalog

        return shop.store.read(catalog.sku_for_gtin, gtin)

    report = imports.check(path, "planogram", find=find)
    assert report.ok, report.refused
    return imports.apply(
        report, lambda chunk: shop.run(lambda tx: imports.planogram_chunk(tx, chunk))
    )


def names(shop: Shop) -> list[str]:
    return [one.place for one in shop.store.read(queries.places)]


def test_a_file_sets_places_and_they_are_walked_in_its_order(shop: Shop, tmp_path: Path) -> None:
    assert imported(shop, tmp_path, PLAN).applied == 5
    assert names(shop) == ["DOOR", "B-7", "A-1", "BACK"]
    walk = shop.store.read(queries.walk_order, ["MILK", "BREAD", "UNKNOWN"])
    assert {sku: (order, one.place) for sku, (order, one) in walk.items()} == {
        "BREAD": (5, "B-7"),
        "MILK": (10, "A-1"),
    }
    assert [one.place for one in shop.store.read(queries.places_of, "MILK")] == ["A-1", "BACK"]
    assert shop.store.read(queries.facing, "A-1", "BREAD") == Facing("A-1", "BREAD", 2, 12, 3)
    assert shop.store.read(queries.tagged) == ["BREAD"]
    shop.is_sound()


def test_the_same_file_again_writes_no_fact(shop: Shop, tmp_path: Path) -> None:
    imported(shop, tmp_path, PLAN)
    before = shop.length()
    imported(shop, tmp_path, PLAN)
    assert shop.length() == before


def test_a_place_that_a_file_names_is_set_whole_and_others_stay(shop: Shop, tmp_path: Path) -> None:
    imported(shop, tmp_path, PLAN)
    imported(shop, tmp_path, "place,sku,capacity,tagged\nA-1,MILK,30,\nB-7,BREAD,30,no\n")
    assert [one.sku for one in shop.store.read(queries.facings, "A-1")] == ["MILK"]
    assert shop.store.read(queries.facing, "A-1", "MILK") == Facing("A-1", "MILK", 1, 30, 0)
    assert "BACK" in names(shop)
    assert shop.store.read(queries.tagged) == []


def test_what_was_exported_can_be_imported(shop: Shop, tmp_path: Path) -> None:
    imported(shop, tmp_path, PLAN)
    rows = list(shop.store.read(lambda conn: list(queries.export(conn))))
    assert [row["place"] for row in rows] == ["DOOR", "B-7", "A-1", "A-1", "BACK"]
    import json

    path = tmp_path / "again.jsonl"
    lines = ({key: v for key, v in row.items() if v is not None} for row in rows)
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    report = imports.check(path, "planogram")
    assert report.ok, report.refused
    before = shop.length()
    imports.apply(report, lambda c: shop.run(lambda tx: imports.planogram_chunk(tx, c)))
    assert shop.length() == before


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("A 1,shelf,,,1,MILK,,1,1,0,", "place"),
        ("A-1,drawer,,,1,MILK,,1,1,0,", "kind"),
        ("A-1,shelf,,,-1,MILK,,1,1,0,", "position"),
        ("A-1,shelf,,,1,MILK,,0,1,0,", "facings"),
        ("A-1,shelf,,,1,MILK,,1,3,4,", "low"),
        ("A-1,shelf,,,1,,04006381333999,1,1,0,", "gtin"),
        ("A-1,shelf,,,1,MILK,,1,1,0,perhaps", "tagged"),
        ("A-1,shelf,,,1,MILK,,1,1,0,\nA-1,shelf,,,2,BREAD,,1,1,0,", "position"),
        ("A-1,shelf,,,1,MILK,,1,1,0,\nA-1,,,,,MILK,,1,1,0,", "sku"),
        ("A-1,,,,1,MILK,,,,,\nB-1,,,,1,MILK,,,,,\nA-1,,,,1,BREAD,,,,,", "place"),
    ],
)
def test_a_line_that_cannot_be_says_which_column(tmp_path: Path, line: str, column: str) -> None:
    path = tmp_path / "plan.csv"
    path.write_text(PLAN.splitlines()[0] + "\n" + line + "\n", encoding="utf-8")
    report = imports.check(path, "planogram", find=lambda gtin: None)
    assert [one.column for one in report.refused] == [column]


def test_places_and_products_are_edited_one_by_one(shop: Shop) -> None:
    aisle = Place("A-1", "shelf", "Dairy", "1", 10)
    shop.do(actions.put_place, aisle)
    shop.do(actions.set_facing, Facing("A-1", "MILK", 2, 10, 3))
    before = shop.length()
    shop.do(actions.put_place, aisle)
    shop.do(actions.set_facing, Facing("A-1", "MILK", 2, 10, 3))
    assert shop.length() == before, "the same plan is no news"
    shop.do(actions.set_facing, Facing("A-1", "MILK", 2, 12, 3))
    shop.do(actions.drop_facing, "A-1", "MILK")
    shop.do(actions.drop_facing, "A-1", "MILK")
    assert shop.length() == before + 2
    shop.do(actions.set_facing, Facing("A-1", "MILK"))
    shop.do(actions.drop_place, "A-1")
    assert shop.store.read(queries.facings, "A-1") == []
    shop.is_sound()


def test_what_nobody_planned_is_refused(shop: Shop) -> None:
    with pytest.raises(Refusal):
        shop.do(actions.set_facing, Facing("Z-9", "MILK"))
    with pytest.raises(NotFound):
        shop.do(actions.drop_place, "Z-9")
    with pytest.raises(Invalid):
        shop.do(actions.put_place, Place("", "shelf", "x"))
