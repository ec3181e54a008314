"""What may stand on the wire, and what each odd thing is called."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import wire
from hub.errors import Invalid
from hub.wire import Observation, Unreadable
from tests.hub.ingesting import body

NOW_MS = 1_795_262_400_000


def one(
    kind: str = "weight", data: dict[str, object] | None = None, **changes: object
) -> Observation:
    raw = json.dumps(body({"grams": 1.5} if data is None else data, **changes)).encode()
    (found,) = wire.read("d1", kind, raw)
    assert isinstance(found, Observation), found
    return found


def test_a_topic_is_read_as_it_is_written() -> None:
    for rest in (("obs", "scan"), ("cmd", "print"), ("status",), ("ack",)):
        text = wire.topic("s1", "till-1", *rest)
        found = wire.parse_topic(text)
        assert (found.store, found.device, found.channel) == ("s1", "till-1", rest[0])
        assert found.name == "".join(rest[1:])


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "storehub",
        "storehub/v1/s1/d1",
        "storehub/v2/s1/d1/obs/scan",
        "storehub/v1/s1/d1/obs",
        "storehub/v1/s1/d1/obs/scan/more",
        "storehub/v1/s1/d 1/obs/scan",
        "storehub/v1//d1/obs/scan",
        "storehub/v1/s1/d1/status/x",
        "storehub/v1/s1/" + "d" * 65 + "/obs/scan",
        "/storehub/v1/s1/d1/obs/scan",
    ],
)
def test_any_other_topic_is_refused_by_name(topic: str) -> None:
    with pytest.raises(Invalid) as caught:
        wire.parse_topic(topic)
    assert caught.value.slug == "bad_topic"


@given(st.binary(max_size=300), st.sampled_from(["scan", "batch", "weight", "x"]))
def test_no_bytes_whatever_raise(raw: bytes, kind: str) -> None:
    for found in wire.read("d1", kind, raw):
        assert isinstance(found, Observation | Unreadable)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(
    inner) | st.dictionaries(st.text(), inner), max_leaves=10))  # fmt: skip
def test_no_json_whatever_raises(value: object) -> None:
    raw = json.dumps(value).encode()
    for name in ("scan", "batch", "sale"):
        for found in wire.read("d1", name, raw):
            assert isinstance(found, Observation | Unreadable)


def test_each_kind_reads_what_the_contract_shows() -> None:
    shown: dict[str, list[dict[str, object]]] = {
        "scan": [{"code": "4006381333931"}, {"code": "x", "symbology": "EAN13", "context": {}}],
        "weight": [{"grams": 412.5}, {"grams": 412}],
        "presence": [{"present": True}],
        "rfid": [{"epc": "303435fc8803d056d15b963f", "antenna": 1, "rssi_dbm": -61.5}],
        "sale": [{"sale_id": "T-1", "lines": [{"sku": "4711", "qty": 1}, {"gtin": "1", "qty": 2}]}],
        "kiosk": [{"event": "viewed"}, {"event": "searched", "query": "milk", "sku": "4711"}],
        "heartbeat": [{}, {"battery_pct": 81, "firmware": "1.0"}],
        "printed": [{"job": "k1", "state": "printed"}],
        "done": [{"key": "k1", "state": "done"}],
        "measure": [{"quantity": "temperature", "value": 27.34, "unit": "°C"},
                    {"quantity": "linkquality", "value": 128}],
        "input": [{"input": "0", "event": "double"}],
        "sighted": [{"family": "zigbee2mqtt", "address": "0x00124b0022"},
                    {"family": "shelly", "address": "a", "topic": "a/events/rpc", "name": "b"}],
        "garbage": [{"family": "impinj", "topic": "rfid/x", "reason": "not_json",
                     "body_base64": "eA==", "detail": "…", "size": 70000},
                    {"family": "impinj", "topic": "x", "reason": "not_json", "body_base64": ""}],
    }  # fmt: skip
    assert set(shown) == set(wire.KINDS)
    for kind, bodies in shown.items():
        for data in bodies:
            one(kind, data)


def test_the_limits_are_64_kib_a_message_and_256_a_batch() -> None:
    at_limit = json.dumps(body({"code": "x"})).encode().ljust(wire.MESSAGE_LIMIT)
    (found,) = wire.read("d1", "scan", at_limit)
    assert isinstance(found, Observation)
    (found,) = wire.read("d1", "scan", at_limit + b" ")
    assert isinstance(found, Unreadable)
    assert found.reason == "too_large"
    (found,) = wire.read("d1", "batch", b"[]".ljust(wire.BATCH_LIMIT + 1))
    assert isinstance(found, Unreadable)
    assert found.reason == "too_large"


def test_whitespace_and_the_order_of_keys_are_no_other_body() -> None:
    written = body({"sale_id": "T1", "lines": [{"sku": "1", "qty": 2}]})
    turned = dict(reversed(written.items()))
    (first,) = wire.read("d1", "sale", json.dumps(written).encode())
    (second,) = wire.read("d1", "sale", json.dumps(turned, indent=2).encode())
    assert isinstance(first, Observation)
    assert isinstance(second, Observation)
    assert first.digest == second.digest


@pytest.mark.parametrize("change", [{"seq": 9}, {"boot": "b9"}, {"data": {"grams": 2}}])
def test_another_number_boot_or_value_is_another_body(change: dict[str, object]) -> None:
    base = body({"grams": 1}, id="x", seq=1)
    (first,) = wire.read("d1", "weight", json.dumps(base).encode())
    (second,) = wire.read("d1", "weight", json.dumps(base | change).encode())
    assert isinstance(first, Observation)
    assert isinstance(second, Observation)
    assert first.digest != second.digest


def test_what_is_written_again_reads_the_same() -> None:
    first = one("scan", {"code": 'a"b\\c'}, at=None, time_quality="unknown")
    (second,) = wire.read_kept("d1", "scan", wire.write(first))
    assert second == first


@pytest.mark.parametrize(
    ("at_ms", "quality", "began_ms", "expected_ms"),
    [
        (NOW_MS - 5000, "synced", None, NOW_MS - 5000),
        (NOW_MS - 5000, "estimated", None, NOW_MS - 5000),
        (NOW_MS - 5000, "unknown", None, NOW_MS),
        (NOW_MS - 5000, "unknown", NOW_MS - 90_000, NOW_MS - 30_000),
        (70_000, "estimated", NOW_MS - 90_000, NOW_MS - 30_000),
        (NOW_MS + 4 * 60_000, "synced", None, NOW_MS),
        (NOW_MS + 6 * 60_000, "synced", NOW_MS - 90_000, NOW_MS - 30_000),
        (None, "unknown", NOW_MS - 10_000, NOW_MS),
        (None, "unknown", NOW_MS - 2**62, NOW_MS),
    ],
)
def test_the_best_estimate_of_the_time(
    at_ms: int | None, quality: str, began_ms: int | None, expected_ms: int
) -> None:
    at = None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
    seen = one(at=at, time_quality=quality, uptime_ms=60_000)
    assert wire.occurred_ms(seen, NOW_MS, began_ms) == expected_ms


def test_only_a_device_that_knows_the_time_can_be_too_old() -> None:
    old = datetime.fromtimestamp((NOW_MS - 401 * wire.DAY_MS) / 1000, UTC).isoformat()
    assert wire.too_old(one(at=old), NOW_MS)
    assert not wire.too_old(one(at=old, time_quality="estimated"), NOW_MS)
    assert not wire.too_old(one(at=None), NOW_MS)


def test_a_badge_is_masked_wherever_it_stands_and_only_once() -> None:
    masked = wire.mask_badges(b'x "SH1:B:SECRET" sh1:b:other]C1SH1:B:AB')
    assert b"SECRET" not in masked
    assert b"other" not in masked
    assert wire.mask_badges(masked) == masked
    assert wire.mask_badges(b"SH1:O:W-1 SH1:S:A1") == b"SH1:O:W-1 SH1:S:A1"


@pytest.mark.parametrize(
    ("raw", "online"),
    [(b"online", True), (b" OFFLINE ", False), (b'{"online":true,"later":1}', True)],
)
def test_a_status_is_read_also_as_a_bare_word(raw: bytes, online: bool) -> None:
    assert wire.read_status(raw).online is online


@pytest.mark.parametrize("raw", [b"on", b"[]", b"{}", b"\xff"])
def test_any_other_status_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        wire.read_status(raw)
