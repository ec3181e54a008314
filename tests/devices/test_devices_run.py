"""`devices.toml`: what it may say, what a wrong one is told, and parts that die alone."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from devices import run as parts
from devices.account import Account
from devices.run import Part
from hub.errors import Invalid
from tests.hub.ingesting import until

GOOD = """
[gateway]
device = "gw"
mappings = ["acme.toml"]

[[camera]]
device = "cam-1"
source = "/dev/video0"
[camera.area]
left = 0.25

[[camera]]
device = "cam-2"
source = "1"
account = "elsewhere.json"

[serial]
device = "scanner-1"
port = "/dev/ttyACM0"
baud = 9600

[printer]
device = "printer-1"
address = "tcp://10.0.0.7:9100"
"""
MAPPING = 'family="acme"\n[[message]]\ntopic="a/{address}"\nkind="status"\nformat="scalar"\n'


def plan(tmp_path: Path, text: str) -> list[Part]:
    (tmp_path / "acme.toml").write_text(MAPPING)
    file = tmp_path / "devices.toml"
    file.write_text(text)
    return parts.load(file, tmp_path / "data")


def test_each_table_is_a_part_with_its_own_account_and_settings(tmp_path: Path) -> None:
    found = {str(one): one for one in plan(tmp_path, GOOD)}
    assert list(found) == [
        "gateway gw", "camera cam-1", "camera cam-2", "serial scanner-1", "printer printer-1",
    ]  # fmt: skip
    assert found["camera cam-1"].settings.area.left == 0.25
    assert found["camera cam-1"].account == tmp_path / "data" / "devices" / "cam-1.json"
    assert found["camera cam-2"].account == tmp_path / "data" / "elsewhere.json"
    assert found["gateway gw"].settings.mappings == (tmp_path / "acme.toml",)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[gateway]", "[gatewey]", "gatewey = "),
        ("mappings", "mapings", "gateway.mapings = ['acme.toml']: there is no such key; did you"),
        ("acme.toml", "other.toml", "other.toml: "),
        ('source = "1"', 'sorce = "1"', "camera[1].sorce = '1': there is no such key; did"),
        ("left = 0.25", "lift = 0.25", "camera[0].area.lift = 0.25: there is no such key"),
        ("left = 0.25", 'left = "x"', "camera[0]: area.left = 'x': Expected `float`, got `str`."),
        ("baud = 9600", 'baud = "fast"', "serial: baud = 'fast': Expected `int`, got `str`."),
        ("baud = 9600", "baud = 9601", "serial: "),
        ('device = "scanner-1"\n', "", "serial.device = None: must be the id"),
        ('"scanner-1"', '"gw"', "device = 'gw': two parts cannot be one device"),
        ('address = "tcp://10.0.0.7:9100"\n', "", "printer: "),
        (GOOD, "", "devices.toml names no part"),
        (GOOD, "gateway = 3", "gateway = 3: must be a table"),
        (GOOD, "[gateway", "devices.toml: "),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_file_key_and_value(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    assert old in GOOD
    with pytest.raises(Invalid) as told:
        plan(tmp_path, GOOD.replace(old, new, 1))
    assert sentence in told.value.sentence
    assert ".toml" in told.value.sentence


def part(tmp_path: Path, name: str, work: Any) -> Part:
    account = tmp_path / "devices" / f"{name}.json"
    Account("s", name, "127.0.0.1", 1, name, "x").save(account)
    return Part("test", name, account, None, work)


def test_a_part_that_dies_is_started_again_and_takes_no_other_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(parts, "AGAIN_S", (0.01, 0.02))
    stop, lives, steady = threading.Event(), [0], [0]
    begun = threading.Event()

    def dies(_settings: Any, client: Any, _stop: threading.Event) -> None:
        client.observe("scan", {"code": str(lives[0])})
        lives[0] += 1
        if lives[0] == 3:
            # Three lives may be over before the other's thread has begun its first.
            begun.wait(60)
            stop.set()
            return
        raise ZeroDivisionError if lives[0] == 1 else Invalid("Nothing is plugged in there.")

    def lasts(_settings: Any, _client: Any, until: threading.Event) -> None:
        steady[0] += 1
        begun.set()
        until.wait(60)

    parts.run([part(tmp_path, "a", dies), part(tmp_path, "b", lasts)], tmp_path, stop)
    assert (lives, steady) == ([3], [1])
    said = [one for one in caplog.messages if "started again" in one]
    assert [one.rpartition(": ")[2] for one in said] == [
        "ZeroDivisionError", "Nothing is plugged in there.",
    ]  # fmt: skip


def test_a_part_without_its_account_says_so_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(parts, "AGAIN_S", (0.01, 0.02))
    stop = threading.Event()
    one = part(tmp_path, "a", lambda *_: stop.set())
    one.account.rename(tmp_path / "later")
    running = threading.Thread(target=parts.run, args=([one], tmp_path, stop), daemon=True)
    running.start()
    until(lambda: "There is no account at" in caplog.text, "it says so")
    (tmp_path / "later").rename(one.account)
    running.join(60)
    assert stop.is_set()


def test_a_part_that_takes_commands_has_said_so_before_its_client_connects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a print that waits is answered with "unknown command" and never printed."""
    stop, taken = threading.Event(), []
    start = parts.DeviceClient.start

    def seen(client: Any) -> None:
        taken.append("print" in client._takers)
        start(client)
        stop.set()

    def printer(_settings: Any, client: Any, until: threading.Event) -> None:
        time.sleep(0.05)
        client.takes("print", lambda told: None)
        until.wait(20)

    monkeypatch.setattr(parts.DeviceClient, "start", seen)
    parts.run([part(tmp_path, "printer", printer)], tmp_path, stop)
    assert taken == [True]
