"""What the hub does about foreign devices: whom a gateway serves, what waits, what goes back."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub import foreign, handlers, init, outbox, quarantine, settings, wire
from hub.clock import stamp
from hub.errors import Invalid, Refusal
from hub.fleet import actions as fleet
from hub.fleet import queries
from hub.fleet.watch import tables as watch
from hub.store import Store
from hub.wire import Observation

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    init.init(tmp_path / "s", "store-1")
    with Store(tmp_path / "s", settings.load(tmp_path / "s", environment={})) as opened:
        run = opened.writer.run
        run(lambda tx: fleet.enroll(tx, "gw", kind="gateway", place=""))
        run(
            lambda tx: fleet.enroll(
                tx, "door-1", kind="rfid", place="", family="impinj", via="gw", grants=("rfid/#",)
            )
        )
        yield opened


def seen(kind: str, data: dict[str, Any], device: str = "gw") -> Observation:
    body = {"id": "o1", "boot": "b", "seq": 1, "at": stamp(NOON), "uptime_ms": 1,
            "time_quality": "synced", "data": data}  # fmt: skip
    (found,) = wire.read(device, kind, json.dumps(body).encode())
    assert isinstance(found, Observation), found
    return found


def apply(store: Store, kind: str, data: dict[str, Any]) -> None:
    handle = handlers.observations("store-1")[kind]
    store.writer.run(lambda tx: handle(tx, seen(kind, data), NOON))


def commands(store: Store, device: str = "gw") -> list[dict[str, Any]]:
    with store.database.reader() as connection:
        due = outbox.due(connection, "9999")
    return [
        {"name": row["name"], **json.loads(row["payload"])}
        for row in due
        if row["device"] == device
    ]


def garbage(body: bytes, **more: Any) -> dict[str, Any]:
    told = {"family": "impinj", "topic": "rfid/x", "reason": "not_json", "detail": "why"}
    return told | {"body_base64": base64.b64encode(body).decode()} | more


# --- whom a gateway serves


def test_a_gateway_is_told_at_once_and_again_when_its_devices_change(store: Store) -> None:
    look = foreign.tell_gateways(store)
    look(NOON)
    look(NOON)
    (told,) = commands(store)
    assert told["name"] == "devices"
    assert told["devices"] == [
        {"device": "door-1", "family": "impinj", "address": "", "kind": "rfid",
         "grants": ["rfid/#"]},
    ]  # fmt: skip
    store.writer.run(
        lambda tx: fleet.enroll(
            tx, "bell", kind="button", place="", family="zigbee2mqtt", via="gw", address="bell"
        )
    )
    look(NOON)
    # The older list does not wait beside the newer one.
    (again,) = commands(store)
    assert [one["device"] for one in again["devices"]] == ["bell", "door-1"]
    assert again["key"] != told["key"]


def test_a_gateway_that_comes_back_is_told_again(store: Store) -> None:
    look = foreign.tell_gateways(store)
    look(NOON)
    (told,) = commands(store)
    store.writer.run(
        lambda tx: watch.status(
            tx.conn, "gw", at_ms=5, online=True, live=True, firmware=None, battery_pct=None
        )
    )
    look(NOON)
    (again,) = commands(store)
    assert again["key"] != told["key"]
    assert again["devices"] == told["devices"]


def test_the_last_device_that_goes_is_told_too(store: Store) -> None:
    look = foreign.tell_gateways(store)
    look(NOON)
    store.writer.run(lambda tx: fleet.revoke(tx, "door-1"))
    look(NOON)
    (told,) = commands(store)
    assert told["devices"] == []


# --- what was sighted


def test_what_a_gateway_sights_waits_to_be_adopted(store: Store) -> None:
    told = {"family": "shelly", "address": "shelly-1", "topic": "shelly-1/events/rpc"}
    apply(store, "sighted", told | {"name": "Plus 1"})
    apply(store, "sighted", told)
    with store.database.reader() as connection:
        (one,) = queries.sightings(connection)
    assert (one.family, one.address, one.via, one.times) == ("shelly", "shelly-1", "gw", 2)


# --- what nobody could read


def test_garbage_is_quarantined_with_family_and_reason(store: Store) -> None:
    apply(store, "garbage", garbage(b"{broken"))
    with store.database.reader() as connection:
        (row,) = quarantine.waiting(connection)
    assert (row.source, row.device, row.topic) == ("foreign", "gw", "rfid/x")
    assert (row.reason, row.detail, row.body) == ("impinj: not_json", "impinj: why", b"{broken")


def test_it_goes_back_to_its_gateway_to_be_read_again(store: Store) -> None:
    apply(store, "garbage", garbage(b"\x00\xff{broken"))
    with store.database.reader() as connection:
        (row,) = quarantine.waiting(connection)
    sources = {foreign.SOURCE: foreign.replay}
    outcome = store.writer.run(lambda tx: quarantine.replay(tx, row.id, sources))
    assert outcome == "sent back"
    (told,) = commands(store)
    assert (told["name"], told["family"], told["topic"]) == ("reread", "impinj", "rfid/x")
    assert base64.b64decode(told["body_base64"]) == b"\x00\xff{broken"
    with store.database.reader() as connection:
        assert quarantine.waiting(connection) == []
    # Still unreadable: it waits again, and is counted.
    apply(store, "garbage", garbage(b"\x00\xff{broken"))
    with store.database.reader() as connection:
        assert [one.times for one in quarantine.waiting(connection)] == [2]


def test_what_was_not_kept_whole_does_not_go_back(store: Store) -> None:
    apply(store, "garbage", garbage(b"x" * 100, size=300_000, reason="too_large"))
    with store.database.reader() as connection:
        (row,) = quarantine.waiting(connection)
    assert row.reason == "impinj: too_large (cut)"
    assert "The first 100 of 300000 bytes." in row.detail
    with pytest.raises(Refusal, match="not kept whole"):
        store.writer.run(lambda tx: foreign.replay(tx, row))


def test_a_body_that_is_no_base64_is_refused(store: Store) -> None:
    with pytest.raises(Invalid):
        apply(store, "garbage", garbage(b"") | {"body_base64": "*"})
