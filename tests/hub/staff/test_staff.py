"""People sign in by PIN or badge, tokens open the API, and nothing secret lies in the files."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.cli import storehub
from hub.errors import Invalid, NotFound, Refusal
from hub.settings import Settings
from hub.staff import actions, pins, queries, rules, signin
from hub.store import Store
from tests.hub.office import Office, opened


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with opened(tmp_path) as office:
        stored = pins.hashed("2580")
        office.run(lambda tx: actions.add(tx, "ada", "Ada Lind", "lead", pin_hash=stored))
        yield office


def by_pin(office: Office, pin: str, staff_id: str = "ada") -> queries.Member:
    return signin.by_pin(office.run, office.reader, staff_id, pin, "counter")


def test_the_right_pin_signs_in_and_is_recorded(office: Office) -> None:
    found = by_pin(office, "2580")
    assert (found.staff_id, found.name, found.role) == ("ada", "Ada Lind", "lead")
    with office.reader() as connection:
        (record,) = queries.sign_ins(connection)
    assert (record["staff_id"], record["screen"], record["method"]) == ("ada", "counter", "pin")


def test_who_signed_in_is_forgotten_after_ninety_days(office: Office) -> None:
    by_pin(office, "2580")
    for days, left in ((90, 1), (1, 0)):
        office.clock.advance(timedelta(days=days))
        office.run(actions.forget_sign_ins)
        with office.reader() as connection:
            assert len(queries.sign_ins(connection)) == left


def test_a_wrong_pin_and_an_unknown_person_are_refused_in_the_same_words(office: Office) -> None:
    with pytest.raises(Refusal) as wrong:
        by_pin(office, "2581")
    with pytest.raises(Refusal) as unknown:
        by_pin(office, "2580", "nobody")
    assert wrong.value.sentence == unknown.value.sentence


def test_after_five_wrong_pins_even_the_right_one_waits(office: Office) -> None:
    for _ in range(5):
        with pytest.raises(Refusal, match="do not fit"):
            by_pin(office, "2581")
    with pytest.raises(Refusal, match="Try again in 30 seconds"):
        by_pin(office, "2580")
    office.clock.advance(timedelta(seconds=30))
    assert by_pin(office, "2580").staff_id == "ada"
    with pytest.raises(Refusal, match="do not fit"):
        by_pin(office, "2581")


def test_tries_at_the_same_time_are_not_free(office: Office) -> None:
    def guess(pin: int) -> str:
        try:
            by_pin(office, str(3000 + pin))
        except Refusal as refusal:
            return refusal.slug
        return "in"

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(guess, range(20)))
    assert answers.count("signin-refused") == 5
    assert answers.count("signin-locked") == 15


def test_a_badge_signs_in_until_its_person_leaves(office: Office) -> None:
    badge = actions.new_badge()
    office.run(lambda tx: actions.add(tx, "bo", "Bo Reyes", "associate", badge=badge))
    assert signin.by_badge(office.run, office.reader, badge, "phone").staff_id == "bo"
    office.run(lambda tx: actions.deactivate(tx, "bo"))
    with pytest.raises(Refusal, match="nobody here"):
        signin.by_badge(office.run, office.reader, badge, "phone")
    assert badge.removeprefix("SH1:B:").encode() not in office.bytes_on_disk()


@pytest.mark.parametrize("code", ["", "SH1:B:", "SH1:B:4711", "4006381333931", "' OR 1=1 --" * 3])
def test_what_is_no_badge_signs_nobody_in(office: Office, code: str) -> None:
    with pytest.raises(Refusal, match="nobody here"):
        signin.by_badge(office.run, office.reader, code, "phone")


def test_two_people_never_share_a_badge_and_it_can_be_handed_on(office: Office) -> None:
    badge = actions.new_badge()
    office.run(lambda tx: actions.set_badge(tx, "ada", badge))
    office.run(lambda tx: actions.add(tx, "bo", "Bo Reyes", "associate"))
    with pytest.raises(Refusal, match="belongs to Ada Lind"):
        office.run(lambda tx: actions.set_badge(tx, "bo", badge))
    office.run(lambda tx: actions.set_badge(tx, "ada", None))
    office.run(lambda tx: actions.set_badge(tx, "bo", badge))


def test_who_left_is_refused_with_the_right_pin(office: Office) -> None:
    stored = pins.hashed("9753")
    office.run(lambda tx: actions.add(tx, "bo", "Bo Reyes", "it", pin_hash=stored))
    assert by_pin(office, "9753", "bo").staff_id == "bo"
    office.run(lambda tx: actions.deactivate(tx, "bo"))
    with pytest.raises(Refusal, match="do not fit"):
        by_pin(office, "9753", "bo")
    with office.reader() as connection:
        member = queries.member(connection, "bo")
    assert member is not None
    assert not member.active


def test_the_only_lead_can_neither_leave_nor_become_less(office: Office) -> None:
    with pytest.raises(Refusal, match="has to remain"):
        office.run(lambda tx: actions.deactivate(tx, "ada"))
    with pytest.raises(Refusal, match="has to remain"):
        office.run(lambda tx: actions.set_role(tx, "ada", "associate"))


@pytest.mark.parametrize(
    ("staff_id", "name", "role"),
    [("", "X", "lead"), ("a b", "X", "lead"), ("x", "", "lead"), ("x", "X", "boss")],
)
def test_a_person_needs_an_id_a_name_and_a_known_role(
    office: Office, staff_id: str, name: str, role: str
) -> None:
    with pytest.raises(Invalid):
        office.run(lambda tx: actions.add(tx, staff_id, name, role))


def test_a_staff_id_is_given_once(office: Office) -> None:
    with pytest.raises(Refusal, match="works here already"):
        office.run(lambda tx: actions.add(tx, "ada", "Ada Two", "associate"))


def test_a_token_is_known_by_its_text_until_it_is_revoked(office: Office) -> None:
    text = office.run(lambda tx: actions.create_token(tx, "till-1", "associate"))
    with office.reader() as connection:
        found = queries.token(connection, text)
        assert queries.token(connection, text + "x") is None
    assert found is not None
    assert (found.name, found.role) == ("till-1", "associate")
    assert text.encode() not in office.bytes_on_disk()
    office.run(lambda tx: actions.revoke_token(tx, "till-1"))
    office.run(lambda tx: actions.revoke_token(tx, "till-1"))
    with office.reader() as connection:
        assert queries.token(connection, text) is None


def test_a_live_token_is_not_replaced_by_a_new_one_of_its_name(office: Office) -> None:
    office.run(lambda tx: actions.create_token(tx, "till-1", "associate"))
    with pytest.raises(Refusal, match="revoke it first"):
        office.run(lambda tx: actions.create_token(tx, "till-1", "lead"))
    office.run(lambda tx: actions.revoke_token(tx, "till-1"))
    office.run(lambda tx: actions.create_token(tx, "till-1", "lead"))
    with pytest.raises(NotFound):
        office.run(lambda tx: actions.revoke_token(tx, "till-2"))


def test_a_new_pin_from_the_command_line_signs_its_person_out_everywhere(tmp_path: Path) -> None:
    def opened_store() -> Store:
        return Store(tmp_path, Settings(store="s1", ballast_mib=0))

    with opened_store() as store:
        run = store.writer.run
        run(lambda tx: actions.add(tx, "ada", "Ada Lind", "lead", pin_hash=pins.hashed("2580")))
        session = run(lambda tx: actions.begin_session(tx, "ada"))
        assert store.read(queries.in_session, session) is not None
    for pin, code in (("1234", 1), ("9753", 0)):
        wanted = ["staff", "pin", "ada", "--pin", pin, "--data", str(tmp_path)]
        answer = CliRunner().invoke(storehub, wanted)
        assert answer.exit_code == code, answer.output
    with opened_store() as store:
        assert store.read(queries.in_session, session) is None
        assert pins.matches("9753", store.read(queries.pin_hash, "ada"))


def test_a_lost_badge_is_replaced_from_the_command_line(tmp_path: Path) -> None:
    lost = actions.new_badge()
    with Store(tmp_path, Settings(store="s1", ballast_mib=0)) as store:
        hashed = pins.hashed("2580")
        store.writer.run(
            lambda tx: actions.add(tx, "ada", "Ada Lind", "lead", pin_hash=hashed, badge=lost)
        )

    def holder(badge: str) -> str | None:
        with Store(tmp_path, Settings(store="s1", ballast_mib=0)) as store:
            found = store.read(queries.by_badge_digest, rules.badge_digest(badge))
            return found and found.staff_id

    assert holder(lost) == "ada"
    wanted = ["staff", "badge", "ada", "--data", str(tmp_path)]
    new = CliRunner().invoke(storehub, wanted).output.strip()
    assert (holder(lost), holder(new)) == (None, "ada")
    said = CliRunner().invoke(storehub, [*wanted, "--none"]).output
    assert "no badge any more" in said
    assert holder(new) is None
