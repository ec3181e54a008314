"""What stands on paper: everything that is needed, in any language, and nobody's name."""

import ast
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.catalog import tables as catalog
from hub.customers import actions as customers
from hub.printing import actions, layouts, queries
from hub.printing.document import Document, Item, Pair, Rule, Symbol, Text
from hub.printing.rules import Kind
from hub.printing.words import LOCALES, Words, _catalog
from hub.settings import Settings
from hub.shelf import actions as shelf
from hub.shelf.rules import Facing, Place
from tests.hub.shop import NOON, Shop

MILK = {"en": "Milk", "de": "Vollmilch 1 l", "ar": "حليب كامل الدسم"}


@pytest.fixture
def store(shop: Shop) -> Shop:
    rows: list[dict[str, Any]] = [
        {"kind": "product", "sku": "MILK", "names": MILK, "brand": "Alm"},
        {"kind": "product", "sku": "BREAD", "names": {"en": "Bread"}},
        {"kind": "product", "sku": "APPLE", "names": {"en": "Apples"}, "unit": "gram"},
        {"kind": "product", "sku": "EGGS", "names": {"en": "Eggs"}},
        {"kind": "price", "sku": "MILK", "amount_minor": 129, "currency": "EUR"},
        {"kind": "price", "sku": "APPLE", "amount_minor": 30, "currency": "EUR", "per_qty": 100},
        {"kind": "price", "sku": "EGGS", "amount_minor": 300, "currency": "JPY", "per_qty": 10},
        {"kind": "barcode", "gtin": "00000096385074", "sku": "EGGS"},
    ]
    connection = sqlite3.connect(shop.store.database.replica)
    with connection:
        assert catalog.upsert_many(connection, rows) == []
    connection.close()
    shop.do(shelf.put_place, Place("A1", "shelf", "Aisle 1", "1", 1))
    shop.do(shelf.put_place, Place("B7", "shelf", "B7", "2", 7))
    shop.do(shelf.set_facing, Facing("B7", "MILK"))
    shop.do(shelf.set_facing, Facing("A1", "BREAD"))
    choose(shop)
    return shop


def choose(shop: Shop, **settings: Any) -> None:
    chosen = Settings(store="s1", **{"time_zone": "Europe/Vienna", **settings})
    shop.run(lambda tx: actions.set_choices(tx, chosen))


def paper(shop: Shop, kind: Kind, ref: str, lang: str | None = None) -> Document:
    found: Document = shop.store.read(queries.document, kind, ref, NOON, lang)
    # It travels as JSON and is read as what it was.
    assert msgspec.json.decode(msgspec.json.encode(found), type=Document) == found
    return found


def texts(document: Document) -> str:
    """Everything that a person reads on it."""
    return msgspec.json.encode(document).decode()


def items(document: Document) -> list[Item]:
    return [block for block in document.blocks if isinstance(block, Item)]


def symbols(document: Document) -> list[tuple[str, str]]:
    return [(one.symbology, one.data) for one in document.blocks if isinstance(one, Symbol)]


def test_a_slip_walks_the_floor_and_names_shelf_and_time(store: Shop) -> None:
    store.receive("MILK", 5)
    store.receive("BREAD", 5)
    store.receive("APPLE", 5000)
    store.place(
        "R-1", ("APPLE", 1500), ("MILK", 2), ("BREAD", 1),
        short_code="K7QM", promise_at="2026-11-21T13:30:00.000Z",
    )  # fmt: skip
    slip = paper(store, Kind.PICKUP_SLIP, "R-1")
    assert [(one.qty, one.name, one.place) for one in items(slip)] == [
        ("1 ×", "Bread", "A1"),
        ("2 ×", "Milk", "B7"),
        ("1.5 kg", "Apples", ""),
    ]
    assert symbols(slip) == [("qr", "SH1:O:R-1")]
    assert Pair("Promised", "Sat 21 Nov, 14:30") in slip.blocks
    assert any(isinstance(one, Text) and one.text == "K7QM" and one.size == "huge"
               for one in slip.blocks)  # fmt: skip
    assert "Shelf" not in texts(slip)


def test_a_slip_says_which_language_the_customer_speaks_where_it_is_another(store: Shop) -> None:
    store.receive("MILK", 9)
    for order_id, language in (("R-1", "es-MX"), ("R-2", "en-GB"), ("R-3", None), ("R-4", "qqq")):
        store.place(order_id, ("MILK", 1), language=language)
    said = Pair("Customer speaks", "Spanish (Mexico)")
    assert said in paper(store, Kind.PICKUP_SLIP, "R-1").blocks
    assert (
        Pair("Kunde spricht", "Spanisch (Mexiko)")
        in paper(store, Kind.PICKUP_SLIP, "R-1", "de").blocks
    )
    for order_id in ("R-2", "R-3"):
        assert "Customer speaks" not in texts(paper(store, Kind.PICKUP_SLIP, order_id))
    assert Pair("Customer speaks", "qqq") in paper(store, Kind.PICKUP_SLIP, "R-4").blocks


def test_a_slip_of_a_staged_order_names_its_shelf_and_what_is_left_out(store: Shop) -> None:
    store.receive("MILK", 2)
    store.receive("BREAD", 1)
    store.place("R-1", ("MILK", 2), ("BREAD", 1))
    from hub.pickup import actions as pickup

    store.do(pickup.claim, "R-1")
    store.do(pickup.pick, "R-1", "L1", 2)
    store.do(pickup.short, "R-1", "L2", 1, "NOT_IN_STOCK")
    store.do(pickup.stage, "R-1", "S-04")
    slip = paper(store, Kind.PICKUP_SLIP, "R-1")
    assert Pair("Shelf", "S-04", "large") in slip.blocks
    assert [one.name for one in items(slip)] == ["Milk"]
    assert "Left out: Bread" in texts(slip)


def test_no_paper_names_the_customer(store: Shop) -> None:
    store.receive("MILK", 5)
    personal = {"name": "Maria Keller", "phone": "+43 660 1234567", "email": "maria@example.org"}
    store.run(lambda tx: customers.put(tx, "c-1", personal))
    store.place("R-1", ("MILK", 2), customer_ref="c-1")
    slip = texts(paper(store, Kind.PICKUP_SLIP, "R-1"))
    assert not any(part in slip for part in ("Maria", "Keller", "660", "maria@", "c-1"))


def test_a_slip_speaks_another_language(store: Shop) -> None:
    store.receive("MILK", 5)
    store.place("R-1", ("MILK", 2), promise_at="2026-11-21T13:30:00.000Z")
    german = paper(store, Kind.PICKUP_SLIP, "R-1", "de-AT")
    assert items(german)[0].name == "Vollmilch 1 l"
    assert Pair("Zugesagt", "Sa. 21 Nov., 14:30") in german.blocks
    arabic = paper(store, Kind.PICKUP_SLIP, "R-1", "ar")
    assert arabic.lang == "ar"
    assert items(arabic)[0].name == MILK["ar"]
    assert "طلب استلام" in texts(arabic)
    unknown = paper(store, Kind.PICKUP_SLIP, "R-1", "fi")
    assert "Pickup order" in texts(unknown), "nobody translated it: English"
    choose(store, print_language="de")
    assert "Abholauftrag" in texts(paper(store, Kind.PICKUP_SLIP, "R-1"))


def test_a_shelf_label_shows_name_price_barcode_and_place(store: Shop) -> None:
    label = paper(store, Kind.SHELF_LABEL, "MILK")
    assert symbols(label) == [("ean13", "4006381333931")]
    assert Text("€1.29", "huge", bold=True, align="end") in label.blocks
    assert "MILK · B7" in texts(label)
    assert paper(store, Kind.SHELF_LABEL, "4006381333931") == label, "by its barcode too"
    assert "1,29\xa0€" in texts(paper(store, Kind.SHELF_LABEL, "MILK", "de"))


def test_a_label_tells_the_price_of_a_kilogram_and_of_one_of_several(store: Shop) -> None:
    assert "for 100 g · €3.00 per kg" in texts(paper(store, Kind.SHELF_LABEL, "APPLE"))
    eggs = texts(paper(store, Kind.SHELF_LABEL, "EGGS"))
    assert "¥300" in eggs
    assert "for 10 · ¥30 each" in eggs


def test_a_label_without_a_price_shows_none(store: Shop) -> None:
    label = paper(store, Kind.SHELF_LABEL, "BREAD")
    assert not any(isinstance(one, Text) and one.size == "huge" for one in label.blocks)


@pytest.mark.parametrize(
    ("gtin", "symbology", "data"),
    [
        ("04006381333931", "ean13", "4006381333931"),
        ("00614141000036", "ean13", "0614141000036"),
        ("00000096385074", "ean8", "96385074"),
        ("10614141000033", "itf14", "10614141000033"),
    ],
)
def test_a_gtin_stands_on_goods_as_its_length_says(gtin: str, symbology: str, data: str) -> None:
    assert layouts.carried(gtin) == (symbology, data)


def test_what_has_no_barcode_carries_its_sku(store: Shop) -> None:
    assert symbols(paper(store, Kind.PRODUCT_LABEL, "APPLE")) == [("code128", "APPLE")]


def test_a_count_sheet_of_a_place_leaves_room_to_write(store: Shop) -> None:
    store.receive("MILK", 7)
    sheet = paper(store, Kind.COUNT_SHEET, "B7")
    assert [(one.name, one.mark) for one in items(sheet)] == [("Milk", "write")]
    assert Text("B7", bold=True) in sheet.blocks
    assert Text("A1 · Aisle 1") in paper(store, Kind.COUNT_SHEET, "A1").blocks
    assert "expected" not in texts(sheet), "who sees the number copies it"
    choose(store, print_expected=True)
    assert "expected 7" in texts(paper(store, Kind.COUNT_SHEET, "B7"))


def test_a_count_sheet_of_tasks_or_skus_walks_the_floor(store: Shop) -> None:
    asked = paper(store, Kind.COUNT_SHEET, "APPLE, MILK, BREAD")
    assert [one.name for one in items(asked)] == ["Bread", "Milk", "Apples"]
    assert "in grams" in texts(asked)
    assert "Nothing is to be counted." in texts(paper(store, Kind.COUNT_SHEET, "tasks"))
    store.receive("MILK", 1)
    store.place("R-1", ("MILK", 1))
    from hub.pickup import actions as pickup

    store.do(pickup.claim, "R-1")
    store.do(pickup.short, "R-1", "L1", 1, "NOT_IN_STOCK")
    assert [one.name for one in items(paper(store, Kind.COUNT_SHEET, "tasks"))] == ["Milk"]


def test_the_test_page_shows_all_that_a_printer_needs(store: Shop) -> None:
    page = paper(store, Kind.TEST_PAGE, "printer-1")
    assert {type(block) for block in page.blocks} == {Text, Pair, Item, Symbol, Rule}


@pytest.mark.parametrize("language", [path.stem for path in sorted(LOCALES.glob("*.po"))])
def test_a_translation_is_whole_and_keeps_what_is_filled_in(language: str) -> None:
    known = _catalog(language)
    said = said_on_paper()
    assert set(known) == said
    for text, translated in known.items():
        assert translated
        assert fields(text) == fields(translated)


def test_german_and_arabic_are_there() -> None:
    assert Words("de")("Shelf") == "Fach"
    assert Words("ar")("Shelf") == "الرف"


def said_on_paper() -> set[str]:
    """Every text that layouts and queries hand to `say`."""
    found = set()
    for module in (layouts, queries):
        tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "say"
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(str(node.args[0].value))
    return found


def fields(text: str) -> list[str]:
    return sorted(part.split(")")[0] for part in text.split("%(")[1:])
