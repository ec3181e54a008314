"""A device is here or away, is spoken of once, and says what it needs."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.fleet import actions
from hub.fleet.watch import actions as watching
from hub.fleet.watch import queries, rules, tables
from hub.fleet.watch.rules import Condition, Heard, Kept, Limits
from tests.hub.ingesting import Spine, spine
from tests.hub.kernel import NOON

LIMITS = Limits()
NOW = 1_800_000_000_000
MINUTE, HOUR = 60_000, 3_600_000


def heard(ago_ms: int, **more: object) -> Heard:
    told = {"enrolled": True, "revoked": False, "power": "mains", "online": True}
    return Heard(last_ms=NOW - ago_ms, **(told | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "state", "reason"),
    [
        (heard(10 * MINUTE), "online", ""),
        (heard(10 * MINUTE + 1), "away", "silent"),
        (heard(25 * HOUR, power="battery"), "online", ""),
        (heard(25 * HOUR + 1, power="battery"), "away", "silent"),
        (heard(1, online=False), "away", "last_will"),
        (heard(1, revoked=True), "revoked", ""),
        (heard(1, enrolled=False), "unknown", ""),
        (heard(1)._replace(last_ms=None), "never", ""),
        (heard(HOUR, listening_ms=NOW - MINUTE), "online", ""),
        (heard(HOUR, listening_ms=NOW - 11 * MINUTE), "away", "silent"),
    ],
)
def test_a_device_is_there_until_its_last_will_or_its_silence(
    known: Heard, state: str, reason: str
) -> None:
    assert rules.availability(known, NOW, LIMITS) == (state, reason)


def test_a_device_behind_a_gateway_that_is_away_is_away() -> None:
    assert rules.behind_gateway("online", "", "away") == ("away", "gateway")
    assert rules.behind_gateway("online", "", "revoked") == ("away", "gateway")
    assert rules.behind_gateway("away", "silent", "never") == ("away", "gateway")
    assert rules.behind_gateway("away", "silent", "online") == ("away", "silent")
    assert rules.behind_gateway("online", "", "online") == ("online", "")
    assert rules.behind_gateway("revoked", "", "away") == ("revoked", "")


def test_each_going_and_coming_is_said_once() -> None:
    kept, said = rules.turn(None, "online", NOW)
    assert said == ""
    kept, said = rules.turn(kept, "away", NOW + HOUR)
    assert (said, kept.since_ms) == ("gone", NOW + HOUR)
    assert rules.turn(kept, "away", NOW + 2 * HOUR) == (kept, "")
    kept, said = rules.turn(kept, "online", NOW + 3 * HOUR)
    assert said == "back"


def test_a_device_that_comes_and_goes_is_said_to_flap_once_and_to_be_calm_once() -> None:
    kept: Kept | None = rules.turn(None, "online", NOW)[0]
    told = []
    for n in range(1, 20):
        kept, said = rules.turn(kept, "away" if n % 2 else "online", NOW + n * MINUTE)
        told.append(said)
    assert told == ["gone", "back", "gone", "back", "gone", "flaps", *[""] * 13]
    assert kept is not None
    assert kept.flapping
    # An hour after it began it is no news yet: it has not kept one state for an hour.
    again, said = rules.turn(kept, "online", NOW + 70 * MINUTE)
    assert (said, again.flapping, again.changes) == ("", True, 1)
    last = NOW + 19 * MINUTE
    assert rules.turn(kept, "away", last + HOUR) == (kept, "")
    kept, said = rules.turn(kept, "away", last + HOUR + 1)
    assert (said, kept.flapping) == ("calm", False)


@given(st.lists(st.tuples(st.sampled_from(["online", "away"]), st.integers(0, 2 * HOUR))))
def test_gone_and_back_alternate_whatever_happens(moves: list[tuple[str, int]]) -> None:
    kept, now, told = None, NOW, []
    for state, later in moves:
        now += later
        kept, said = rules.turn(kept, state, now)  # type: ignore[arg-type]
        told += [said] if said in ("gone", "back") else ["…"] if said else []
    for one, other in pairwise(told):
        assert one != other or one == "…"


@pytest.mark.parametrize(
    ("condition", "need"),
    [
        (Condition("online"), ()),
        (Condition("unknown"), ("unknown",)),
        (Condition("away", flapping=True), ("away", "flapping")),
        (Condition("online", battery_pct=20), ("battery_low",)),
        (Condition("online", battery_pct=20.5), ()),
        (Condition("online", missing=1), ("gaps",)),
        (Condition("online", quality="unknown"), ("clock",)),
        (Condition("online", quality="synced", drift_ms=-30_001), ("clock",)),
        (Condition("online", quality="synced", drift_ms=30_000), ()),
        (Condition("online", oldest_s=601), ("waiting",)),
        (Condition("online", oldest_s=600, hours_left=8), ()),
        (Condition("online", hours_left=7.9), ("waiting",)),
        (Condition("online", dropped=1), ("dropped",)),
        (Condition("never"), ("never",)),
        (Condition("revoked", missing=9, battery_pct=1), ()),
    ],
)
def test_what_needs_a_hand(condition: Condition, need: tuple[str, ...]) -> None:
    assert rules.needs(condition, LIMITS) == need


@pytest.mark.parametrize(
    ("family", "via", "kind", "letter"),
    [
        ("storehub", None, "scanner", "A"),
        ("storehub", None, "till", "A"),
        ("storehub", "gate", "scanner", "B"),
        ("shelly", "gate", "button", "B"),
        ("zebra-sled", "gate", "scanner", "B"),
        ("esphome", "gate", "button", "C"),
        ("storehub", None, "shelf", "C"),
        ("zigbee2mqtt", "gate", "contact", "C"),
    ],
)
def test_what_a_device_may_lose_follows_from_what_it_is(
    family: str, via: str | None, kind: str, letter: str
) -> None:
    assert rules.guarantee(family, via, kind) == letter


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Spine]:
    with spine(tmp_path) as made:
        yield made


def hear(hub: Spine, device: str, *, online: bool = True, at: timedelta = timedelta()) -> None:
    at_ms = round((NOON + at).timestamp() * 1000)
    hub.writer.run(
        lambda tx: tables.status(
            tx.conn, device, at_ms=at_ms, online=online, live=True, firmware="2", battery_pct=12
        )
    )


def watch(hub: Spine) -> list[str]:
    """Run the job as the hub does; return the devices that need a hand, the most urgent first."""
    now_ms = round(hub.clock.now().timestamp() * 1000)
    with hub.database.reader() as reader:
        pending = watching.noticed(reader, now_ms, LIMITS)
    if pending:
        hub.writer.run(lambda tx: watching.watch(tx, LIMITS))
    with hub.database.reader() as reader:
        found = queries.by_urgency(queries.devices(reader, now_ms, LIMITS))
    return [f"{one.id}: {' '.join(one.needs)}" for one in found]


def test_the_hub_says_once_who_went_and_once_who_is_back(
    hub: Spine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hub.fleet")
    for name in ("b", "z"):
        hub.writer.run(lambda tx, name=name: actions.enroll(tx, name, kind="till", place="x"))
    hear(hub, "z")
    watch(hub)
    hear(hub, "z", online=False)
    rung: list[str] = []
    hub.ring.subscribe(lambda ringing: rung.extend(ringing.topics))
    for _ in range(3):
        hub.clock.advance(timedelta(seconds=5))
        assert watch(hub) == ["z: away battery_low", "b: never"]
    assert rung == ["devices"]
    hear(hub, "z", at=timedelta(seconds=15))
    watch(hub)
    watch(hub)
    assert [one.getMessage() for one in caplog.records] == [
        "z is away (last_will)",
        "z is back after 10 s",
    ]


def test_an_idle_store_is_not_written_to(hub: Spine) -> None:
    hub.writer.run(lambda tx: actions.enroll(tx, "a", kind="till", place="x"))
    watch(hub)
    with hub.database.reader() as reader:
        now_ms = round(hub.clock.now().timestamp() * 1000)
        assert watching.noticed(reader, now_ms, LIMITS) == []


def test_numbers_that_are_missing_say_since_when_and_end_with_another_unit(hub: Spine) -> None:
    hub.writer.run(lambda tx: actions.enroll(tx, "a", kind="till", place="x"))

    def number(seq: int, at_ms: int) -> queries.Device:
        hub.writer.run(
            lambda tx: tables.heard(
                tx.conn, "a", last_ms=at_ms, online=True, boot="b", low_seq=seq, high_seq=seq,
                fresh=1, quality="synced", drift_ms=5,
            )
        )  # fmt: skip
        with hub.database.reader() as reader:
            (device,) = queries.devices(reader, at_ms, LIMITS)
        return device

    assert number(10, 1000).missing_since_ms is None
    assert (number(13, 2000).missing, number(14, 3000).missing_since_ms) == (2, 2000)
    number(11, 4000)
    assert number(12, 5000).missing_since_ms is None
    number(20, 6000)
    hub.writer.run(lambda tx: actions.replace(tx, "a"))
    assert (number(1, 7000).missing, number(2, 8000).received) == (0, 2)


def test_boots_are_counted(hub: Spine) -> None:
    hear(hub, "a")

    def boot(name: str) -> None:
        hub.writer.run(lambda tx: tables.boot_began(tx.conn, "a", name, 5))

    for name in ("x", "x", "y", "x"):
        boot(name)
    with hub.database.reader() as reader:
        (device,) = queries.devices(reader, NOW, LIMITS)
    assert device.boots == 2
