"""A serial scanner and a scale on pseudo-terminals: read, unplugged, back again."""

import logging
import os
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.scanners import serial_port
from devices.scanners.serial_port import SerialSettings
from hub.errors import Invalid
from tests.devices.scanners.plugboard import Heard


class Cable:
    """A port's link in `/dev/serial/by-path` and the pseudo-terminal that is plugged in there."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._master = -1

    def plug(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.link.symlink_to(os.ttyname(slave))
        self._slave = slave

    def unplug(self) -> None:
        self.link.unlink(missing_ok=True)
        for end in (self._master, self._slave):
            os.close(end)
        self._master = -1

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    def hear(self) -> bytes:
        return os.read(self._master, 100)

    def close(self) -> None:
        if self._master >= 0:
            self.unplug()


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    one = Cable(tmp_path / "pci-usb-0:1:1.0-port0")
    yield one
    one.close()


Start = Callable[..., Heard]


@pytest.fixture
def start(cable: Cable, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    for name in ("LOOK_S", "TURN_S", "ASK_S"):
        monkeypatch.setattr(serial_port, name, 0.02)
    stop, threads = threading.Event(), []

    def started(**settings: object) -> Heard:
        heard = Heard()
        asked = SerialSettings(str(cable.link), **settings)  # type: ignore[arg-type]
        thread = threading.Thread(target=serial_port.run, args=(asked, heard, stop), daemon=True)
        thread.start()
        threads.append(thread)
        return heard

    yield started
    stop.set()
    for one in threads:
        one.join(60)
        assert not one.is_alive()


def until(look: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not look():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def is_open(log: pytest.LogCaptureFixture, times: int = 1) -> None:
    """What is sent before the port is open is flushed, as by every serial program."""
    until(lambda: log.text.count("is there") == times)


def test_lines_are_published_with_what_their_prefix_tells(
    cable: Cable, start: Start, log: pytest.LogCaptureFixture
) -> None:
    cable.plug()
    heard = start(context="dock")
    is_open(log)
    cable.send(b"]d20104006381333931\x1d10AB\r\n4711-A\r")
    until(lambda: len(heard.observed) == 2)
    assert heard.observed == [
        (
            "scan",
            {
                "code": "]d20104006381333931\x1d10AB",
                "symbology": "GS1 DataMatrix",
                "context": "dock",
            },
        ),
        ("scan", {"code": "4711-A", "context": "dock"}),
    ]


def test_a_scanner_that_was_unplugged_comes_back(
    cable: Cable, start: Start, log: pytest.LogCaptureFixture
) -> None:
    heard = start()
    until(lambda: "cannot be opened" in log.text)
    cable.plug()
    is_open(log)
    cable.send(b"before\r")
    until(lambda: heard.codes == ["before"])
    cable.send(b"cut of")
    time.sleep(0.05)
    cable.unplug()
    until(lambda: " went." in log.text)
    cable.plug()
    is_open(log, 2)
    cable.send(b"after\r")
    until(lambda: heard.codes == ["before", "after"])
    assert log.text.count(" went.") == 1


def test_noise_and_an_endless_line_are_counted_and_the_next_scan_is_read(
    cable: Cable, start: Start, log: pytest.LogCaptureFixture
) -> None:
    cable.plug()
    heard = start()
    is_open(log)
    for _ in range(3):
        cable.send(b"9" * 2_000)
        time.sleep(0.02)
    cable.send(b"\r\x00\x01\x02\x03\r4711-A\r")
    until(lambda: heard.codes == ["4711-A"])
    until(lambda: "1 too_long" in log.text)


def test_a_scale_is_asked_and_its_weight_published_when_it_changes(
    cable: Cable, start: Start
) -> None:
    cable.plug()
    heard = start(speaks="toledo8217", frame="8N1")
    for answer, count in ((b"\x02 0.455\r", 1), (b"\x02 0.455\r", 1), (b"\x02?A\r", 1)):
        assert b"W" in cable.hear()
        cable.send(answer)
        until(lambda count=count: len(heard.observed) == count)  # type: ignore[misc]
    assert b"W" in cable.hear()
    cable.send(b"\x02 1.020\r")
    until(lambda: len(heard.observed) == 2)
    assert heard.observed == [("weight", {"grams": 455.0}), ("weight", {"grams": 1020.0})]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"port": ""}, "port"),
        ({"baud": 1234}, "baud"),
        ({"frame": "9N1"}, "frame"),
        ({"frame": "8N"}, "frame"),
        ({"frame": ""}, "frame"),
    ],
)
def test_settings_that_cannot_be_are_told(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        SerialSettings(**{"port": "/dev/ttyACM0", **wrong})  # type: ignore[arg-type]
    assert refused.value.field == field
