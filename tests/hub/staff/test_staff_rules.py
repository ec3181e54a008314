"""Who may do what, how long a wrong PIN waits, when a screen signs its person out."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.errors import Invalid, Refusal
from hub.staff import pins, rules

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("role", "step", "allowed"),
    [
        ("associate", "handover", True),
        ("associate", "correct_handover", False),
        ("lead", "correct_handover", True),
        ("lead", "devices", False),
        ("it", "devices", True),
        ("it", "handover", True),
        ("it", "no-such-step", False),
        ("visitor", "orders", False),
    ],
)
def test_a_role_may_what_lower_roles_may_and_nobody_an_unknown_step(
    role: str, step: str, allowed: bool
) -> None:
    assert rules.may(role, step) is allowed


def test_five_tries_are_free_then_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    waits = [rules.wait_after(failures).total_seconds() for failures in range(3, 13)]
    assert waits == [0, 0, 30, 60, 120, 240, 480, 900, 900, 900]
    assert rules.wait_after(10**9) == rules.LONGEST_WAIT


def test_a_try_is_refused_until_the_very_second_at_which_the_wait_ends() -> None:
    rules.decide_try(4, NOON, NOON)
    with pytest.raises(Refusal, match="30 seconds"):
        rules.decide_try(5, NOON, NOON)
    with pytest.raises(Refusal, match="1 seconds"):
        rules.decide_try(5, NOON, NOON + timedelta(seconds=29, milliseconds=999))
    rules.decide_try(5, NOON, NOON + timedelta(seconds=30))


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    rules.decide_try(50, NOON, datetime(1970, 1, 1, tzinfo=UTC))


def test_an_unused_screen_signs_out_and_so_does_one_that_is_used_for_longer_than_a_shift() -> None:
    idle = timedelta(minutes=10)
    almost = NOON + idle - timedelta(milliseconds=1)
    assert not rules.session_over(NOON, NOON, almost, idle)
    assert rules.session_over(NOON, NOON, NOON + idle, idle)
    late = NOON + rules.LONGEST_SESSION
    assert rules.session_over(NOON, late - timedelta(seconds=1), late, idle)


@pytest.mark.parametrize("pin", ["123", "1234", "4321", "0000", "12a4", "123456789", "", "١٢٣٥"])
def test_a_pin_that_is_easy_to_guess_or_no_pin_at_all_is_refused(pin: str) -> None:
    with pytest.raises(Invalid):
        rules.pin(pin)


def test_a_pin_matches_its_hash_and_nothing_else_does() -> None:
    stored = pins.hashed("2580")
    assert "2580" not in stored
    assert pins.matches("2580", stored)
    assert not pins.matches("2581", stored)
    assert not pins.matches("2580", None)


def test_a_badge_has_one_digest_with_or_without_its_prefix_and_a_short_one_has_none() -> None:
    code = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert rules.badge_digest(f"SH1:B:{code}") == rules.badge_digest(code)
    assert code not in rules.badge_digest(code)
    with pytest.raises(Invalid, match="20 characters"):
        rules.badge_digest("SH1:B:4711")


def test_the_last_person_who_may_manage_staff_has_to_remain() -> None:
    people = [("ada", "lead"), ("bo", "associate")]
    with pytest.raises(Refusal, match="has to remain"):
        rules.decide_deactivate(people, "ada")
    rules.decide_deactivate(people, "bo")
    rules.decide_deactivate([*people, ("cy", "it")], "ada")
