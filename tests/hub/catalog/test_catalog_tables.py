"""Feed rows are applied once, in any order, and the search index always fits the products."""

import sqlite3
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from hub.catalog import queries, search, tables

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def product(sku: str, name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "product", "sku": sku, "names": {"en": name}, **more}


def dump(replica: sqlite3.Connection) -> list[str]:
    return [line for line in replica.iterdump() if "_search" not in line and "_part" not in line]


def index_is_right(replica: sqlite3.Connection) -> None:
    """FTS5 compares its index with the rows; raises when they differ."""
    for index in ("product_search", "word_part"):
        replica.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")
    used: dict[str, int] = {}
    for (text,) in replica.execute("SELECT words FROM product"):
        for word in text.split():
            used[word] = used.get(word, 0) + 1
    assert dict(map(tuple, replica.execute("SELECT word, uses FROM word"))) == used


def test_each_kind_of_row_can_be_read_back(replica: sqlite3.Connection) -> None:
    key = bytes(range(32))
    refused = tables.upsert_many(
        replica,
        [
            product("A", "Pen", brand="Mill", external_ids={"erp": "E-1"}, popularity=3),
            {"kind": "barcode", "gtin": "4006381333931", "sku": "A"},
            {
                "kind": "price",
                "sku": "A",
                "amount_minor": 349,
                "currency": "EUR",
                "tax_rate_bp": 1900,
            },
            {"kind": "pickup_key", "key_id": "k1", "public_key": _base64url(key)},
        ],
    )
    assert refused == []
    pen = queries.product(replica, "A")
    assert pen is not None
    assert (pen.name(), pen.brand, pen.external_ids) == ("Pen", "Mill", {"erp": "E-1"})
    assert queries.sku_for_gtin(replica, "04006381333931") == "A"
    assert queries.gtins(replica, "A") == ["04006381333931"]
    price = queries.price(replica, "A", NOON)
    assert price is not None
    assert (price.amount_minor, price.tax_rate_bp, price.tax_included) == (349, 1900, True)
    assert queries.pickup_keys(replica) == {"k1": key}
    assert queries.count(replica) == 1
    assert [queries.sku_of(replica, code) for code in ("A", "4006381333931", "E-1", "x")] == [
        "A", "A", "A", None,
    ]  # fmt: skip


def _base64url(raw: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_a_deleted_row_takes_its_own_away_and_nothing_else(replica: sqlite3.Connection) -> None:
    tables.upsert_many(
        replica,
        [product("A", "Pen", external_ids={"erp": "E-1"}), product("B", "Pencil case")],
    )
    before = dump(replica)
    tables.upsert(replica, product("C", "Ink well", external_ids={"erp": "E-3"}))
    tables.upsert(replica, {"kind": "product", "sku": "C", "deleted": True})
    tables.upsert(replica, {"kind": "product", "sku": "never-known", "deleted": True})
    assert dump(replica) == before
    index_is_right(replica)


def test_deleted_barcodes_prices_and_keys_are_gone(replica: sqlite3.Connection) -> None:
    price = {"kind": "price", "sku": "A", "amount_minor": 1, "currency": "EUR"}
    key = {"kind": "pickup_key", "key_id": "k", "public_key": _base64url(bytes(32))}
    barcode = {"kind": "barcode", "gtin": "4006381333931", "sku": "A"}
    for row in (price, key, barcode):
        assert tables.upsert(replica, row) is None
        assert tables.upsert(replica, {**row, "deleted": True}) is None
    assert queries.price(replica, "A", NOON) is None
    assert queries.pickup_keys(replica) == {}
    assert queries.sku_for_gtin(replica, "04006381333931") is None


def test_a_row_that_cannot_be_applied_stops_no_other(replica: sqlite3.Connection) -> None:
    refused = tables.upsert_many(
        replica, [product("A", "Pen"), {"kind": "comet"}, product("B", ""), product("C", "Ink")]
    )
    assert [index for index, _ in refused] == [1, 2]
    assert all(sentence.endswith(".") for _, sentence in refused)
    assert queries.count(replica) == 2


def test_barcodes_and_prices_may_come_before_their_product(replica: sqlite3.Connection) -> None:
    tables.upsert(replica, {"kind": "barcode", "gtin": "4006381333931", "sku": "A"})
    assert queries.sku_for_gtin(replica, "04006381333931") == "A"
    assert queries.name(replica, "A") == "A"
    tables.upsert(replica, product("A", "Pen"))
    assert queries.name(replica, "A") == "Pen"


def test_a_product_that_becomes_popular_moves_to_the_front(replica: sqlite3.Connection) -> None:
    tables.upsert_many(replica, [product("A", "Pen one"), product("B", "Pen two", popularity=5)])
    assert [found.sku for found in search.search(replica, "pen")] == ["B", "A"]
    tables.upsert(replica, product("A", "Pen one", popularity=900))
    assert [found.sku for found in search.search(replica, "pen")] == ["A", "B"]
    index_is_right(replica)


def test_a_new_product_beside_a_changed_one_gets_an_id_of_its_own(
    replica: sqlite3.Connection,
) -> None:
    tables.upsert(replica, product("Z", "Pen"))
    assert tables.upsert_many(replica, [product("A", "Ink"), product("Z", "Pen two")]) == []
    assert queries.count(replica) == 2
    index_is_right(replica)


def test_a_name_is_read_in_the_language_asked_for_or_in_one_that_there_is(
    replica: sqlite3.Connection,
) -> None:
    tables.upsert(replica, {"kind": "product", "sku": "A", "names": {"de": "Stift", "es": "Lápiz"}})
    names = [queries.name(replica, "A", lang) for lang in ("de", "de-AT", "es", "en", "ar")]
    assert names == ["Stift", "Stift", "Lápiz", "Stift", "Stift"]


SKUS = st.sampled_from(["A", "B", "C", "D"])
NAMES = st.sampled_from(["Pen", "Pen red", "Ink red", "Käse", "Tea green", "tea  TEA"])
ROWS = st.one_of(
    st.builds(
        lambda sku, name, popularity, erp: product(
            sku, name, popularity=popularity, external_ids={"erp": erp}
        ),
        SKUS,
        NAMES,
        st.sampled_from([0, 1, 7, 900]),
        st.sampled_from(["E-1", "E-2"]),
    ),
    st.builds(lambda sku: {"kind": "product", "sku": sku, "deleted": True}, SKUS),
    st.builds(
        lambda gtin, sku, gone: {"kind": "barcode", "gtin": gtin, "sku": sku, "deleted": gone},
        st.sampled_from(["4006381333931", "96385074"]),
        SKUS,
        st.booleans(),
    ),
)


@settings(max_examples=60)
@given(st.lists(ROWS, max_size=25), st.integers(1, 6))
def test_the_index_fits_after_any_changes_and_applying_them_again_changes_nothing(
    feed: list[dict[str, Any]], page: int
) -> None:
    replica = sqlite3.connect(":memory:", isolation_level=None)
    tables.REPLICA.apply(Database(replica, execute_plugins=False))
    for start in range(0, len(feed), page):
        assert tables.upsert_many(replica, feed[start : start + page]) == []
    index_is_right(replica)
    after = _content(replica)
    last = {(row["kind"], row.get("gtin") or row["sku"]): row for row in feed}
    tables.upsert_many(replica, list(last.values()))
    assert _content(replica) == after
    index_is_right(replica)
    expected = {row["sku"] for row in last.values() if _lives(row)}
    assert {row[0] for row in replica.execute("SELECT sku FROM product")} == expected
    replica.close()


def _lives(row: dict[str, Any]) -> bool:
    return row["kind"] == "product" and not row.get("deleted")


def _content(replica: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """All but the order of ids inside a tier of popularity, which follows arrival."""
    statements = (
        "SELECT id >> 40, sku, names, popularity FROM product ORDER BY sku",
        "SELECT word, uses FROM word ORDER BY word",
        "SELECT * FROM external_id ORDER BY 1, 2, 3",
        "SELECT * FROM barcode ORDER BY 1",
    )
    return [tuple(row) for text in statements for row in replica.execute(text)]


@pytest.mark.parametrize("text", ["<b>Pen</b>", "'; DROP TABLE product; --", "NULL", "\u202eneP"])
def test_text_is_text_whatever_it_looks_like(replica: sqlite3.Connection, text: str) -> None:
    assert tables.upsert(replica, product("A", text)) is None
    assert queries.name(replica, "A") == text
    assert msgspec.json.encode(queries.product(replica, "A"))
    index_is_right(replica)
