"""A family without code: what its file says, and what a wrong file is told."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.adapters import Glitch, Reading, Received, Status, mapped
from hub.errors import Invalid

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW = Received(NOON)
GOOD = """
family = "acme"

[[message]]
topic = "acme/{address}/telemetry"
kind = "measure"
time = "$.ts"
id = ["$.seq", "$.ts"]
when = { "$.type" = "reading" }
[message.data]
quantity = "temperature"
value = { path = "$.temp", scale = 0.1 }
unit = "°C"

[[message]]
topic = "acme/{address}/door/{side...}"
kind = "presence"
state = true
format = "scalar"
[message.data]
present = { path = "$", values = { CLOSED = true, OPEN = false } }

[[message]]
topic = "acme/hub/tags"
kind = "rfid"
address = "$$.reader"
each = "$.tags[*]"
time = "$.at"
time_unit = "ms"
id = ["$.at", "$.epc"]
[message.data]
epc = "$.epc"
antenna = "$.ports[0]"
rssi_dbm = '$["signal dBm"]'

[[message]]
topic = "acme/{address}/lwt"
kind = "status"
format = "scalar"
values = { up = true, down = false }
"""


def adapter(tmp_path: Path, text: str = GOOD) -> Any:
    file = tmp_path / "acme.toml"
    file.write_text(text, encoding="utf-8")
    return mapped.load(file)


def read(tmp_path: Path, topic: str, payload: object, text: str = GOOD) -> list[Any]:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    found: list[Any] = adapter(tmp_path, text).read(topic, raw, NOW)
    return found


def test_a_file_reads_json_by_paths(tmp_path: Path) -> None:
    said = {"type": "reading", "temp": 215, "seq": 7, "ts": "2026-11-21T11:59:59.5Z"}
    (one,) = read(tmp_path, "acme/shelf-1/telemetry", said)
    assert one.data == {"quantity": "temperature", "value": 21.5, "unit": "°C"}
    assert (one.address, one.kind, one.quality) == ("shelf-1", "measure", "synced")
    assert one.at == NOON - timedelta(milliseconds=500)
    (again,) = read(tmp_path, "acme/shelf-1/telemetry", said)
    (other,) = read(tmp_path, "acme/shelf-1/telemetry", said | {"seq": 8})
    assert one.id == again.id != other.id
    assert read(tmp_path, "acme/shelf-1/telemetry", said | {"type": "log"}) == []
    assert read(tmp_path, "acme/shelf-1/other", said) == []


def test_a_bare_value_is_translated_and_is_a_state(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "acme/shelf-1/door/left/upper", b"OPEN")
    assert (one.kind, one.data, one.state) == ("presence", {"present": False}, "presence")
    assert (one.id, one.quality) == (None, "estimated")
    (bad,) = read(tmp_path, "acme/shelf-1/door/left", b"AJAR")
    assert isinstance(bad, Glitch)


def test_each_element_of_a_list_is_one_observation(tmp_path: Path) -> None:
    tags = [{"epc": "aa01", "ports": [1], "signal dBm": -60, "at": 1795262399500},
            {"epc": "aa02", "ports": [2], "signal dBm": -61, "at": 1795262399600}]  # fmt: skip
    found = read(tmp_path, "acme/hub/tags", {"reader": "r9", "tags": tags})
    assert [(one.address, one.data["epc"], one.data["antenna"]) for one in found] == [
        ("r9", "aa01", 1), ("r9", "aa02", 2),
    ]  # fmt: skip
    # One bad element spoils no other.
    tags[0].pop("epc")
    found = read(tmp_path, "acme/hub/tags", {"reader": "r9", "tags": tags})
    assert [type(one) for one in found] == [Glitch, Reading]
    (none,) = read(tmp_path, "acme/hub/tags", {"reader": "r9"})
    assert isinstance(none, Glitch)


def test_a_last_will_is_a_status(tmp_path: Path) -> None:
    assert read(tmp_path, "acme/shelf-1/lwt", b"down") == [Status("shelf-1", False)]


def test_a_value_that_the_kind_does_not_take_is_a_glitch(tmp_path: Path) -> None:
    said = {"type": "reading", "temp": "warm", "seq": 7, "ts": 1}
    (one,) = read(tmp_path, "acme/shelf-1/telemetry", said)
    assert isinstance(one, Glitch)
    (one,) = read(tmp_path, "acme/shelf-1/telemetry", {"type": "reading"})
    assert one.reason == "bad_data"


def test_a_path_goes_into_what_it_says_and_a_number_stays_a_number(tmp_path: Path) -> None:
    """A text has no first element, and what is too large to be told is no measure."""
    tags = [{"epc": "aa01", "ports": "12", "signal dBm": -60, "at": 1}]
    (one,) = read(tmp_path, "acme/hub/tags", {"reader": "r9", "tags": tags})
    assert isinstance(one, Glitch)
    for temp in (b"1" * 400, b"1e308", b"true", b"null"):
        said = b'{"type":"reading","seq":1,"ts":1,"temp":%s}' % temp
        text = GOOD.replace("scale = 0.1", "scale = 10.0")
        (one,) = read(tmp_path, "acme/s/telemetry", said, text)
        assert isinstance(one, Glitch), temp


def test_an_identity_that_is_missing_is_none(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "acme/s/telemetry", {"type": "reading", "temp": 1, "ts": 5})
    assert one.id is None


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('family = "acme"', 'family = "Acme!"', "family = 'Acme!': is no name"),
        ('family = "acme"', 'famly = "acme"', "famly = 'acme': there is no such key"),
        ('kind = "measure"', 'kind = "mesure"', "message[0].kind = 'mesure': is no kind"),
        ("acme/{address}/telemetry", "acme/#", "message[0].topic = 'acme/#': is no topic"),
        ("acme/{address}/telemetry", "acme/x{address}", "must be a whole level"),
        ("{side...}", "{side...}/x", "may stand only at the end"),
        ("{side...}", "{address}", "stands there twice"),
        ("acme/{address}/telemetry", "acme/telemetry", "message[0].address = (nothing): is miss"),
        ('time = "$.ts"', 'time = "$.ts[x]"', "message[0].time = '$.ts[x]': the path breaks off"),
        ('time = "$.ts"', 'timme = "$.ts"', "message[0].timme = '$.ts': there is no such key"),
        ('time_unit = "ms"', 'time_unit = "h"', "message[2].time_unit = 'h': is none of"),
        ("scale = 0.1", 'scale = "x"', "message[0].data.value.scale = 'x': is no number"),
        ("scale = 0.1", "skale = 0.1", "message[0].data.value.skale = 0.1: there is no such key"),
        ('quantity = "temperature"\n', "", "message[0].data.quantity = (nothing): a measure needs"),
        ('unit = "°C"', 'units = "°C"', "message[0].data.units = '°C': there is no such key"),
        ("state = true", 'state = "yes"', "message[1].state = 'yes': is neither true nor false"),
        ('format = "scalar"', 'format = "xml"', "message[1].format = 'xml': is neither"),
        ('each = "$.tags[*]"', 'each = "$.tags"', "message[2].each = '$.tags': is no path that"),
        ('id = ["$.seq", "$.ts"]', 'id = "$.seq"', "message[0].id = '$.seq': must be a list"),
        ("[[message]]", "[message]", "message = "),
        ("family =", "family ==", "acme.toml: Invalid"),
    ],
)
def test_a_wrong_file_is_told_file_key_and_value(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1) if new != "[message]" else "family='a'\nmessage = 3"
    with pytest.raises(Invalid) as told:
        adapter(tmp_path, text)
    assert told.value.sentence.startswith("acme.toml: ")
    assert sentence in told.value.sentence


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nowhere"):
        mapped.load(tmp_path / "nowhere.toml")


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(["acme/a/telemetry", "acme/a/door/x", "acme/hub/tags", "acme/a/lwt"]),
       st.binary(max_size=60) | st.recursive(
           st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
           lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
               st.sampled_from(["type", "temp", "ts", "seq", "tags", "reader", "epc", "at"]),
               inner, max_size=4), max_leaves=8).map(lambda v: json.dumps(v).encode()))  # fmt: skip
def test_no_message_whatever_crashes_a_mapping(
    tmp_path_factory: pytest.TempPathFactory, topic: str, raw: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzz.toml"
    if not file.exists():
        file.write_text(GOOD, encoding="utf-8")
    for one in mapped.load(file).read(topic, raw, NOW):
        assert isinstance(one, Reading | Status | Glitch)
