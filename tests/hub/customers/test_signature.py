"""What a customer drew at a handover is personal data: bounded, kept for a while, erased."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.customers import actions, queries
from hub.errors import Invalid, Refusal
from tests.hub.office import Office, opened

DRAWN = "[[100,200,110,213,120,231,133,252,171,263,188,299,201,307],[5,6,7,8]]"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with opened(tmp_path) as office:
        yield office


def kept(office: Office, order_id: str) -> bool:
    with office.reader() as connection:
        return queries.signature(connection, order_id) is not None


def test_a_signature_is_in_no_byte_of_the_files_once_its_customer_is_erased(
    office: Office,
) -> None:
    office.run(lambda tx: actions.sign(tx, "c-1", "R-1", DRAWN))
    office.run(lambda tx: actions.sign(tx, "c-2", "R-2", DRAWN.replace("307", "407")))
    assert b"201,307" in office.bytes_on_disk()
    office.run(lambda tx: actions.erase(tx, "c-1", actor="central", cause="central:1"))
    assert b"201,307" not in office.bytes_on_disk()
    assert (kept(office, "R-1"), kept(office, "R-2")) == (False, True)


def test_old_signatures_are_forgotten(office: Office) -> None:
    office.run(lambda tx: actions.sign(tx, "c-1", "R-1", DRAWN))
    assert office.run(lambda tx: actions.forget_signatures(tx)) == 0
    assert office.run(lambda tx: actions.forget_signatures(tx, timedelta(seconds=-5))) == 1
    assert not kept(office, "R-1")
    assert b"201,307" not in office.bytes_on_disk()


@pytest.mark.parametrize(
    ("strokes", "error"),
    [
        ("", Refusal),
        ("[[1,2,3]]", Invalid),
        ("[[1,2,3,4000]]", Invalid),
        ('[["x","y"]]', Invalid),
        (str([[1, 2] * 10_001]), Invalid),
        ("[[5,5]]", Refusal),
        ("[]", Refusal),
    ],
)
def test_what_no_person_draws_is_no_signature(
    office: Office, strokes: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        office.run(lambda tx: actions.sign(tx, "c-1", "R-1", strokes))
    assert not kept(office, "R-1")


def test_nobody_signs_for_an_order_whose_customer_is_not_known(office: Office) -> None:
    with pytest.raises(Refusal, match="scan the pickup code"):
        office.run(lambda tx: actions.sign(tx, None, "R-1", DRAWN))
