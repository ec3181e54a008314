"""No message whatever crashes an adapter or takes its time; the unreadable is said to be so."""

import json
import time
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from devices.adapters import BUILT_IN, Glitch, Heard, Learned, Reading, Received, Sighted, Status
from devices.adapters.shapes import LARGEST
from hub import wire
from tests.devices.adapters.corpus import Sample, samples

NOW = Received(datetime(2026, 11, 21, 12, tzinfo=UTC))
SAMPLES = samples()
# One topic of each shape that a family knows.
TOPICS = sorted({(one.family, one.topic) for one in SAMPLES})
FAST = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["data", "params", "events", "tagInventoryEvent", "epcHex", "epc", "idHex", "eventNum",
             "timestamp", "ts", "contact", "action", "battery", "input:0", "state", "tagData",
             "barcodeData", "decodedBarcode", "type", "eventType", "method", "friendly_name",
             "last_seen", "eventName", "component", "event", "antennaPort", "peakRssi"]
        ) | st.text(max_size=8),
        inner,
        max_size=5,
    ),
    max_leaves=15,
)  # fmt: skip


def judge(family: str, topic: str, payload: bytes) -> list[Heard]:
    """Read; all that comes out fits its kind, whatever went in."""
    found = BUILT_IN[family].read(topic, payload, NOW)
    for one in found:
        assert isinstance(one, Reading | Sighted | Status | Learned | Glitch)
        if isinstance(one, Reading):
            msgspec.convert(one.data, wire.KINDS[one.kind])
            msgspec.json.encode(one.data)
            assert one.at is None or one.at <= NOW.at
            assert one.id is None or len(one.id) <= 64
        if isinstance(one, Glitch):
            assert one.reason
            assert len(one.detail) <= 300
    return found


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_message_that_breaks_off_anywhere_is_read_or_refused(sample: Sample) -> None:
    step = max(1, len(sample.payload) // 120)
    for end in range(0, len(sample.payload), step):
        judge(sample.family, sample.topic, sample.payload[:end])


@FAST
@given(st.sampled_from(SAMPLES), st.data())
def test_a_flipped_byte_is_read_or_refused(sample: Sample, data: st.DataObject) -> None:
    raw = bytearray(sample.payload)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    judge(sample.family, sample.topic, bytes(raw))


@FAST
@given(st.sampled_from(TOPICS), st.binary(max_size=200))
@example(TOPICS[0], b"\xff\xfe")
def test_bytes_whatever_are_read_or_refused(at: tuple[str, str], raw: bytes) -> None:
    judge(*at, raw)


@FAST
@given(st.sampled_from(TOPICS), JSON)
def test_json_whatever_is_read_or_refused(at: tuple[str, str], value: object) -> None:
    judge(*at, json.dumps(value).encode())


@FAST
@given(st.sampled_from(sorted(BUILT_IN)), st.text(max_size=60), st.binary(max_size=40))
def test_a_topic_whatever_is_read_or_refused(family: str, topic: str, raw: bytes) -> None:
    judge(family, topic, raw)
    judge(family, f"a/clients/{topic}/x/state", raw)


@FAST
@given(st.lists(st.sampled_from(SAMPLES), min_size=2, max_size=4))
def test_glued_messages_are_read_or_refused(several: list[Sample]) -> None:
    judge(several[0].family, several[0].topic, b"".join(one.payload for one in several))


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"data":' * 30_000,
        b'{"a":[{},' * 20_000,
        b"1" * 200_000,
        b'{"n":1e999999}',
        b"NaN",
        b'{"temperature":NaN,"data":{"idHex":NaN}}',
        b"\xc3\x28" * 50_000,
        b"{}" * 100_000,
        b" " * 200_000 + b"{",
        b'{"a":"\\ud800"}',
        b"x" * (LARGEST + 1),
    ],
    ids=lambda raw: f"{raw[:12]!r} of {len(raw)}",
)
def test_the_time_for_one_message_is_bounded(raw: bytes) -> None:
    for family, topic in TOPICS:
        began = time.process_time()
        judge(family, topic, raw)
        assert time.process_time() - began < 2.0, (family, topic)


@pytest.mark.parametrize("family", sorted(BUILT_IN))
def test_garbage_is_answered_with_its_reason(family: str) -> None:
    topic = next(
        one.topic for one in SAMPLES if one.family == family and one.expect
        and one.expect[0][0] not in ("status", "sighted", "learned")
    )  # fmt: skip
    reasons = {}
    for raw in (b"{", b"\xff\xff", b"x" * (LARGEST + 1)):
        (found,) = judge(family, topic, raw)
        assert isinstance(found, Glitch)
        reasons[raw[:2]] = found.reason
    assert reasons[b"xx"] == "too_large"
    assert reasons[b"{"] in ("not_json", "bad_number", "not_protobuf")
