"""A sheet is printed once or never, and when nobody can know, a person is asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from devices.printing import escpos, printer
from devices.printing.link import Link, LinkLost
from tests.devices.printing.desk import Desk, PaperDouble, codes, printing, slip, until

FINAL = {"printed", "in_doubt", "failed", "canceled", "expired"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.outbox.close()


@pytest.fixture
def double() -> Iterator[PaperDouble]:
    with PaperDouble() as found:
        yield found


def read(double: PaperDouble) -> list[str]:
    return [text for paper in double.papers for text in codes(paper)]


def test_a_job_is_printed_and_said_to_be(desk: Desk, double: PaperDouble) -> None:
    with printing(desk, double.address):
        desk.print("J1")
        until(lambda: desk.state("J1"))
    assert desk.states("J1") == ["printed"]
    assert read(double) == ["SH1:O:J1"]
    assert double.kicks == 0


def test_a_link_that_takes_no_byte_of_the_job_costs_nothing(
    desk: Desk, double: PaperDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, broken = Link.send, [True]

    def refuse(link: Link, data: bytes, patience_s: float) -> None:
        if data == escpos.START and broken:
            raise LinkLost("nobody takes it")
        send(link, data, patience_s)

    monkeypatch.setattr(Link, "send", refuse)
    with printing(desk, double.address):
        desk.print("J1")
        until(lambda: desk.state("J1") == "offline")
        until(lambda: desk.outbox.command_state("J1") == (False, None))
        broken.clear()
        until(lambda: desk.state("J1") == "printed")
    assert desk.states("J1") == ["offline", "printed"]
    assert read(double) == ["SH1:O:J1"]


def test_a_printer_without_gs_r_is_asked_afterwards(desk: Desk, double: PaperDouble) -> None:
    with printing(desk, double.address, status="realtime"):
        desk.print("J1")
        until(lambda: desk.state("J1") == "printed")
        until(lambda: double.papers)
        double.state.rows_left = 1
        desk.print("J2", slip("J2", 1))
        until(lambda: desk.state("J2") in FINAL)
    assert desk.states("J2") == ["in_doubt"]
    assert desk.detail("J2") == "no_paper"


def test_the_same_job_sent_again_is_answered_and_not_printed_again(
    desk: Desk, double: PaperDouble
) -> None:
    with printing(desk, double.address):
        for _ in range(3):
            desk.print("J1")
        until(lambda: desk.state("J1"))
        desk.print("J1")
    assert set(desk.states("J1")) == {"printed"}
    assert len(desk.states("J1")) >= 2, "the hub that asks again hears it again"
    assert read(double) == ["SH1:O:J1"]


def test_jobs_come_out_one_after_the_other_in_their_order(desk: Desk, double: PaperDouble) -> None:
    double.state.paper = False
    with printing(desk, double.address):
        for n in (3, 1, 2):
            desk.print(f"J{n}", n=n)
        until(lambda: all(desk.state(f"J{n}") == "no_paper" for n in (1, 2, 3)))
        double.state.paper = True
        until(lambda: all(desk.state(f"J{n}") == "printed" for n in (1, 2, 3)))
    assert read(double) == ["SH1:O:J1", "SH1:O:J2", "SH1:O:J3"]


@pytest.mark.parametrize(
    ("what", "reason"),
    [("paper", "no_paper"), ("cover_open", "cover_open"), ("offline", "offline")],
)
def test_a_printer_that_is_not_ready_prints_later_and_once(
    desk: Desk, double: PaperDouble, what: str, reason: str
) -> None:
    ready = getattr(double.state, what)
    setattr(double.state, what, not ready)
    with printing(desk, double.address):
        desk.print("J1")
        until(lambda: desk.state("J1") == reason)
        assert double.papers == []
        setattr(double.state, what, ready)
        until(lambda: desk.state("J1") == "printed")
    assert desk.states("J1") == [reason, "printed"], "the reason is said once"
    assert read(double) == ["SH1:O:J1"]


def test_a_printer_that_nobody_reaches_gets_its_job_when_it_is_back(desk: Desk) -> None:
    with PaperDouble() as gone:
        port = gone.port
    with printing(desk, f"tcp://127.0.0.1:{port}"):
        desk.print("J1")
        until(lambda: desk.state("J1") == "offline")
        with PaperDouble(port=port) as double:
            until(lambda: desk.state("J1") == "printed")
            assert read(double) == ["SH1:O:J1"]


def test_a_printer_that_says_nothing_gets_no_byte_of_the_job(
    desk: Desk, double: PaperDouble
) -> None:
    double.state.silent = True
    with printing(desk, double.address, answer_s=0.3):
        desk.print("J1")
        until(lambda: desk.state("J1") == "offline")
    assert double.papers == []
    assert desk.outbox.command_state("J1") == (False, None), "nothing was begun"


# The job is some 40 kB; the four questions before it take 12 bytes.
@pytest.mark.parametrize("at", [13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 500, 5_000, 12_000])
def test_a_connection_that_breaks_within_the_job_leaves_it_in_doubt(
    desk: Desk, double: PaperDouble, at: int
) -> None:
    with printing(desk, double.address):
        desk.print("J0")
        until(lambda: desk.state("J0") == "printed")
        double.state.hang_up_after = at
        desk.print("J1")
        until(lambda: desk.state("J1") in FINAL)
        double.state.hang_up_after = None
        desk.print("J1")
        desk.print("J2")
        until(lambda: desk.state("J2") == "printed")
    assert set(desk.states("J1")) == {"in_doubt"}
    assert read(double).count("SH1:O:J2") == 1
    assert read(double).count("SH1:O:J1") <= 1
    assert codes(double.papers[-1]) == ["SH1:O:J2"]
    assert double.papers[-1].height == double.papers[0].height, "the torn sheet was cut off"
    # What was torn is no taller than one sheet; no second copy hides in it.
    assert sum(paper.height for paper in double.papers[1:-1]) <= double.papers[-1].height + 64


@pytest.mark.parametrize("at", [0, 1, 6, 11, 19, 3_000])
def test_a_connection_that_breaks_before_the_first_byte_costs_nothing(
    desk: Desk, double: PaperDouble, at: int
) -> None:
    double.state.hang_up_after = at
    with printing(desk, double.address):
        desk.print("J1")
        until(lambda: desk.state("J1") == "offline")
        double.state.hang_up_after = None
        until(lambda: desk.state("J1") == "printed")
    assert desk.states("J1") == ["offline", "printed"]
    assert read(double) == ["SH1:O:J1"]


def test_a_connection_that_breaks_after_the_last_byte_leaves_it_in_doubt(
    desk: Desk, double: PaperDouble
) -> None:
    double.state.hang_up_at_end = True
    with printing(desk, double.address):
        desk.print("J1")
        until(lambda: desk.state("J1") in FINAL)
        double.state.hang_up_at_end = False
        desk.print("J1")
    assert set(desk.states("J1")) == {"in_doubt"}
    assert read(double) == ["SH1:O:J1"], "it is on paper, and only a person can know"


def test_paper_that_ends_within_a_job_leaves_it_in_doubt_with_the_reason(
    desk: Desk, double: PaperDouble
) -> None:
    double.state.rows_left = 100
    with printing(desk, double.address, finish_s=2.0):
        desk.print("J1", slip("J1", lines=1))
        until(lambda: desk.state("J1") in FINAL)
        assert desk.detail("J1") == "no_paper"
        desk.print("J2")
        until(lambda: desk.state("J2") == "no_paper")
        double.state.paper = True
        until(lambda: desk.state("J2") == "printed")
    assert desk.states("J1") == ["in_doubt"]
    assert read(double).count("SH1:O:J2") == 1
    assert codes(double.papers[-1]) == ["SH1:O:J2"]


@pytest.mark.slow
def test_a_slow_printer_is_waited_for(desk: Desk, double: PaperDouble) -> None:
    double.state.bytes_per_s = 9_000
    with printing(desk, double.address, finish_s=2.5, stall_s=10.0, answer_s=1.0):
        desk.print("J1", slip("J1", lines=5))
        until(lambda: desk.state("J1") in FINAL)
    assert desk.states("J1") == ["printed"]
    assert read(double) == ["SH1:O:J1"]


def test_a_printer_that_takes_nothing_any_more_is_not_waited_for_for_ever(
    desk: Desk, double: PaperDouble
) -> None:
    double.state.bytes_per_s = 10
    with printing(desk, double.address, finish_s=0.5, stall_s=0.5, answer_s=0.3):
        desk.print("J1", slip("J1", lines=400))
        until(lambda: desk.state("J1") in FINAL)
        assert desk.states("J1") == ["in_doubt"]


def test_what_is_canceled_in_time_never_comes_out(desk: Desk, double: PaperDouble) -> None:
    double.state.paper = False
    with printing(desk, double.address):
        desk.print("J1")
        desk.print("J2")
        until(lambda: desk.state("J1") == "no_paper")
        desk.handlers["print_cancel"]({"key": "C1", "job": "J1"})
        desk.handlers["print_cancel"]({"key": "C2", "job": "nobody-knows-it"})
        double.state.paper = True
        until(lambda: desk.state("J2") == "printed")
        desk.print("J1")
    assert desk.states("J1") == ["no_paper", "canceled", "canceled"]
    assert read(double) == ["SH1:O:J2"]


def test_a_sheet_that_nobody_waits_for_any_more_is_not_printed(
    desk: Desk, double: PaperDouble
) -> None:
    with printing(desk, double.address):
        desk.print("J1", until="2020-01-01T00:00:00.000Z")
        desk.print("J2", until="2099-01-01T00:00:00.000Z")
        until(lambda: desk.state("J2") == "printed")
    assert desk.states("J1") == ["expired"]
    assert read(double) == ["SH1:O:J2"]


def test_what_nobody_can_read_fails_and_stops_nothing(desk: Desk, double: PaperDouble) -> None:
    with printing(desk, double.address):
        until(lambda: desk.handlers)
        desk.handlers["print"]({"key": "J1", "document": {"kind": "x", "blocks": 5}})
        desk.print("J2")
        until(lambda: desk.state("J2") == "printed")
    assert desk.states("J1") == ["failed"]


def test_a_roll_that_ends_soon_is_said(desk: Desk, double: PaperDouble) -> None:
    double.state.low = True
    with printing(desk, double.address):
        desk.print("J1")
        until(lambda: desk.state("J1") == "printed")
    assert desk.detail("J1") == "paper_low"


def test_a_process_that_died_within_a_job_leaves_it_in_doubt(
    tmp_path: Path, double: PaperDouble
) -> None:
    before = Desk(tmp_path)
    before.outbox.begin_command("J1")
    before.outbox.close()
    desk = Desk(tmp_path)
    with printing(desk, double.address):
        until(lambda: desk.state("J1") == "in_doubt")
        desk.print("J1")
        desk.print("J2")
        until(lambda: desk.state("J2") == "printed")
    assert read(double) == ["SH1:O:J2"]
    desk.outbox.close()


def test_a_printer_that_cannot_answer_is_believed_and_said_so(
    desk: Desk, double: PaperDouble
) -> None:
    double.state.silent = True
    with printing(desk, double.address, status="none"):
        desk.print("J1")
        until(lambda: desk.state("J1") == "printed")
        until(lambda: double.papers)
    assert desk.detail("J1") == "unseen"
    assert read(double) == ["SH1:O:J1"]


def test_what_is_being_printed_is_too_late_to_cancel(desk: Desk, double: PaperDouble) -> None:
    double.state.bytes_per_s = 60_000
    with printing(desk, double.address):
        desk.print("J1")
        until(lambda: double.received > 12_000)
        desk.handlers["print_cancel"]({"key": "C1", "job": "J1"})
        desk.print("J1")
        until(lambda: desk.state("J1") in FINAL)
    assert desk.states("J1") == ["printed"], "and it is not said to be in doubt meanwhile"
    assert read(double) == ["SH1:O:J1"]


def test_a_job_that_was_canceled_while_it_was_drawn_is_not_begun(
    desk: Desk, double: PaperDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = printer.render

    def slowly(*arguments: Any) -> Image.Image:
        desk.handlers["print_cancel"]({"key": "C1", "job": "J1"})
        return draw(*arguments)

    monkeypatch.setattr(printer, "render", slowly)
    with printing(desk, double.address):
        desk.print("J1")
        desk.print("J2")
        until(lambda: desk.state("J2") == "printed")
    assert desk.states("J1") == ["canceled"]
    assert read(double) == ["SH1:O:J2"]
