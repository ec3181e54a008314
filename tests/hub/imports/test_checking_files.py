"""A file is checked whole: every line that can't be applied is named with its reason."""

import json
from pathlib import Path

import pytest

from hub import imports
from hub.errors import Invalid, NotFound, Refusal
from tests.components import shared_data


def check(
    tmp_path: Path, content: str | bytes, kind: str = "catalog", *maps: str
) -> imports.Report:
    path = tmp_path / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    stands_on = {"04006381333931": "PEN"}.get
    return imports.check(path, kind, imports.parse_mapping(maps), find=stands_on)


def reasons(report: imports.Report) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.column, problem.reason) for problem in report.refused]


def test_twelve_thousand_real_products_import_as_they_are() -> None:
    path = shared_data("retail", "open_food_facts_12000.csv")
    report = imports.check(path, "catalog", imports.parse_mapping(["gtin=gtin,name=name"]))
    assert report.ok
    assert report.rows == 12_000
    assert report.notes[0] == "Columns not used: ingredients_160."
    assert "used inside one company only" in report.notes[1]
    first = next(report.items())
    assert first["rows"][0]["sku"] == "0000000000017"
    assert first["rows"][1]["gtin"] == "00000000000017"


def test_a_line_becomes_a_product_its_barcodes_and_its_price(tmp_path: Path) -> None:
    report = check(
        tmp_path,
        "sku;gtin;name;name_de;brand;price;currency;tax_rate;tax_included;external_erp;popularity\n"
        "PEN;4006381333931|96385074;Pen;Stift;Mill;3,49;EUR;19;yes;E-1;12\n",
    )
    assert reasons(report) == []
    (item,) = report.items()
    product, one, other, price = item["rows"]
    assert product["names"] == {"en": "Pen", "de": "Stift"}
    assert product["external_ids"] == {"erp": "E-1"}
    assert product["popularity"] == 12
    assert [row["gtin"] for row in (one, other)] == ["04006381333931", "00000096385074"]
    assert price["amount_minor"] == 349
    assert price["tax_rate_bp"] == 1900
    assert price["tax_included"] is True


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("A,4006381333932,Pen,1,EUR", "gtin", "check digit is 2 and should be 1"),
        ("A,40063,Pen,1,EUR", "gtin", "8, 12, 13 or 14 digits"),
        ("A,,,1,EUR", "name", "The name is missing"),
        (",,Pen,1,EUR", "sku", "A SKU is missing"),
        ("a/b,,Pen,1,EUR", "sku", "no slash"),
        ("A,,Pen,-1,EUR", "price", "a number such as 3.49"),
        ("A,,Pen,NaN,EUR", "price", "a number such as 3.49"),
        ('A,,Pen,"1,234.50",EUR', "price", "a number such as 3.49"),
        ("A,,Pen,1.999,EUR", "price", "more than 2 decimals"),
        ("A,,Pen,1.5,JPY", "price", "more than 0 decimals"),
        ("A,,Pen,1,euro", "currency", "no currency"),
        ("A,,Pen,1,", "currency", "no currency"),
        ("A,,Pen\x07,1,EUR", "name", "control character"),
        ("A,,Pen,1", "", "5 columns are named, here are 4"),
        ("A,,Pen,1,EUR,6", "", "5 columns are named, here are 6"),
        (f"A,,{'x' * 501},1,EUR", "name", "at most 500 characters"),
    ],
)
def test_a_bad_line_is_refused_with_line_column_and_reason(
    tmp_path: Path, line: str, column: str, reason: str
) -> None:
    report = check(tmp_path, f"sku,gtin,name,price,currency\nOK,,Good,1,EUR\n{line}\n")
    (problem,) = report.refused
    assert problem.line == 3
    assert problem.column == column
    assert reason in problem.reason
    assert report.rows == 1
    assert not report.ok


def test_one_sku_or_one_barcode_twice_is_refused_and_the_first_line_is_named(
    tmp_path: Path,
) -> None:
    report = check(
        tmp_path,
        "sku,gtin,name\nA,4006381333931,Pen\nB,04006381333931,Pencil\nA,,Pen again\n",
    )
    assert reasons(report) == [
        (3, "gtin", "This barcode is that of SKU A in line 2."),
        (4, "sku", "The same sku stands in line 2."),
    ]


def test_a_price_list_leaves_products_alone_and_may_name_a_sku_for_each_time(
    tmp_path: Path,
) -> None:
    report = check(
        tmp_path,
        "sku,price,currency,valid_from,valid_until\n"
        "A,3.00,EUR,,\n"
        "A,2.50,EUR,2026-11-27,2026-11-30T22:00:00+01:00\n"
        "A,2.40,EUR,2026-11-27,\n"
        "B,1,EUR,2026-11-27T10:00:00,\n",
    )
    assert reasons(report) == [
        (4, "sku", "The same sku stands in line 3."),
        (5, "valid_from", "valid_from needs a time zone, such as Z."),
    ]
    rows = [row for item in report.items(partial=True) for row in item["rows"]]
    assert [row["kind"] for row in rows] == ["price", "price"]
    assert rows[1]["valid_from"] == "2026-11-27T00:00:00.000Z"
    assert rows[1]["valid_until"] == "2026-11-30T21:00:00.000Z"


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("A,,-1", "qty", "can't be negative"),
        ("A,,1.5", "qty", "whole number"),
        ("A,,", "qty", "whole number"),
        ("A,,١٢", "qty", "whole number"),
        ("A,,1000001", "qty", "up to 1000000"),
        (",96385074,1", "gtin", "No product has the barcode 00000096385074"),
        (",,1", "gtin", "digits"),
    ],
)
def test_a_bad_stock_line_is_refused(tmp_path: Path, line: str, column: str, reason: str) -> None:
    report = check(tmp_path, f"sku,gtin,qty\n{line}\n", "stock")
    (problem,) = report.refused
    assert (problem.line, problem.column) == (2, column)
    assert reason in problem.reason


def test_a_barcode_in_a_stock_file_is_looked_up_and_counts_once(tmp_path: Path) -> None:
    report = check(tmp_path, "sku,gtin,qty\n,4006381333931,3\nPEN,,4\n", "stock")
    assert reasons(report) == [(3, "sku", "The same sku stands in line 2.")]
    assert list(report.items(partial=True)) == [{"line": 2, "sku": "PEN", "qty": 3}]


def test_lines_of_one_sale_stand_together(tmp_path: Path) -> None:
    report = check(
        tmp_path,
        "sale_id,sku,qty,at\nT1,A,1,2026-11-20T10:00:00Z\nT1,B,2,\nT2,A,1,\nT1,C,1,\nT3,A,0,\n",
        "sales",
    )
    assert reasons(report) == [
        (5, "sale_id", "The same sale_id stands in line 2."),
        (6, "qty", "qty must be 1 or more."),
    ]


def test_bytes_that_are_not_utf8_spoil_their_own_line_only(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfsku,name\nA,Caf\xc3\xa9\nB,Caf\xe9\nC,Tea\n"
    report = check(tmp_path, content)
    assert reasons(report) == [(3, "", "These bytes are not UTF-8.")]
    assert [item["line"] for item in report.items(partial=True)] == [2, 4]


def test_a_huge_line_spoils_itself_only(tmp_path: Path) -> None:
    report = check(tmp_path, "sku,name\nA,Pen\nB," + "x" * 5_000_000 + "\nC,Tea\n")
    assert reasons(report) == [(3, "", "A line has at most 65536 bytes.")]
    assert report.rows == 2


def test_a_quoted_cell_may_hold_lines_and_an_open_quote_is_refused(tmp_path: Path) -> None:
    report = check(tmp_path, 'sku,name,description\nA,Pen,"two\nlines"\nB,Tea,"never closed\n')
    assert [item["line"] for item in report.items(partial=True)] == [2]
    ((line, _, reason),) = reasons(report)
    assert line == 4
    assert "quotes" in reason


@pytest.mark.parametrize(
    ("content", "kind", "maps", "reason"),
    [
        ("", "catalog", [], "no line with column names"),
        ("sku,name\n", "catalog", [], "holds no record"),
        ("name,price\nPen,1\n", "catalog", [], "no column sku or gtin"),
        ("sku\nA\n", "stock", [], "no column qty"),
        ("sku,sku,qty\nA,A,1\n", "stock", [], "the column sku twice"),
        ("code,qty\nA,1\n", "stock", ["codes=sku"], "no column codes"),
        ("code,qty\nA,1\n", "stock", ["code=colour"], "colour is no column of stock"),
        ("sku,qty\nA,1\n", "orders", [], "not 'orders'"),
    ],
)
def test_a_file_that_is_of_no_use_is_refused_whole(
    tmp_path: Path, content: str, kind: str, maps: list[str], reason: str
) -> None:
    with pytest.raises(Invalid, match=reason):
        check(tmp_path, content, kind, *maps)


def test_utf16_and_an_absent_file_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="save it as UTF-8"):
        check(tmp_path, "sku,name\nA,Pen\n".encode("utf-16"))
    with pytest.raises(NotFound, match="no file"):
        imports.check(tmp_path / "absent.csv", "catalog")


@pytest.mark.parametrize("pair", ["artikel=sku,menge=qty", "sku=artikel,qty=menge"])
def test_columns_are_mapped_whichever_way_round_they_are_given(tmp_path: Path, pair: str) -> None:
    report = check(tmp_path, "artikel;menge;ort\nA;3;A1\n", "stock", pair)
    assert list(report.items()) == [{"line": 2, "sku": "A", "qty": 3}]
    assert report.notes == ["Columns not used: ort."]


@pytest.mark.parametrize("pair", ["=sku", "sku=", "sku"])
def test_a_mapping_that_is_none_is_refused(pair: str) -> None:
    with pytest.raises(Invalid, match="column=column"):
        imports.parse_mapping([pair])


def test_json_lines_hold_the_same_columns_and_may_leave_some_out(tmp_path: Path) -> None:
    lines = [
        json.dumps({"sku": "A", "name": "Pen", "price": 3.5, "currency": "EUR"}),
        "",
        json.dumps({"sku": "B", "name": "Tea", "tax_included": False, "gtin": None}),
        '{"sku": "C"',
        json.dumps(["D"]),
        json.dumps({"sku": "E", "name": {"en": "Ink"}}),
        '{"sku": "F", "name": NaN}',
    ]
    report = check(tmp_path, "\n".join(lines))
    assert [item["line"] for item in report.items(partial=True)] == [1, 3]
    assert [problem.line for problem in report.refused] == [4, 5, 6, 7]
    assert report.refused[2].column == "name"


def test_a_file_that_changed_after_the_check_is_not_applied(tmp_path: Path) -> None:
    report = check(tmp_path, "sku,qty\nA,3\n", "stock")
    Path(report.path).write_text("sku,qty\nA,4\n", encoding="utf-8")
    with pytest.raises(Refusal, match="has changed"):
        report.items()


def test_the_report_can_be_printed_as_json(tmp_path: Path) -> None:
    said = json.loads(json.dumps(check(tmp_path, "sku,qty\nA,-3\n", "stock").as_json()))
    assert said["ok"] is False
    assert said["refused"][0]["line"] == 2


def test_a_long_check_says_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    lines = "".join(f"S{number},1\n" for number in range(2500))
    path.write_text("sku,qty\n" + lines, encoding="utf-8")
    seen: list[int] = []
    imports.check(path, "stock", progress=seen.append)
    assert seen == [1000, 2000]
