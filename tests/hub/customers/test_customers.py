"""Personal data is found at the counter, and once erased it is nowhere in the files."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.customers import actions, queries
from hub.errors import Invalid
from tests.hub.office import Office, opened

ELSE = {"name": "Jane Doe", "email": "jane@example.org", "phone": None}
SVEN = {
    "name": "Sven Öberg-Quisthoudt",
    "email": "sven.quisthoudt@example.org",
    "phone": "+46 70 555 01 99",
    "note": "rings the bell twice",
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with opened(tmp_path) as office:
        yield office


def put(office: Office, ref: str, personal: dict[str, str | None]) -> bool:
    return office.run(lambda tx: actions.put(tx, ref, personal))


def erase(office: Office, ref: str, cause: str = "central:1") -> bool:
    return office.run(lambda tx: actions.erase(tx, ref, actor="central", cause=cause))


@pytest.mark.parametrize(
    "text", ["öberg", "OBERG", "quist", "sven o", "555 01", "467055501", "example.org sven"]
)
def test_a_customer_is_found_by_any_part_of_name_mail_or_phone(office: Office, text: str) -> None:
    put(office, "c-1", SVEN)
    put(office, "c-2", ELSE)
    with office.reader() as connection:
        assert [person.ref for person in queries.find(connection, text)] == ["c-1"]


@pytest.mark.parametrize("text", ["", "   ", "%", "_", "!", "' OR 1=1 --"])
def test_signs_that_sql_knows_find_nobody(office: Office, text: str) -> None:
    put(office, "c-1", SVEN)
    with office.reader() as connection:
        assert queries.find(connection, text) == []


def test_a_later_put_replaces_an_earlier_one(office: Office) -> None:
    put(office, "c-1", SVEN)
    put(office, "c-1", {**SVEN, "name": "Sven Berg"})
    with office.reader() as connection:
        assert queries.names(connection, ["c-1", "c-9"]) == {"c-1": "Sven Berg"}
        assert queries.find(connection, "oberg") == []


def test_erased_data_is_in_no_byte_of_the_data_directory(office: Office) -> None:
    for number in range(200):
        put(office, f"other-{number}", {"name": f"Other {number}", "email": None, "phone": None})
    put(office, "c-1", SVEN)
    put(office, "c-1", {**SVEN, "note": "x" * 900 + "rings"})
    for number in range(200, 400):
        put(office, f"other-{number}", {"name": f"Other {number}", "email": None, "phone": None})
    assert b"quisthoudt" in office.bytes_on_disk()
    assert erase(office, "c-1")
    for trace in ("Quisthoudt", "quisthoudt", "Öberg", "oberg", "555 01 99", "rings"):
        assert trace.encode() not in office.bytes_on_disk(), trace


def test_the_other_customers_stay(office: Office) -> None:
    put(office, "c-1", SVEN)
    put(office, "c-2", ELSE)
    erase(office, "c-1")
    with office.reader() as connection:
        assert queries.name(connection, "c-1") is None
        assert queries.name(connection, "c-2") == "Jane Doe"


def test_erasing_twice_is_one_fact_and_what_comes_later_is_not_kept(office: Office) -> None:
    assert erase(office, "c-1", "central:1")
    assert not erase(office, "c-1", "central:2")
    assert office.journal.head.seq == 1
    assert not put(office, "c-1", SVEN)
    assert b"Quisthoudt" not in office.bytes_on_disk()


def test_the_fact_says_nothing_personal(office: Office) -> None:
    put(office, "c-1", SVEN)
    erase(office, "c-1")
    with office.reader() as connection:
        (entry,) = connection.execute("SELECT CAST(entry AS TEXT) FROM journal").fetchone()
    assert '"body":{"ref":"c-1"}' in entry


def test_rows_whose_erasure_arrives_by_the_journal_are_hidden_and_swept(office: Office) -> None:
    put(office, "c-1", SVEN)
    office.run(lambda tx: tx.append([actions.PersonalDataErased("c-1")], cause="x", actor="hub"))
    with office.reader() as connection:
        assert queries.person(connection, "c-1") is None
        assert queries.find(connection, "sven") == []
    assert office.run(actions.sweep) == 1
    assert b"Quisthoudt" not in office.bytes_on_disk()


@pytest.mark.parametrize(
    "personal",
    [
        {"name": "", "email": None, "phone": None},
        {"name": "Secret\x00Name"},
        {"name": "Secret" * 40},
        {"name": "A", "email": "Secret@" * 60},
    ],
)
def test_a_refusal_never_quotes_what_was_given(office: Office, personal: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        put(office, "c-1", dict(personal))
    assert "Secret" not in str(refused.value)


def test_no_page_that_was_split_keeps_an_old_copy_of_what_is_erased(office: Office) -> None:
    """SQLite leaves copies of neighbouring cells in the gaps of split pages; they must go too."""
    pick = random.Random(4)  # leaves two names behind when only the rows are deleted
    live: dict[str, str] = {}
    gone: list[str] = []
    for step in range(600):
        if pick.random() < 0.7 or not live:
            ref, name = f"c{pick.randrange(10**9)}", f"Zq{pick.randrange(10**12):012d}"
            live[ref] = name
            put(office, ref, {"name": name, "note": "n" * pick.randrange(900)})
        else:
            ref = pick.choice(list(live))
            gone.append(live.pop(ref))
            erase(office, ref, f"central:{step}")
    office.run(lambda tx: tx.clean_wal())
    left = office.bytes_on_disk()
    assert [name for name in gone if name.encode() in left] == []
    with office.reader() as connection:
        assert queries.names(connection, live) == live
