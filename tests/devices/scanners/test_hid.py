"""A keyboard-wedge scanner is read, unplugged and read again, and never taken for its twin."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.scanners import hid, plugs
from devices.scanners.hid import HidSettings
from devices.scanners.wedge import Rules
from hub.errors import Invalid, Unavailable
from tests.devices.scanners.plugboard import EVENT, Heard, Plugboard

LEFT, RIGHT = "usb-0000:00:14.0-1", "usb-0000:00:14.0-2"
Start = Callable[..., Heard]


@pytest.fixture
def board() -> Plugboard:
    return Plugboard()


@pytest.fixture
def start(board: Plugboard, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(hid, "LOOK_S", 0.02)
    monkeypatch.setattr(hid, "TURN_S", 0.02)
    stop, threads = threading.Event(), []

    def started(port: str, **settings: object) -> Heard:
        heard = Heard()
        asked = HidSettings(port, **settings)  # type: ignore[arg-type]
        one = threading.Thread(
            target=hid.run, args=(asked, heard, stop), kwargs={"plugs": board}, daemon=True
        )
        one.start()
        threads.append(one)
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


def test_a_scan_is_published_with_what_its_prefix_tells(board: Plugboard, start: Start) -> None:
    heard, scanner = start(LEFT, context="door"), board.plug(LEFT)
    scanner.scan("]E04006381333931")
    scanner.scan("4711-A")
    until(lambda: len(heard.observed) == 2)
    assert heard.observed == [
        ("scan", {"code": "]E04006381333931", "symbology": "EAN-13", "context": "door"}),
        ("scan", {"code": "4711-A", "context": "door"}),
    ]


def test_a_keyboard_that_went_is_forgotten(
    board: Plugboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hid, "LOOK_S", 0.0)
    scanner, stop = hid.Scanner(HidSettings(LEFT), Heard(), board), threading.Event()
    for _ in range(3):
        board.plug(LEFT).scan("47", suffix=None)
        until(lambda: scanner.turn(stop) or scanner.state.lines)
        board.unplug(LEFT)
        until(lambda: scanner.turn(stop) or not scanner.state.lines)
    scanner.close()


def test_caps_lock_begins_as_the_lamp_says(board: Plugboard, start: Start) -> None:
    heard = start(LEFT)
    board.plug(LEFT, caps=True).scan("4711-a")
    until(lambda: heard.codes == ["4711-A"])


def test_two_scanners_of_one_make_are_told_apart_by_their_port(
    board: Plugboard, start: Start
) -> None:
    left, right = start(LEFT), start(RIGHT)
    one, two = board.plug(LEFT), board.plug(RIGHT)
    for n in range(20):
        one.scan(f"LEFT-{n:02}")
        two.scan(f"RIGHT-{n:02}")
    until(lambda: len(left.codes) == len(right.codes) == 20)
    assert all(code.startswith("LEFT") for code in left.codes)
    assert all(code.startswith("RIGHT") for code in right.codes)


def test_a_scanner_that_comes_back_under_another_node_is_the_same_one(
    board: Plugboard, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    heard = start(LEFT)
    until(lambda: "No scanner is plugged in" in caplog.text)
    first = board.plug(LEFT)
    first.scan("before")
    until(lambda: heard.codes == ["before"])
    first.scan("cut off", suffix=None)
    board.unplug(LEFT)
    until(lambda: not first.grabbed and caplog.text.count("No scanner is plugged in") == 2)
    again = board.plug(LEFT)
    again.scan("after")
    until(lambda: heard.codes == ["before", "after"])
    assert again.node != first.node
    until(lambda: "1 partial" in caplog.text)
    assert caplog.text.count("No scanner is plugged in") == 2
    assert caplog.text.count("is there") == 2


def test_a_person_who_types_is_not_published_and_counted(
    board: Plugboard, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    heard, keyboard = start(LEFT), board.plug(LEFT)
    keyboard.scan("hello", every_ms=120)
    until(lambda: "1 typed" in caplog.text)
    keyboard.scan("4711-A")
    until(lambda: heard.codes)
    assert heard.codes == ["4711-A"]


def test_a_scan_that_never_ends_is_counted_after_a_pause(
    board: Plugboard, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    heard, scanner = start(LEFT, rules=Rules(pause_ms=100)), board.plug(LEFT)
    scanner.scan("4711-A", suffix=None)
    until(lambda: "1 partial" in caplog.text)
    assert heard.codes == []


def test_keys_that_the_kernel_dropped_spoil_the_scan(
    board: Plugboard, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    heard, scanner = start(LEFT), board.plug(LEFT)
    scanner.scan("47", suffix=None)
    scanner.raw(EVENT.pack(0, 0, 0, 3, 0))
    scanner.scan("1100000", every_ms=0)
    until(lambda: "1 lost_keys" in caplog.text)
    scanner.scan("4711-B")
    until(lambda: heard.codes == ["4711-B"])


def test_what_the_system_refuses_is_told_once(
    board: Plugboard, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    board.trouble = "Another program holds the scanner."
    heard, scanner = start(LEFT), board.plug(LEFT)
    until(lambda: "Another program" in caplog.text)
    time.sleep(0.1)
    assert caplog.text.count("Another program") == 1
    board.trouble = None
    scanner.scan("4711-A")
    until(lambda: heard.codes == ["4711-A"])


def test_all_that_is_open_is_let_go_at_the_end(
    board: Plugboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hid, "LOOK_S", 0.0)
    stop, scanner = threading.Event(), board.plug(LEFT)
    thread = threading.Thread(
        target=hid.run, args=(HidSettings(LEFT), Heard(), stop), kwargs={"plugs": board}
    )
    thread.start()
    time.sleep(0.1)
    stop.set()
    thread.join(60)
    assert not scanner.grabbed


def test_without_evdev_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "evdev", None)
    with pytest.raises(Unavailable, match=r"pip install 'storehub\[hid\]'"):
        hid.run(HidSettings(LEFT), Heard(), threading.Event())


def test_a_port_is_named() -> None:
    with pytest.raises(Invalid, match="plugged in"):
        HidSettings(" ")


@pytest.mark.parametrize(
    ("port", "phys", "there"),
    [
        ("usb-0000:00:14.0-1", "usb-0000:00:14.0-1/input0", True),
        ("usb-0000:00:14.0-1", "usb-0000:00:14.0-1", True),
        ("usb-0000:00:14.0-1", "usb-0000:00:14.0-12/input0", False),
        ("usb-0000:00:14.0-1", "usb-0000:00:14.0-1.2/input0", False),
        ("usb-0000:00:14.0-1.2", "usb-0000:00:14.0-1.2/input1", True),
        ("usb-0000:00:14.0-1", "", False),
    ],
)
def test_a_usb_path_names_one_port_and_no_other(port: str, phys: str, there: bool) -> None:
    assert plugs.is_at(port, phys, "/dev/input/event3") is there


class Made:
    """A device as evdev describes it."""

    def __init__(self, path: str, phys: str, keys: range) -> None:
        self.path, self.phys, self.name, self.fd = path, phys, "HID Scanner", -1
        self._keys, self.is_open, self.grabs = keys, True, 0
        self.held_by_another = self.barred = False

    def capabilities(self) -> dict[int, list[int]]:
        return {1: list(self._keys)}

    def leds(self) -> list[int]:
        return [1]

    def grab(self) -> None:
        if self.held_by_another:
            raise OSError(16, "Device or resource busy")
        self.grabs += 1

    def close(self) -> None:
        self.is_open = False
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


@pytest.fixture
def linux(tmp_path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """`/dev/input` with two scanners of one make, the second interface of one, and a mouse."""
    made = {}
    for n, (phys, keys) in enumerate(
        (
            (f"{LEFT}/input0", range(1, 120)),
            (f"{RIGHT}/input0", range(1, 120)),
            (f"{LEFT}/input1", range(113, 116)),
            ("usb-0000:00:14.0-3/input0", range(272, 275)),
        )
    ):
        path = tmp_path / f"event{n}"
        path.touch()
        made[str(path)] = Made(str(path), phys, keys)

    class Evdev:
        @staticmethod
        def InputDevice(path: str) -> Made:  # noqa: N802
            if made[path].barred:
                raise PermissionError(path)
            made[path].is_open = True
            made[path].fd = os.open(path, os.O_RDONLY)
            return made[path]

    monkeypatch.setattr(plugs, "_evdev", lambda: Evdev)
    yield plugs.LinuxPlugs(tmp_path), made
    for device in made.values():
        device.close()


def test_linux_is_asked_for_the_keyboards_of_one_port(linux) -> None:  # type: ignore[no-untyped-def]
    found, made = linux
    (one,) = found.open(LEFT, [])
    assert one.node.endswith("event0")
    assert one.caps
    assert made[one.node].grabs == 1
    assert found.open(LEFT, [one.node]) == []
    assert [device.is_open for device in made.values()] == [True, False, False, False]
    (again,) = found.open(LEFT, [])
    assert again.node == one.node


def test_a_link_of_by_path_names_a_node_as_well(linux, tmp_path) -> None:  # type: ignore[no-untyped-def]
    found, _ = linux
    link = tmp_path / "pci-0000:00:14.0-usb-0:2:1.0-event-kbd"
    link.symlink_to(tmp_path / "event1")
    (one,) = found.open(str(link), [])
    assert one.node.endswith("event1")


def test_a_scanner_that_another_program_holds_is_told(linux) -> None:  # type: ignore[no-untyped-def]
    found, made = linux
    next(iter(made.values())).held_by_another = True
    with pytest.raises(Unavailable, match="Another program holds"):
        found.open(LEFT, [])


def test_a_link_that_comes_after_its_node_is_followed(linux, tmp_path) -> None:  # type: ignore[no-untyped-def]
    found, _ = linux
    link = tmp_path / "pci-0000:00:14.0-usb-0:2:1.0-event-kbd"
    assert found.open(str(link), []) == []
    link.symlink_to(tmp_path / "event1")
    assert len(found.open(str(link), [])) == 1


def test_who_may_not_read_the_scanner_is_told_which_group(linux) -> None:  # type: ignore[no-untyped-def]
    found, made = linux
    next(iter(made.values())).barred = True
    with pytest.raises(Unavailable, match="group `input`"):
        found.open(LEFT, [])
    assert len(found.open(RIGHT, [])) == 1


def test_what_could_be_a_scanner_is_listed_and_left_alone(linux) -> None:  # type: ignore[no-untyped-def]
    found, made = linux
    assert [(one.port, one.name) for one in found.plugged()] == [
        (LEFT, "HID Scanner"),
        (RIGHT, "HID Scanner"),
    ]
    assert not any(device.grabs or device.is_open for device in made.values())


def test_a_machine_without_input_devices_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugs, "_evdev", lambda: None)
    with pytest.raises(Unavailable, match="has no"):
        plugs.LinuxPlugs(tmp_path / "none").open(LEFT, [])
