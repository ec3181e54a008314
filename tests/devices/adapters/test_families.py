"""Each family reads its corpus, and what each answers about identity, time and repetition."""

import json
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import msgspec
import pytest

from devices.adapters import BUILT_IN, Glitch, Reading, Received, Sighted, Status
from devices.adapters.shapes import BUFFERED, CLOSE, MOST, happened, online, rfc3339
from hub import wire
from tests.devices.adapters.corpus import PAYLOADS, Sample, samples, shown
from tests.devices.adapters.edge_node import metric, payload

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW = Received(NOON)
SAMPLES = samples()


def heard(family: str, topic: str, payload: object, received: Received = NOW) -> list[Any]:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return BUILT_IN[family].read(topic, raw, received)


def tag(**changes: Any) -> dict[str, Any]:
    inside = {"epcHex": "303435FC8803D056D15B963F", "antennaPort": 1, "peakRssiCdbm": -7000}
    return {
        "timestamp": "2026-11-21T11:59:59.123456789Z",
        "eventType": "tagInventory",
        "tagInventoryEvent": inside,
    } | changes


def fx(**changes: Any) -> dict[str, Any]:
    inside = {"antenna": 1, "eventNum": 42, "idHex": "303435fc8803d056d15b963f", "peakRssi": -70}
    stamp = "2026-11-21T11:59:59.000+0000"
    return {"type": "SIMPLE", "timestamp": stamp, "data": inside | changes}


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_recorded_message_says_what_the_corpus_wrote_down(sample: Sample) -> None:
    found = BUILT_IN[sample.family].read(sample.topic, sample.payload, sample.received)
    assert [shown(one) for one in found] == sample.expect
    assert sample.source
    for one in found:
        if isinstance(one, Reading):
            msgspec.convert(one.data, wire.KINDS[one.kind])
            if sample.quality:
                assert one.quality == sample.quality


def test_every_family_has_a_corpus_and_a_page_that_answers_five_questions() -> None:
    for family, adapter in BUILT_IN.items():
        assert list((PAYLOADS / family).glob("*.json")), family
        page = " ".join((import_module(adapter.read.__module__).__doc__ or "").split())
        for word in ("Identity:", "Dedupe key:", "Clock:", "Retained:", "Last will:", "| topic |"):
            assert word in page, f"{family}: {word}"


# --- identity: the same event has the same id, another event another


def ids(family: str, topic: str, payload: object) -> list[str | None]:
    return [one.id for one in heard(family, topic, payload) if isinstance(one, Reading)]


def test_the_same_event_sent_again_has_the_same_id() -> None:
    for family, topic, event in (
        ("impinj", "rfid/a", tag()),
        ("zebra-fx", "fx", fx()),
        ("zebra-sled", "t/DATA/clients/data1event/9", {
            "timestamp": "2026-11-21T11:59:59Z", "data": {"tagData": [
                {"EPCid": "BEDD1111", "eventNum": 7, "peakRssi": -40}]}}),
        ("shelly", "s/events/rpc", {"method": "NotifyEvent", "params": {"events": [
            {"component": "input:0", "event": "single_push", "ts": 1795262399.47}]}}),
        ("zigbee2mqtt", "zigbee2mqtt/bell", {"action": "single", "last_seen": 1795262399871}),
    ):  # fmt: skip
        (first,), (second,) = ids(family, topic, event), ids(family, topic, event)
        assert first is not None, family
        assert first == second
        assert len(first) <= 64


def test_another_event_has_another_id() -> None:
    (base,) = ids("impinj", "rfid/a", tag())
    assert ids("impinj", "rfid/a", tag(timestamp="2026-11-21T11:59:59.123456790Z")) != [base]
    assert ids("impinj", "rfid/b", tag()) != [base]
    inside = tag()["tagInventoryEvent"]
    for change in ({"epcHex": "303435FC8803D056D15B9640"}, {"antennaPort": 2}):
        assert ids("impinj", "rfid/a", tag(tagInventoryEvent=inside | change)) != [base]
    (base,) = ids("zebra-fx", "fx", fx())
    assert ids("zebra-fx", "fx", fx(eventNum=43)) != [base]
    assert ids("zebra-fx", "fx", fx(idHex="303435fc8803d056d15b9640")) != [base]


def test_a_reader_that_begins_to_count_again_names_new_events() -> None:
    later = fx() | {"timestamp": "2026-11-21T12:00:00.000+0000"}
    assert ids("zebra-fx", "fx", fx()) != ids("zebra-fx", "fx", later)


def test_two_scans_of_one_code_within_a_second_are_two_scans() -> None:
    event = {
        "timestamp": "2026-11-21T11:59:59Z",
        "data": {"barcodeData": [{"decodedBarcode": "4006381333931"}]},
    }
    assert ids("zebra-sled", "t/DATA/clients/data1event/9", event) == [None]
    event["timestamp"] = "2026-11-21T11:59:59.250Z"
    assert ids("zebra-sled", "t/DATA/clients/data1event/9", event) != [None]


def test_a_bare_value_has_no_identity_and_an_unset_clock_gives_none() -> None:
    assert ids("esphome", "n/sensor/t/state", b"22.5") == [None]
    push = {"component": "input:0", "event": "single_push", "ts": 3.25}
    event = {"method": "NotifyEvent", "params": {"events": [push]}}
    assert ids("shelly", "s/events/rpc", event) == [None]


# --- clock


@pytest.mark.parametrize(
    ("told", "at", "quality"),
    [
        (NOON - timedelta(seconds=1), NOON - timedelta(seconds=1), "synced"),
        (NOON - CLOSE, NOON - CLOSE, "synced"),
        (NOON - CLOSE - timedelta(seconds=1), NOON - CLOSE - timedelta(seconds=1), "estimated"),
        (NOON - BUFFERED, NOON - BUFFERED, "estimated"),
        (NOON - BUFFERED - timedelta(seconds=1), NOON, "estimated"),
        (NOON + CLOSE, NOON, "synced"),
        (NOON + CLOSE + timedelta(seconds=1), NOON, "estimated"),
        (datetime(1970, 1, 1, tzinfo=UTC), NOON, "estimated"),
        (None, NOON, "estimated"),
    ],
)
def test_a_device_s_time_counts_where_it_can_be_true(
    told: datetime | None, at: datetime, quality: str
) -> None:
    assert happened(told, NOW) == (at, quality)


def test_a_gateway_without_a_clock_claims_nothing() -> None:
    assert happened(NOON, Received(NOON, "unknown")) == (None, "unknown")


def test_a_time_without_a_zone_is_no_time() -> None:
    assert rfc3339("2026-11-21T12:00:00") is None
    assert rfc3339("2021-02-02T22:18:35.658476625Z") == datetime(
        2021, 2, 2, 22, 18, 35, 658476, UTC
    )
    assert rfc3339("2024-11-21T13:20:53.319-0600") == datetime(
        2024, 11, 21, 19, 20, 53, 319000, UTC
    )


# --- states


def test_a_state_is_named_and_an_event_is_not() -> None:
    (contact,) = heard("zigbee2mqtt", "zigbee2mqtt/d", {"contact": False})
    (action,) = heard("zigbee2mqtt", "zigbee2mqtt/d", {"action": "single"})
    assert (contact.state, action.state) == ("contact", None)
    status = {"method": "NotifyStatus", "params": {"input:1": {"state": False}}}
    (switched,) = heard("shelly", "s/events/rpc", status)
    assert switched.state == "input:1.state"
    (read,) = heard("impinj", "r", tag())
    assert read.state is None


def test_an_overlay_says_nothing_of_what_it_leaves_out() -> None:
    status = {"method": "NotifyStatus", "params": {"ts": 1.0, "input:0": {"id": 0}}}
    assert heard("shelly", "s/events/rpc", status) == []


def test_switched_off_fields_are_told_as_unknown() -> None:
    (read,) = heard("impinj", "r", tag(tagInventoryEvent={"epc": "4oARYGAAAgpmgfI_"}))
    assert read.data == {"epc": "e28011606000020a6681f23f", "antenna": 0, "rssi_dbm": -99.0}


def test_one_bad_part_spoils_no_other() -> None:
    bad = tag(tagInventoryEvent={"epcHex": "xyz"})
    found = heard("impinj", "r", [tag(), bad, tag()])
    assert [type(one) for one in found] == [Reading, Glitch, Reading]
    glued = json.dumps(fx()) + json.dumps(fx(eventNum=43)) + '{"type":"SIM'
    found = heard("zebra-fx", "fx", glued.encode())
    assert [type(one) for one in found] == [Reading, Reading, Glitch]
    found = heard("zigbee2mqtt", "zigbee2mqtt/d", {"contact": "yes", "occupancy": True})
    assert [type(one) for one in found] == [Glitch, Reading]


@pytest.mark.parametrize(
    ("said", "there"),
    [(b"online", True), (b'"Online"', True), (b"false", False), (b'{"state":"offline"}', False),
     (b'{"online":true}', True), (b'{"connectionState":"CONNECTED"}', True)],
)  # fmt: skip
def test_a_last_will_is_understood(said: bytes, there: bool) -> None:
    assert online(said) is there
    assert heard("esphome", "node/status", said) == [Status("node", there)]


def test_a_custom_prefix_is_the_address_and_the_device_s_own_name_is_told() -> None:
    frame = {"src": "shellyplus1-a8", "method": "NotifyStatus", "params": {}}
    assert heard("shelly", "shop/door/events/rpc", frame) == [
        Sighted("shop/door", "shellyplus1-a8")
    ]


def test_what_is_taken_back_says_nothing() -> None:
    for family, sample in {one.family: one for one in SAMPLES}.items():
        assert heard(family, sample.topic, b"") == []


def test_a_payload_that_ends_inside_a_field_is_not_taken_for_a_shorter_one() -> None:
    whole = payload(metric("Temperature", 4.5, stamp=1795262399500), stamp=1795262399500)
    topic = "spBv1.0/shop/DDATA/edge-1/cooler"
    assert [type(one) for one in heard("sparkplug", topic, whole)] == [Reading]
    # From inside the metric's name to inside its value.
    for end in range(12, len(whole) - 3):
        (one,) = heard("sparkplug", topic, whole[:end])
        assert isinstance(one, Glitch), end
        assert one.reason == "not_protobuf"


def test_so_many_glued_texts_are_read_and_no_more() -> None:
    assert heard("zebra-fx", "fx", b'{"type":"log"}' * MOST) == []
    (found,) = heard("zebra-fx", "fx", b'{"type":"log"}' * (MOST + 1))
    assert found.reason == "too_many"
