"""Scanners at their ports: what they read becomes facts, or acts on their screen."""

import os
import re
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from devices.account import Account
from devices.client import DeviceClient
from devices.scanners import hid
from devices.scanners.hid import HidSettings
from tests.devices.scanners.plugboard import Plugboard
from tests.floor import COMMAND, ROOT, Floor

PORT = "usb-0000:00:14.0-1"
CSRF = re.compile(r'name="csrf-token" content="([^"]+)"')
CODE = re.compile(r'id="pairing-text">([^<]+)<')


def account(floor: Floor, name: str) -> Account:
    facts = floor.facts()
    known = next(one for one in facts["devices"] if one["id"] == name)
    url = urlsplit(facts["urls"]["mqtt"])
    return Account(
        floor.store,
        name,
        url.hostname or "127.0.0.1",
        url.port or 1883,
        known["username"],
        known["password"],
    )


class Cable:
    """A serial scanner: a pseudo-terminal behind a link that stays with its USB port."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.ends: tuple[int, int] | None = None

    def plug(self) -> None:
        self.ends = os.openpty()
        tty.setraw(self.ends[1])
        self.link.symlink_to(os.ttyname(self.ends[1]))

    def unplug(self) -> None:
        self.link.unlink()
        for end in self.ends or ():
            os.close(end)
        self.ends = None

    def send(self, line: str) -> None:
        assert self.ends is not None
        os.write(self.ends[0], line.encode() + b"\r\n")


@pytest.fixture
def serial_scanner(floor: Floor, tmp_path: Path) -> Iterator[tuple[Cable, Callable[[str], None]]]:
    """`storehub devices run` beside a serial scanner, as devices.toml says; and its log."""
    cable = Cable(tmp_path / "scanner")
    cable.plug()
    account(floor, "scanner-2").save(tmp_path / "devices" / "scanner-2.json")
    (tmp_path / "devices.toml").write_text(
        f'[[serial]]\ndevice = "scanner-2"\nport = "{cable.link}"\n'
    )
    log = tmp_path / "run.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*COMMAND, "devices", "run", "--data", str(tmp_path)],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=out, stderr=out,
        )  # fmt: skip

    def said(words: str, times: int = 1) -> None:
        floor.until(
            lambda: process.poll() is None and log.read_text().count(words) >= times,
            f"the scanner's program says {words!r}: {log.read_text()[-500:]}",
        )

    said("is there")
    yield cable, said  # type: ignore[misc]
    process.terminate()
    process.wait(60)
    if cable.ends:
        cable.unplug()


def test_an_order_is_picked_by_a_serial_scanner_that_was_pulled_out_half_way(
    floor: Floor, serial_scanner: tuple[Cable, Callable[..., None]]
) -> None:
    cable, said = serial_scanner
    milk, tea = floor.goods(2)
    floor.receive({milk["sku"]: 5, tea["sku"]: 5})
    order_id = floor.place({milk["sku"]: 1, tea["sku"]: 1})["order_id"]
    floor.arrived(order_id)
    badge = floor.facts()["staff"][0]["badge"]
    for line in (badge, f"SH1:O:{order_id}", f"]E0{milk['gtin'][1:]}"):
        cable.send(line)
    floor.until(
        lambda: (floor.order(order_id) or {})["lines"][0]["picked"] == 1, "the milk is picked"
    )
    cable.unplug()
    said(" went.")
    cable.plug()
    said("is there", 2)
    for line in (f"]C101{tea['gtin']}\x1d10LOT", "SH1:S:A1"):
        cable.send(line)
    order = floor.arrived(order_id, "PREPARED")
    assert order["shelf"] == "A1"


class Counter:
    """A browser at the counter, signed in with a PIN."""

    def __init__(self, floor: Floor) -> None:
        self.url = floor.facts()["urls"]["hub"]
        self.session = requests.Session()
        who = floor.facts()["staff"][0]
        page = self.session.get(f"{self.url}/signin", timeout=20).text
        names = re.findall(r'name="staff_id" value="([^"]+)"[^>]*>', page)
        staff_id = next(one for one in names if one in who["name"].lower() or len(names) == 1)
        form = {"staff_id": staff_id, "pin": who["pin"], "csrf_token": self._token(page)}
        assert self.session.post(f"{self.url}/signin", data=form, timeout=20).status_code == 200

    def pairing_code(self) -> str:
        found = CODE.search(self.session.get(f"{self.url}/scan/pair", timeout=20).text)
        assert found is not None
        return found[1]

    def next(self) -> str | None:
        token = self._token(self.session.get(f"{self.url}/counter", timeout=20).text)
        headers = {"X-CSRFToken": token}
        answer = self.session.post(f"{self.url}/scan/next", headers=headers, timeout=20)
        return answer.json()["text"] if answer.status_code == 200 else None

    def _token(self, page: str) -> str:
        found = CSRF.search(page)
        assert found is not None, page[:500]
        return found[1]


def test_a_keyboard_wedge_scanner_acts_on_its_screen_also_after_the_hub_was_killed(
    floor: Floor, tmp_path: Path
) -> None:
    board, stop = Plugboard(), threading.Event()
    pipe = board.plug(PORT)
    client = DeviceClient(account(floor, "scanner-1"), tmp_path)
    client.start()
    keys = threading.Thread(
        target=hid.run, args=(HidSettings(PORT), client, stop), kwargs={"plugs": board}
    )
    keys.start()
    try:
        counter = Counter(floor)
        pipe.scan(counter.pairing_code())
        pipe.scan("7K4M")
        assert floor.until(counter.next, "the screen is handed the scan", 60) == "7K4M"
        assert counter.next() is None
        floor.kill("hub")
        floor.wait_ready()
        pipe.scan("9XQ2")
        assert floor.until(counter.next, "the screen is handed the scan", 60) == "9XQ2"
    finally:
        stop.set()
        keys.join(60)
        client.stop()
