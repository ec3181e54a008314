"""Devices are enrolled, seen and revoked."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.errors import Invalid, NotFound
from hub.fleet import actions, queries, rules
from hub.fleet.watch import queries as watch
from hub.fleet.watch import tables
from hub.fleet.watch.rules import Limits
from tests.hub.ingesting import Spine, spine
from tests.hub.kernel import NOON

NOW_MS = round(NOON.timestamp() * 1000)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Spine]:
    with spine(tmp_path) as made:
        yield made


def enroll(hub: Spine, device: str = "till-1") -> str:
    return hub.writer.run(lambda tx: actions.enroll(tx, device, kind="till", place="counter"))


def state(hub: Spine, after: timedelta = timedelta()) -> str:
    with hub.database.reader() as reader:
        now_ms = NOW_MS + round(after.total_seconds() * 1000)
        (device,) = watch.devices(reader, now_ms, Limits())
    return device.state


def test_an_enrolled_device_has_a_secret_that_is_stored_only_as_a_hash(hub: Spine) -> None:
    secret = enroll(hub)
    with hub.database.reader() as reader:
        ((name, stored),) = queries.credentials(reader)
    assert name == "till-1"
    assert rules.matches(secret, stored)
    assert secret not in stored


def test_enrolling_again_gives_a_new_secret_and_the_old_one_ends(hub: Spine) -> None:
    old, new = enroll(hub), enroll(hub)
    with hub.database.reader() as reader:
        ((_, stored),) = queries.credentials(reader)
    assert rules.matches(new, stored)
    assert not rules.matches(old, stored)


def test_a_revoked_device_has_no_credential_and_stays_in_the_list(hub: Spine) -> None:
    enroll(hub)
    hub.writer.run(lambda tx: actions.revoke(tx, "till-1"))
    with hub.database.reader() as reader:
        assert queries.credentials(reader) == []
    assert state(hub) == "revoked"
    with pytest.raises(NotFound):
        hub.writer.run(lambda tx: actions.revoke(tx, "till-1"))


@pytest.mark.parametrize(
    "name", ["", "a b", "a/b", "+", "#", "x" * 65, "hub", "central", "key", "a\n"]
)
def test_a_name_that_cannot_stand_in_a_topic_is_refused(hub: Spine, name: str) -> None:
    with pytest.raises(Invalid):
        enroll(hub, name)


def test_a_device_is_never_online_away_and_online_again(hub: Spine) -> None:
    def hear(at_ms: int) -> None:
        hub.writer.run(
            lambda tx: tables.heard(
                tx.conn, "till-1", last_ms=at_ms, online=True, boot="b", low_seq=1, high_seq=1,
                fresh=1,
            )
        )  # fmt: skip

    enroll(hub)
    assert state(hub) == "never"
    hear(NOW_MS)
    assert state(hub) == "online"
    assert state(hub, timedelta(seconds=600)) == "online"
    assert state(hub, timedelta(seconds=601)) == "away"
    hear(NOW_MS + 601_000)
    assert state(hub, timedelta(seconds=601)) == "online"


def test_the_earliest_estimate_of_a_boot_wins_and_old_boots_are_forgotten(hub: Spine) -> None:
    def began(boot: str, at_ms: int) -> int:
        return hub.writer.run(lambda tx: tables.boot_began(tx.conn, "till-1", boot, at_ms))

    assert [began("b", 500), began("b", 400), began("b", 900)] == [500, 400, 400]
    for n in range(tables.BOOTS_KEPT + 3):
        began(f"c{n}", 1000 + n)
    with hub.database.reader() as reader:
        known = watch.boots(reader, "till-1")
    assert len(known) == tables.BOOTS_KEPT
    assert "b" not in known
