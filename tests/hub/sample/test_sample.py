"""The sample store is a realistic small shop, the same on every machine."""

from hub import demo, gs1, sample
from hub.catalog import rows
from hub.shelf import rules as shelf
from hub.staff import rules as staff


def test_every_row_of_the_assortment_is_one_that_a_hub_applies() -> None:
    feed = sample.catalog_rows()
    for row in feed:
        rows.check_row(row)
    assert len(feed) == 3 * len(sample.products())


def test_some_three_hundred_articles_have_their_own_sku_and_barcode() -> None:
    products = sample.products()
    assert 270 <= len(products) <= 330
    assert len({product.sku for product in products}) == len(products)
    assert len({product.gtin for product in products}) == len(products)
    assert all(gs1.is_valid_gtin(product.gtin) for product in products)


def test_barcodes_lie_in_the_range_that_gs1_keeps_for_demonstrations() -> None:
    assert {product.gtin[:3] for product in sample.products()} == {"952"}


def test_every_article_has_a_name_and_a_description_in_each_language() -> None:
    for product in sample.products():
        assert tuple(product.names) == sample.LANGUAGES
        assert all(product.descriptions[language] for language in sample.LANGUAGES)
        assert all(len(name.split(",")[0]) > 1 for name in product.names.values())


def test_it_is_the_same_at_every_start() -> None:
    first = sample.products()
    sample.products.cache_clear()
    assert sample.products() == first
    assert first[0].sku == "1001"


def test_shelves_are_mostly_full_and_a_few_are_empty() -> None:
    empty = [row for row in sample.stock_rows() if row["qty"] == 0]
    assert 3 <= len(empty) <= 30


def test_ten_people_work_there_in_every_role() -> None:
    people = sample.staff()
    assert len({person.staff_id for person in people}) == 10
    assert {person.role for person in people} == set(staff.ROLES)
    for person in people:
        staff.identifier(person.staff_id)
        staff.person_name(person.name)


def test_staging_shelves_are_numbered_by_row() -> None:
    assert sample.shelves()[:2] == ["A1", "A2"]
    assert len(set(sample.shelves())) == 24


def test_every_article_has_its_place_and_the_places_are_walked_aisle_by_aisle() -> None:
    plan = sample.floor_plan()
    planned = [line["sku"] for place in plan for line in place if line["kind"] == "shelf"]
    assert sorted(planned) == sorted(product.sku for product in sample.products())
    for place in plan:
        shelf.check_place(
            shelf.Place(**{f: place[0][f] for f in ("place", "kind", "name", "aisle", "position")})
        )
        for line in place:
            if line["sku"]:
                facing = {f: line[f] for f in ("place", "sku", "facings", "capacity", "low")}
                shelf.check_facing(shelf.Facing(**facing))
    names = [place[0]["place"] for place in plan]
    assert len(names) == len(set(names))
    assert {device[2] for device in demo.DEVICES if device[1] == "shelf"} <= set(names)
