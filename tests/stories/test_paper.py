"""A slip from the button to the paper in hand, with a roll that ends and a cable pulled."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import zxingcpp

from devices.client import Account, DeviceClient
from devices.printing import printer
from devices.printing.double import PaperDouble
from devices.printing.printer import PrinterSettings
from tests.floor import Floor

CSRF = re.compile(r'name="csrf-token" content="([^"]+)"')
JOB = re.compile(r"/print/jobs/(P-[0-9a-f]+)/yes")
QUICK = {"answer_s": 5.0, "stall_s": 10.0, "finish_s": 20.0, "again_s": 0.1}


class Counter:
    """A person who is signed in at the counter's browser."""

    def __init__(self, floor: Floor) -> None:
        facts = floor.facts()
        who = next(one for one in facts["staff"] if one["role"] == "lead")
        self.url = facts["urls"]["hub"]
        self.browser = requests.Session()
        token = CSRF.findall(self.browser.get(f"{self.url}/signin").text)[0]
        form = {"staff_id": who["staff_id"], "pin": who["pin"], "csrf_token": token}
        assert self.browser.post(f"{self.url}/signin", data=form).status_code == 200

    def page(self, order_id: str) -> str:
        return self.browser.get(f"{self.url}/counter/orders/{order_id}").text

    def press(self, order_id: str, path: str = "/print/papers", key: str = "1") -> str:
        page = self.page(order_id)
        form = {"kind": "pickup_slip", "ref": order_id, "key": f"{order_id}-{key}"}
        headers = {"HX-Request": "true", "X-CSRFToken": CSRF.findall(page)[0]}
        answer = self.browser.post(self.url + path, data=form, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text


@contextmanager
def at_the_counter(floor: Floor, directory: Path) -> Iterator[PaperDouble]:
    """Run the sample store's printer: the real device's side before a printer made of software."""
    facts = floor.facts()
    known = next(one for one in facts["devices"] if one["id"] == "printer-1")
    url = urlsplit(facts["urls"]["mqtt"])
    host, port = url.hostname or "127.0.0.1", url.port or 1883
    account = Account(floor.store, known["id"], host, port, known["username"], known["password"])
    stop = threading.Event()
    with PaperDouble() as double:
        client = DeviceClient(account, directory)
        settings = PrinterSettings(double.address, **QUICK)
        thread = threading.Thread(target=printer.run, args=(settings, client, stop))
        thread.start()
        client.start()
        try:
            yield double
        finally:
            stop.set()
            thread.join(60)
            client.stop()


def read(double: PaperDouble) -> list[str]:
    found = [zxingcpp.read_barcodes(paper.convert("L")) for paper in double.papers]
    return [one.text for paper in found for one in paper]


@pytest.fixture
def order_id(floor: Floor) -> str:
    milk, tea = floor.goods(2)
    floor.receive({milk["sku"]: 5, tea["sku"]: 5})
    placed = str(floor.place({milk["sku"]: 2, tea["sku"]: 1})["order_id"])
    floor.arrived(placed)
    return placed


def test_a_slip_is_printed_by_a_button_and_its_code_begins_the_picking(
    floor: Floor, order_id: str, tmp_path: Path
) -> None:
    counter = Counter(floor)
    with at_the_counter(floor, tmp_path) as double:
        assert 'id="do-print"' in counter.page(order_id)
        counter.press(order_id)
        floor.until(lambda: "Print again" in counter.page(order_id), "the page says printed")
        assert read(double) == [f"SH1:O:{order_id}"]
        code = read(double)[0]
    badge = next(one["badge"] for one in floor.facts()["staff"] if one["role"] == "associate")
    with floor.device() as scanner:
        assert scanner.send("scan", {"code": badge})["status"] == "committed"
        assert scanner.send("scan", {"code": code})["status"] == "committed"
    assert floor.arrived(order_id, "PICKING")


def test_without_paper_the_page_says_so_and_with_paper_it_is_printed_once(
    floor: Floor, order_id: str, tmp_path: Path
) -> None:
    counter = Counter(floor)
    with at_the_counter(floor, tmp_path) as double:
        double.state.paper = False
        counter.press(order_id)
        floor.until(lambda: "the printer has no paper" in counter.page(order_id), "it is said")
        assert double.papers == []
        double.state.paper = True
        floor.until(lambda: "Print again" in counter.page(order_id), "the page says printed")
        assert read(double) == [f"SH1:O:{order_id}"]


def test_a_cable_that_was_pulled_is_a_question_and_never_a_second_paper_by_itself(
    floor: Floor, order_id: str, tmp_path: Path
) -> None:
    counter = Counter(floor)
    with at_the_counter(floor, tmp_path) as double:
        double.state.hang_up_at_end = True
        counter.press(order_id)
        page = floor.until(
            lambda: JOB.search(counter.page(order_id)), "the page asks whether it printed"
        )
        tasks = floor.hub.json("/tasks", kind="confirm")["items"]
        assert any(task["subject"] == f"print:{page[1]}" for task in tasks)
        double.state.hang_up_at_end = False
        counter.press(order_id, f"/print/jobs/{page[1]}/no", "2")
        floor.until(lambda: "Print again" in counter.page(order_id), "the second is printed")
        assert read(double) == [f"SH1:O:{order_id}"] * 2, "one of them a person asked for"


def test_a_printer_that_was_off_prints_what_was_ordered_meanwhile(
    new_floor: Callable[..., Floor], tmp_path: Path
) -> None:
    floor = new_floor(STOREHUB_PRINT_NEW_ORDERS="true")
    milk = floor.goods(1)[0]["sku"]
    floor.receive({milk: 9})
    orders = [str(floor.place({milk: 1})["order_id"]) for _ in range(3)]
    for order_id in orders:
        floor.arrived(order_id)
    floor.until(lambda: len(floor.hub.json("/print/jobs")["items"]) == 3, "three slips wait")
    with at_the_counter(floor, tmp_path / "printer") as double:
        floor.until(lambda: len(double.papers) == 3, "all three are printed")
        assert set(read(double)) == {f"SH1:O:{order_id}" for order_id in orders}
        floor.until(
            lambda: all(
                job["state"] == "printed" for job in floor.hub.json("/print/jobs")["items"]
            ),
            "the hub knows",
        )
    preview = tmp_path / "slip.png"
    floor.storehub("print", "preview", "pickup_slip", orders[0], "-o", str(preview))
    assert preview.read_bytes().startswith(b"\x89PNG")
    assert "printed" in floor.storehub("print", "jobs").stdout
    assert floor.verify()["ok"]
