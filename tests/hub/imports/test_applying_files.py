"""A checked file is applied in small chunks, exactly once, and a killed import goes on."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hub import imports
from hub.clock import FixedClock
from hub.errors import Refusal, Unavailable
from hub.imports import chunks
from hub.settings import Settings
from hub.stock import queries as stock
from hub.store import Store
from tests.hub.office import NOON


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "data", Settings(), clock=FixedClock(NOON)) as opened:
        yield opened


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    return path


def at_hub(store: Store) -> chunks.Deliver:
    def deliver(chunk: dict[str, Any]) -> Mapping[str, Any]:
        sales = "sale_id" in chunk["lines"][0]
        act = imports.sales_chunk if sales else imports.stock_chunk
        return store.writer.run(lambda tx: act(tx, chunk))

    return deliver


def on_hand(store: Store, sku: str) -> int:
    with store.database.reader() as connection:
        return stock.load(connection, sku, NOON).on_hand


def test_stock_is_counted_line_by_line_with_the_file_and_line_as_cause(
    tmp_path: Path, store: Store
) -> None:
    report = imports.check(written(tmp_path, "sku,qty\nA,3\nB,0\nC,12\n"), "stock")
    applied = imports.apply(report, at_hub(store))
    assert (applied.applied, applied.known, applied.refused) == (3, 0, [])
    assert [on_hand(store, sku) for sku in "ABC"] == [3, 0, 12]
    with store.database.reader() as connection:
        causes = {row[0] for row in connection.execute("SELECT cause FROM journal")}
    assert causes == {f"import:{report.digest}:{line}" for line in (2, 3, 4)}


def test_the_same_file_again_changes_nothing_and_says_so(tmp_path: Path, store: Store) -> None:
    path = written(tmp_path, "sku,qty\nA,3\nB,5\n")
    imports.apply(imports.check(path, "stock"), at_hub(store))
    before = store.journal.head
    again = imports.apply(imports.check(path, "stock"), at_hub(store))
    assert (again.applied, again.known) == (0, 2)
    assert store.journal.head == before


def test_another_file_states_another_count(tmp_path: Path, store: Store) -> None:
    imports.apply(imports.check(written(tmp_path, "sku,qty\nA,3\n"), "stock"), at_hub(store))
    imports.apply(imports.check(written(tmp_path, "sku,qty\nA,2\n"), "stock"), at_hub(store))
    assert on_hand(store, "A") == 2


def test_an_import_that_is_killed_goes_on_where_it_was(tmp_path: Path, store: Store) -> None:
    lines = "".join(f"S{number},{number}\n" for number in range(1, 201))
    report = imports.check(written(tmp_path, "sku,qty\n" + lines), "stock")
    delivered = at_hub(store)
    calls = 0

    def dies(chunk: dict[str, Any]) -> Mapping[str, Any]:
        nonlocal calls
        calls += 1
        answer = delivered(chunk)
        if calls == 2:
            raise Unavailable("The hub was killed after it had committed.")
        return answer

    with pytest.raises(Unavailable):
        imports.apply(report, dies)
    progress: list[tuple[int, int]] = []
    resumed = imports.apply(report, delivered, lambda *seen: progress.append(seen))
    assert (resumed.known, resumed.applied) == (40, 160)
    assert progress == [(done, 200) for done in range(20, 201, 20)]
    assert sum(on_hand(store, f"S{number}") for number in range(1, 201)) == 200 * 201 // 2


def test_a_file_with_a_bad_line_changes_nothing_unless_partial(
    tmp_path: Path, store: Store
) -> None:
    report = imports.check(written(tmp_path, "sku,qty\nA,3\nB,-1\nC,4\n"), "stock")
    with pytest.raises(Refusal, match=r"1 lines of file\.csv are refused; nothing was imported"):
        imports.apply(report, at_hub(store))
    assert store.journal.head.seq == 0
    applied = imports.apply(report, at_hub(store), partial=True)
    assert applied.applied == 2
    assert [on_hand(store, sku) for sku in "ABC"] == [3, 0, 4]


def test_sales_move_stock_once_and_are_never_cut_in_two(tmp_path: Path, store: Store) -> None:
    imports.apply(imports.check(written(tmp_path, "sku,qty\nA,300\n"), "stock"), at_hub(store))
    rows = [f"T{number // 3},A,1,2026-11-20T10:00:00Z" for number in range(120)]
    path = written(tmp_path, "sale_id,sku,qty,at\n" + "\n".join(rows) + "\n")
    report = imports.check(path, "sales")
    sizes = [size for size, _ in chunks.chunks(report)]
    assert sizes == [21, 21, 21, 21, 21, 15]
    assert imports.apply(report, at_hub(store)).applied == 120
    assert imports.apply(report, at_hub(store)).known == 120
    assert on_hand(store, "A") == 180


def test_a_sale_that_the_hub_refuses_is_reported_with_its_line(
    tmp_path: Path, store: Store
) -> None:
    first = written(tmp_path, "sale_id,sku,qty\nT1,A,1\n")
    imports.apply(imports.check(first, "sales"), at_hub(store))
    other = written(tmp_path, "sale_id,sku,qty\nT2,A,1\nT1,A,2\n")
    applied = imports.apply(imports.check(other, "sales"), at_hub(store))
    assert applied.applied == 1
    (problem,) = applied.refused
    assert problem.line == 3
    assert "already recorded with other lines" in problem.reason
    assert not applied.ok


def test_the_catalogue_goes_out_in_pages_that_central_takes(tmp_path: Path) -> None:
    lines = "".join(f"S{number},Thing {number},1.00,EUR\n" for number in range(1200))
    report = imports.check(written(tmp_path, "sku,name,price,currency\n" + lines), "catalog")
    seen: list[dict[str, Any]] = []

    def deliver(chunk: dict[str, Any]) -> Mapping[str, Any]:
        seen.append(chunk)
        return {"applied": chunk["lines"]}

    assert imports.apply(report, deliver).applied == 1200
    assert [len(chunk["rows"]) for chunk in seen] == [1000, 1000, 400]
    assert seen[1]["cause"] == f"import:{report.digest}:502"


def test_the_same_bytes_read_by_another_mapping_are_another_import(tmp_path: Path) -> None:
    path = written(tmp_path, "sku,front,back\nA,1,2\n")
    front = imports.check(path, "stock", {"front": "qty"})
    back = imports.check(path, "stock", {"back": "qty"})
    assert front.digest != back.digest
