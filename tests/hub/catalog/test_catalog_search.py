"""What people type finds what they mean: codes, beginnings, slips, any language."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from hub import sample
from hub.catalog import search, tables, words

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    tables.REPLICA.apply(Database(connection, execute_plugins=False))
    feed = [
        *sample.catalog_rows(),
        {"kind": "product", "sku": "T-1", "names": {"en": "Teak oil"}, "popularity": 99_999},
        {"kind": "product", "sku": "T-2", "names": {"en": "Tea"}, "external_ids": {"erp": "E/7"}},
    ]
    assert tables.upsert_many(connection, feed) == []
    yield connection
    connection.close()


def names(shop: sqlite3.Connection, text: str, lang: str = "en") -> list[str]:
    return [found.name for found in search.search(shop, text, lang=lang)]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("espresso", "Espresso beans, 250 g"),
        ("ESPR", "Espresso beans, 250 g"),
        ("beans espresso", "Espresso beans, 250 g"),
        ("esp bea", "Espresso beans, 250 g"),
        ("blue mug", "Stoneware mug, blue"),
        ("tea", "Tea"),
        ("expresso", "Espresso beans, 250 g"),
        ("esprsso beans", "Espresso beans, 250 g"),
        ("epsresso", "Espresso beans, 250 g"),
        ("chamomille tea", "Chamomile tea, 20 bags"),
        ("cucmuber", "Cucumber, 1 pc"),
        ("brocken cucumbr", "Cucumber, 1 pc"),
    ],
)
def test_typed_words_find_the_product(shop: sqlite3.Connection, typed: str, first: str) -> None:
    assert first in names(shop, typed)[:2]


@pytest.mark.parametrize(
    ("typed", "lang", "found"),
    [
        ("käse", "de", "Bergkäse, 200 g"),
        ("kase", "de", "Bergkäse, 200 g"),
        ("schokolade", "de", "Vollmilchschokolade, 100 g"),
        ("grüntee", "de", "Grüntee, 25 bags"),
        ("gruntee", "de", "Grüntee, 25 bags"),
        ("garbanzos", "es", "Garbanzos, 400 g"),
        ("melocoton", "es", "Té helado de melocotón, 0.5 l"),
        ("عصير برتقال", "ar", "عصير برتقال, 0.33 l"),
        ("قهوه", "ar", "قهوة مطحونة, 250 g"),
    ],
)
def test_every_language_is_searched_with_and_without_accents(
    shop: sqlite3.Connection, typed: str, lang: str, found: str
) -> None:
    assert found in names(shop, typed, lang)


def test_a_word_of_one_language_finds_the_product_named_in_another(
    shop: sqlite3.Connection,
) -> None:
    assert "Chickpeas, 400 g" in names(shop, "kichererbsen", "en")


def test_the_whole_word_comes_before_a_more_popular_beginning(shop: sqlite3.Connection) -> None:
    found = names(shop, "tea")
    assert found[0] == "Tea"
    assert found.index("Teak oil") > found.index("Mint tea, 20 bags")


@pytest.mark.parametrize(
    "typed",
    [
        "1001",
        "9521000010017",
        "09521000010017",
        "952100001001",
        "https://id.gs1.org/01/09521000010017",
        "(01)09521000010017(10)LOT7",
        " 9521000010017 ",
    ],
)
def test_a_code_in_any_carrier_finds_its_product_first(
    shop: sqlite3.Connection, typed: str
) -> None:
    found = search.search(shop, typed)[0]
    assert (found.sku, found.match) == ("1001", "code")


def test_another_systems_id_and_the_beginning_of_a_sku_find_products(
    shop: sqlite3.Connection,
) -> None:
    assert search.search(shop, "E/7")[0].sku == "T-2"
    assert {found.sku for found in search.search(shop, "t-")} >= {"T-1", "T-2"}


def test_letters_alone_are_a_word_and_not_the_beginning_of_a_sku(
    replica: sqlite3.Connection,
) -> None:
    feed = [
        {"kind": "product", "sku": f"MILK-{number}", "names": {"en": f"Whey {number}"}}
        for number in range(30)
    ]
    tables.upsert_many(replica, [*feed, {"kind": "product", "sku": "X", "names": {"en": "Milk"}}])
    assert [found.sku for found in search.search(replica, "milk")] == ["X"]
    assert search.search(replica, "milk-1")[0].sku == "MILK-1"
    assert len(search.search(replica, "milk-")) == 20


def test_an_answer_carries_what_a_screen_shows(shop: sqlite3.Connection) -> None:
    (found,) = search.search(shop, "1001", at=NOON)
    assert found.gtin == "09521000010017"
    assert found.image == "category/bakery.svg"
    assert found.price is not None
    assert (found.price.amount_minor, found.price.currency) == (249, "EUR")


def test_nothing_typed_shows_the_most_popular(shop: sqlite3.Connection) -> None:
    assert names(shop, "")[0] == "Teak oil"
    assert len(names(shop, "  ")) == 20


def test_near_answers_are_marked_and_come_last(shop: sqlite3.Connection) -> None:
    matches = [found.match for found in search.search(shop, "cucumber")]
    assert matches[0] == "exact"
    assert [found.match for found in search.search(shop, "cucmuber")] == ["near"]


@pytest.mark.parametrize("typed", ["xyzzyxyzzy", "q", "???", "' OR 1=1 --", "NEAR(", '"', "a AND"])
def test_nonsense_is_answered_calmly(shop: sqlite3.Connection, typed: str) -> None:
    assert len(search.search(shop, typed)) <= 20


@pytest.mark.parametrize(("asked", "given"), [(-5, 1), (0, 1), (7, 7), (10**9, 100)])
def test_the_number_of_answers_is_bounded(shop: sqlite3.Connection, asked: int, given: int) -> None:
    assert len(search.search(shop, "", limit=asked)) == given


@given(text=st.text(max_size=60))
def test_no_text_breaks_the_search(shop: sqlite3.Connection, text: str) -> None:
    assert len(search.search(shop, text)) <= 20


@given(st.text(alphabet="abcd", min_size=1, max_size=7), st.text(alphabet="abcd", max_size=7))
def test_what_one_slip_makes_is_one_slip_away_and_nothing_else_is(one: str, other: str) -> None:
    is_near = other in words.slips(one)
    assert is_near == (words.distance(one, other, 2) == 1 and other != "")


@given(st.text(max_size=30))
def test_folding_twice_is_folding_once(text: str) -> None:
    once = words.words(text)
    assert words.words(" ".join(once)) == once


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Käse", "kase"), ("STRASSE", "strasse"), ("Straße", "strasse"), ("smørrebrød", "smorrebrod"),
     ("Œuf", "oeuf"), ("İstanbul", "istanbul"), ("أرز", "ارز"), ("Ёлка", "елка")],
)  # fmt: skip
def test_case_accents_and_ligatures_do_not_matter(text: str, folded: str) -> None:
    assert words.fold(text) == folded
