"""The same paper by TCP, by a serial line and through a device file."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices import run
from devices.printing.double import PaperDouble
from devices.printing.link import Link, LinkLost, connect
from devices.printing.printer import PrinterSettings
from hub.errors import Invalid
from tests.devices.printing.desk import Desk, codes, printing, slip, until


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.outbox.close()


@pytest.fixture
def serial() -> Iterator[tuple[str, PaperDouble]]:
    """A serial printer: a pty whose other end is wired to the double."""
    ours, theirs = os.openpty()
    with PaperDouble() as double:
        link = connect(double.address, baud=0, flow="none", answers=True)
        over = threading.Event()
        wires = [
            threading.Thread(target=wire, args=(lambda: os.read(ours, 512), link.send, over)),
            threading.Thread(target=back, args=(link, ours, over)),
        ]
        for one in wires:
            one.start()
        yield os.ttyname(theirs), double
        over.set()
        os.write(theirs, b"\0")
        for one in wires:
            one.join(60)
        with link:
            pass
    os.close(ours)
    os.close(theirs)


def wire(read, send, over: threading.Event) -> None:  # type: ignore[no-untyped-def]
    while not over.is_set():
        send(read(), 5.0)


def back(link: Link, to: int, over: threading.Event) -> None:
    while not over.is_set():
        said = link.receive(0.1)
        if said:
            os.write(to, said)


def test_a_serial_printer_prints_and_confirms(desk: Desk, serial: tuple[str, PaperDouble]) -> None:
    path, double = serial
    double.state.paper = False
    with printing(desk, f"serial:{path}", baud=115200):
        desk.print("J1")
        until(lambda: desk.state("J1") == "no_paper")
        double.state.paper = True
        until(lambda: desk.state("J1") == "printed")
    assert [text for paper in double.papers for text in codes(paper)] == ["SH1:O:J1"]


def test_a_device_file_gets_the_bytes_that_a_network_printer_gets(
    desk: Desk, tmp_path: Path
) -> None:
    device = tmp_path / "lp0"
    device.touch()
    with printing(desk, str(device), status="none"):
        desk.print("J1")
        until(lambda: desk.state("J1") == "printed")
    assert desk.detail("J1") == "unseen"
    with PaperDouble() as double, connect(double.address, baud=0, flow="", answers=True) as link:
        link.send(device.read_bytes(), 5.0)
        until(lambda: double.papers)
        assert codes(double.papers[0]) == ["SH1:O:J1"]


def test_a_pipe_that_nobody_empties_leaves_the_job_in_doubt(desk: Desk, tmp_path: Path) -> None:
    device = tmp_path / "lp0"
    os.mkfifo(device)
    reader = os.open(device, os.O_RDONLY | os.O_NONBLOCK)
    with printing(desk, str(device), status="none", stall_s=0.3, answer_s=0.3):
        desk.print("J1", slip("J1", 30))
        until(lambda: desk.state("J1") == "in_doubt")
    os.close(reader)


def test_a_device_that_is_not_plugged_in_is_offline(desk: Desk, tmp_path: Path) -> None:
    with printing(desk, str(tmp_path / "lp0"), status="none"):
        desk.print("J1")
        until(lambda: desk.state("J1") == "offline")
        (tmp_path / "lp0").touch()
        until(lambda: desk.state("J1") == "printed")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "serial:/dev/nobody", "/dev/nobody/lp0"])
def test_whoever_cannot_be_reached_is_a_lost_link(address: str) -> None:
    with pytest.raises(LinkLost):
        connect(address, baud=9600, flow="none", answers=True)


def test_devices_toml_composes_a_printer_and_names_a_wrong_address(tmp_path: Path) -> None:
    plan = tmp_path / "devices.toml"
    part = '[[printer]]\ndevice = "printer-1"\nwidth_mm = 58\naddress = "{}"\n'
    plan.write_text(part.format("tcp://10.0.0.7:9100"))
    (found,) = run.load(plan, tmp_path)
    assert found.settings == PrinterSettings("tcp://10.0.0.7:9100", width_mm=58)
    plan.write_text(part.format("10.0.0.7:9100"))
    with pytest.raises(Invalid, match=r"10\.0\.0\.7:9100.*tcp://HOST:PORT"):
        run.load(plan, tmp_path)
    plan.write_text(part.format("/dev/usb/lp0").replace("58", "57"))
    with pytest.raises(Invalid, match="width_mm"):
        run.load(plan, tmp_path)
