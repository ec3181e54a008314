"""The registry: who may connect, for whom, what was sighted, and what outlives what."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.errors import Invalid, NotFound, Refusal
from hub.fleet import actions, queries, rules
from hub.fleet.facts import FACTS
from hub.journal import Transaction
from tests.hub.ingesting import Spine, spine


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Spine]:
    with spine(tmp_path) as made:
        yield made


def accounts(hub: Spine) -> dict[str, queries.Account]:
    with hub.database.reader() as reader:
        return {one.name: one for one in queries.accounts(reader)}


def till(tx: Transaction) -> str:
    return actions.enroll(tx, "till-1", kind="till", place="counter")


def gateway(hub: Spine) -> None:
    hub.writer.run(lambda tx: actions.enroll(tx, "gate", kind="gateway", place="backroom"))


def facts(hub: Spine) -> list[str]:
    names = [name for name, _ in FACTS]
    rows = hub.rows("SELECT json_extract(CAST(entry AS TEXT), '$.type') FROM journal ORDER BY seq")
    return [name for (name,) in rows if name in names]


def test_each_change_of_who_may_connect_is_a_fact(hub: Spine) -> None:
    hub.writer.run(till)
    hub.writer.run(lambda tx: actions.move(tx, "till-1", "door"))
    hub.writer.run(lambda tx: actions.move(tx, "till-1", "door"))
    hub.writer.run(lambda tx: actions.rotate(tx, "till-1"))
    hub.writer.run(lambda tx: actions.replace(tx, "till-1"))
    hub.writer.run(lambda tx: actions.revoke(tx, "till-1"))
    assert facts(hub) == [
        "DeviceEnrolled",
        "DevicePlaced",
        "DeviceSecretIssued",
        "DeviceSecretIssued",
        "DeviceRevoked",
    ]
    assert accounts(hub) == {}
    with hub.database.reader() as reader:
        assert queries.place_of(reader, "till-1") == "door"


@pytest.mark.parametrize("renew", [actions.rotate, actions.replace])
def test_a_new_secret_ends_the_old_one(hub: Spine, renew: object) -> None:
    old = hub.writer.run(till)
    new = hub.writer.run(lambda tx: renew(tx, "till-1"))  # type: ignore[operator]
    stored = accounts(hub)["till-1"].secret
    assert rules.matches(new, stored)
    assert not rules.matches(old, stored)


def test_a_secret_of_before_the_last_fact_opens_nothing(hub: Spine) -> None:
    """As after a restored backup, when the facts since came back from central."""
    hub.writer.run(till)
    before = hub.rows("SELECT secret, fact FROM device")[0]
    hub.writer.run(lambda tx: actions.rotate(tx, "till-1"))
    hub.writer.run(
        lambda tx: tx.conn.execute("UPDATE device SET secret = ?, fact = ?", before)  # type: ignore[arg-type, return-value]
    )
    assert accounts(hub) == {}


def test_devices_that_an_older_release_enrolled_or_revoked_are_settled_once(hub: Spine) -> None:
    old = "INSERT INTO device (id, kind, place, secret, enrolled_at, revoked_at) VALUES "

    def older(tx: Transaction) -> None:
        tx.conn.execute(f"{old} ('old', 'shelf', 'A3', '$7$x', '2026-01-01', NULL)")
        tx.conn.execute(f"{old} ('gone', 'shelf', 'A4', '', '2026-01-01', '2026-02-01')")

    hub.writer.run(older)
    assert accounts(hub) == {}
    hub.writer.run(actions.settle)
    hub.writer.run(actions.settle)
    assert facts(hub) == ["DeviceEnrolled", "DeviceRevoked", "DeviceEnrolled"]
    assert accounts(hub)["old"].secret == "$7$x"
    with hub.database.reader() as reader:
        assert queries.place_of(reader, "old") == "A3"


def test_what_the_release_before_revokes_stays_revoked(hub: Spine) -> None:
    hub.writer.run(till)
    hub.writer.run(
        lambda tx: tx.conn.execute("UPDATE device SET revoked_at = 'x', secret = ''")  # type: ignore[return-value]
    )
    assert accounts(hub) == {}
    hub.writer.run(actions.settle)
    assert facts(hub) == ["DeviceEnrolled", "DeviceRevoked"]


def test_a_gateway_speaks_for_its_devices_and_reads_what_they_may_write(hub: Spine) -> None:
    gateway(hub)
    shelly = hub.writer.run(
        lambda tx: actions.enroll(
            tx,
            "bell",
            kind="button",
            place="door",
            family="shelly",
            via="gate",
            grants=["shellyplus1-a8/#"],
            address="shellyplus1-a8",
        )
    )
    sensor = hub.writer.run(
        lambda tx: actions.enroll(
            tx, "cold", kind="climate", place="B1", family="zigbee2mqtt", via="gate", address="0x1"
        )
    )
    assert shelly
    assert sensor == ""
    known = accounts(hub)
    assert set(known) == {"gate", "bell"}
    assert known["gate"].speaks_for == ("bell", "cold")
    assert known["gate"].reads == ("shellyplus1-a8/#",)
    assert known["gate"].writes == ()
    assert known["bell"].writes == ("shellyplus1-a8/#",)
    with hub.database.reader() as reader:
        served = queries.served(reader, "gate")
        assert [(one["device"], one["address"], one["grants"]) for one in served] == [
            ("bell", "shellyplus1-a8", ["shellyplus1-a8/#"]),
            ("cold", "0x1", []),
        ]
        assert set(served[0]) == {"device", "family", "address", "kind", "grants"}
        assert queries.gateways(reader) == ["gate"]
    hub.writer.run(lambda tx: actions.revoke(tx, "bell"))
    assert accounts(hub)["gate"].reads == ()


def test_what_was_sighted_waits_and_is_adopted_through_its_gateway(hub: Spine) -> None:
    gateway(hub)
    for _ in range(3):
        hub.writer.run(lambda tx: actions.sighted(tx, "zigbee2mqtt", "0x1", "gate", name="Cold"))
    with hub.database.reader() as reader:
        (seen,) = queries.sightings(reader)
    assert (seen.times, seen.via, seen.name) == (3, "gate", "Cold")
    hub.writer.run(
        lambda tx: actions.adopt(tx, "zigbee2mqtt", "0x1", "cold", kind="climate", place="B1")
    )
    hub.writer.run(lambda tx: actions.sighted(tx, "zigbee2mqtt", "0x1", "gate"))
    with hub.database.reader() as reader:
        assert queries.sightings(reader) == []
        assert [one["device"] for one in queries.served(reader, "gate")] == ["cold"]
    with pytest.raises(NotFound):
        hub.writer.run(
            lambda tx: actions.adopt(tx, "zigbee2mqtt", "0x1", "cold2", kind="c", place="")
        )


def test_adopting_never_takes_the_id_or_the_address_of_another(hub: Spine) -> None:
    gateway(hub)
    hub.writer.run(lambda tx: actions.sighted(tx, "shelly", "a", "gate"))
    with pytest.raises(Refusal):
        hub.writer.run(lambda tx: actions.adopt(tx, "shelly", "a", "gate", kind="k", place=""))
    hub.writer.run(lambda tx: actions.adopt(tx, "shelly", "a", "bell", kind="k", place=""))
    with pytest.raises(Refusal):
        hub.writer.run(
            lambda tx: actions.enroll(
                tx, "bell-2", kind="k", place="", family="shelly", address="a", via="gate"
            )
        )


def test_sightings_and_rogues_are_bounded_and_the_latest_stay(hub: Spine) -> None:
    def flood(tx: Transaction) -> None:
        for n in range(rules.SIGHTINGS_MOST + 20):
            actions.sighted(tx, "shelly", f"a{n}", None)
            actions.rogue(tx, "join", name=f"n{n}", source="192.0.2.1")

    hub.writer.run(flood)
    assert hub.rows("SELECT count(*) FROM device_sighting") == [(rules.SIGHTINGS_MOST,)]
    assert hub.rows("SELECT count(*) FROM device_rogue") == [(rules.ROGUES_MOST,)]


@pytest.mark.parametrize(
    "grant",
    ["#", "+/x", "storehub/v1/s/till/ack", "$SYS/#", "", "/x", "a/#/b", "a+/b", "a/b c", "a\n/b"],
)
def test_no_foreign_topic_reaches_into_our_own(grant: str) -> None:
    with pytest.raises(Invalid):
        rules.check_grant(grant)


@pytest.mark.parametrize("grant", ["zigbee2mqtt/#", "shelly-1/events/rpc", "esp/+/state", "a"])
def test_a_foreign_topic_with_a_name_of_its_own_is_granted(grant: str) -> None:
    rules.check_grant(grant)


@pytest.mark.parametrize(
    ("tries", "answer", "outcome", "state"),
    [
        (0, None, None, "queued"),
        (1, None, None, "sent"),
        (2, None, None, "in_doubt"),
        (9, None, "expired", "gave_up"),
        (1, None, "done", "done"),
        (1, None, "busy", "failed"),
        (3, "done", "done", "done"),
        (3, "unknown_command", "unknown_command", "failed"),
    ],
)
def test_a_command_says_how_far_it_has_come(
    tries: int, answer: str | None, outcome: str | None, state: str
) -> None:
    assert rules.command_state(tries, answer, outcome) == state
