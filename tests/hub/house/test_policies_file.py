"""Policies and staging shelves go from store to store as a file: whole, twice as good as once."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from hub.cli import storehub
from hub.errors import HubError, Invalid
from hub.house import numbering
from hub.house.rules import STORAGE, Shelf
from hub.imports import policies
from hub.settings import Settings
from hub.store import Store

FILE = """
[policies]
opening_hours = "Mo-Fr 08:00-20:00, sa 09:00-18:00"
pickers = 3

[[staging_shelves]]
shelves = "A-01..A-03, K-1"
capacity = 4

[[staging_shelves]]
shelves = "F-1"
kind = "frozen"
capacity = 2
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    Store(tmp_path / "data", Settings(store="s1", ballast_mib=0)).close()
    return tmp_path / "data"


def call(data: Path, *arguments: str, file: str | None = None) -> Result:
    given = [*arguments, *(["-"] if file is not None else []), "--data", str(data)]
    return CliRunner().invoke(storehub, ["policies", *given], input=file)


def changed(data: Path, file: str, *options: str) -> Any:
    answer = call(data, "apply", "--json", *options, file=file)
    assert answer.exit_code == 0, answer.output + str(answer.exception)
    return {one["what"]: one["to"] for one in json.loads(answer.stdout)["changed"]}


def length(data: Path) -> int:
    with Store(data, Settings(store="s1", ballast_mib=0)) as store:
        return store.journal.head.seq


def test_a_file_is_applied_whole_and_twice_appends_nothing(data: Path, tmp_path: Path) -> None:
    before = length(data)
    would = changed(data, FILE, "--dry-run")
    assert length(data) == before
    assert changed(data, FILE) == would
    assert would["policies.opening_hours"] == "mo-fr 08:00-20:00, sa 09:00-18:00"
    assert would["staging_shelves.A-02"] == {"kind": "ambient", "capacity": 4}
    assert len(would) == 7
    after = length(data)
    assert after == before + 7
    assert changed(data, FILE) == {}
    assert call(data, "apply", file=FILE).stdout == "Nothing changes.\n"
    assert length(data) == after

    told = call(data, "export").stdout
    assert 'shelves = "A-01..A-03"' in told
    assert "# ready_hours = 0" in told
    assert changed(data, told) == {}
    other = tmp_path / "other"
    Store(other, Settings(store="s2", ballast_mib=0)).close()
    assert changed(other, told) == would
    assert call(other, "export").stdout == told.replace("of s1", "of s2")


def test_what_is_not_named_stays_unless_the_file_is_the_whole_store(data: Path) -> None:
    changed(data, FILE)
    assert changed(data, '[policies]\npickers = "default"\n') == {"policies.pickers": 0}
    less = '[policies]\n[[staging_shelves]]\nshelves = "A-01"\ncapacity = 4\n'
    assert changed(data, less) == {}
    assert changed(data, less, "--whole") == {
        "policies.opening_hours": "",
        **dict.fromkeys([f"staging_shelves.{one}" for one in ("A-02", "A-03", "F-1", "K-1")]),
    }


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (FILE + "capacity = 9\n", "line 14"),
        (FILE.replace("pickers = 3", "pickers = 300"), "Line 4, policies.pickers: The value is 0"),
        (FILE.replace("pickers", "picker"), "Line 4, policies.picker: there is no such policy; is"),
        (FILE.replace("08:00", "8"), "Line 3, policies.opening_hours: Opening hours are written"),
        (FILE.replace('"frozen"', '"icy"'), "Line 10, staging_shelves: kind is one of ambient"),
        (FILE.replace("F-1", "A-02"), "Line 10, staging_shelves: Shelf A-02 is named twice."),
        (FILE.replace("A-01..A-03", "A-03..B-01"), "Line 6, staging_shelves: Several shelves are"),
        (FILE.replace("A-01", "A-9"), "Line 6, staging_shelves: A-9..A-03 ends before it begins."),
        (FILE.replace("capacity = 2", "size = 2"), "Line 10, staging_shelves: There is no size."),
        (FILE.replace("[policies]", "[policy]"), "Line 2, There is no policy; is policies meant."),
        (FILE.replace("A-03", "A-99999"), "more than 500 shelves"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_line_and_key(file: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        policies.read(file)
    assert sentence in refused.value.sentence


def test_an_error_changes_nothing_at_all(data: Path) -> None:
    before = length(data)
    for options in ((), ("--dry-run",)):
        answer = call(data, "apply", *options, file=FILE.replace('"frozen"', '"icy"'))
        assert answer.exit_code == 1
        assert isinstance(answer.exception, HubError)
        assert "Line 10" in answer.exception.sentence
    assert length(data) == before


NAMES = [f"{row}{n:0{width}d}" for row in ("A-", "K") for width in (1, 2) for n in range(7, 12)]


@given(
    st.dictionaries(
        st.sampled_from([*NAMES, "A-", "K", "DOOR.2X"]),
        st.tuples(st.integers(1, 2), st.sampled_from(STORAGE[:2])),
    )
)
def test_shelves_written_as_runs_are_the_same_shelves(planned: dict[str, tuple[int, str]]) -> None:
    shelves = [Shelf(name, *kept) for name, kept in planned.items()]
    told = policies.read(policies.write("s1", {}, shelves))
    assert told.shelves == {one.shelf: one for one in shelves}


def test_several_shelves_are_named_as_people_write_them() -> None:
    assert numbering.read("a-08 .. a-11, k1") == ["A-08", "A-09", "A-10", "A-11", "K1"]
    assert numbering.read("A-1..3 A-2") == ["A-1", "A-2", "A-3"]
    for wrong in ("A..B", "A-1..", "..A-1", "", "A-1..K-3"):
        with pytest.raises(Invalid):
            numbering.read(wrong)
