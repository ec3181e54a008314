from datetime import UTC, datetime, timedelta, timezone

import pytest

from hub.clock import FixedClock, SystemClock, parse, stamp


def test_a_stamp_has_three_digits_and_a_z_whatever_the_zone() -> None:
    cet = timezone(timedelta(hours=1))
    assert stamp(datetime(2026, 11, 21, 1, 0, 0, 123999, tzinfo=cet)) == "2026-11-21T00:00:00.123Z"
    assert stamp(datetime(1970, 1, 1, tzinfo=UTC)) == "1970-01-01T00:00:00.000Z"


def test_a_stamp_comes_back_as_the_same_time() -> None:
    now = SystemClock().now()
    assert parse(stamp(now)) == now


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-21",
        "2026-11-21T00:00:00Z",
        "2026-11-21T00:00:00.000000Z",
        "2026-13-01T00:00:00.000Z",
    ],
)
def test_another_form_of_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_a_time_without_a_zone_cannot_be_stamped() -> None:
    with pytest.raises(ValueError, match="zone"):
        stamp(datetime(2026, 1, 1))


def test_a_fixed_clock_moves_only_when_told_to() -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    before = clock.now()
    clock.advance(timedelta(seconds=90))
    assert clock.now() - before == timedelta(seconds=90)
    assert clock.uptime_ms() == 90_000


def test_the_system_clock_says_how_far_it_can_be_trusted() -> None:
    assert SystemClock().quality() in ("synced", "estimated", "unknown")
