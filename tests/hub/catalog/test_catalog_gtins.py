"""All barcodes at once, with a mark that changes whenever one comes or goes."""

import sqlite3

from hub.catalog import queries, tables

ONE, TWO, THREE = "04006381333931", "00614141000036", "09521234543213"


def put(replica: sqlite3.Connection, gtin: str, **more: object) -> None:
    row = {"kind": "barcode", "gtin": gtin, "sku": "A", **more}
    assert tables.upsert_many(replica, [row]) == []


def test_barcodes_come_as_numbers_lowest_first(replica: sqlite3.Connection) -> None:
    assert list(queries.all_gtins(replica)) == []
    for gtin in (ONE, TWO, THREE):
        put(replica, gtin)
    assert list(queries.all_gtins(replica)) == sorted(map(int, (ONE, TWO, THREE)))


def test_the_mark_changes_with_the_barcodes_and_with_nothing_else(
    replica: sqlite3.Connection,
) -> None:
    marks = [queries.gtins_mark(replica)]
    for gtin in (ONE, TWO):
        put(replica, gtin)
        marks.append(queries.gtins_mark(replica))
    put(replica, TWO, deleted=True)
    assert queries.gtins_mark(replica) == marks[1]
    put(replica, THREE)  # one gone, one come: as many as before
    marks.append(queries.gtins_mark(replica))
    assert len(set(marks)) == len(marks)
    put(replica, THREE, sku="B")
    assert queries.gtins_mark(replica) == marks[-1]
