"""A paper's way through the queue: which printer, what its word makes of a job, who is asked."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from hub import outbox
from hub.clock import stamp
from hub.errors import Invalid, NotFound, Refusal
from hub.fleet import actions as fleet
from hub.printing import actions, queries
from hub.printing.document import Document, Item
from hub.printing.rules import Job
from hub.settings import Settings
from tests.hub.shop import ANNA, Shop


class Papers:
    """The shop with a printer at the counter."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.choose()
        self.enroll("printer-1")
        shop.receive("MILK", 10)
        shop.place("R-1", ("MILK", 2))

    def choose(self, **settings: Any) -> None:
        chosen = Settings(store="s1", **settings)
        self.shop.run(lambda tx: actions.set_choices(tx, chosen))

    def enroll(self, name: str) -> None:
        self.shop.run(lambda tx: fleet.enroll(tx, name, kind="printer", place="counter"))

    def print(self, kind: str = "pickup_slip", ref: str = "R-1", **more: Any) -> list[str]:
        key = more.pop("key", None) or self.shop.cause()
        return self.shop.run(lambda tx: actions.print_(tx, kind, ref, key=key, actor=ANNA, **more))

    def says(self, job: str, state: str, detail: str | None = None, by: str = "printer-1") -> None:
        cause = self.shop.cause()
        data = SimpleNamespace(job=job, state=state, detail=detail)
        seen: Any = SimpleNamespace(device=by, data=data, cause=cause)
        self.shop.run(lambda tx: actions.reported(tx, seen, tx.now))

    def answer(self, job: str, printed: bool) -> list[str]:
        return self.shop.do(actions.answer, job, printed)

    def job(self, name: str) -> Job:
        return self.shop.store.read(queries.job, name)

    def state(self, name: str) -> str:
        return self.job(name).state.value

    def waiting(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The commands that the outbox would send: (device, name, payload)."""
        now = stamp(self.shop.clock.now())
        rows = self.shop.store.read(outbox.due, now)
        return [(row["device"], row["name"], msgspec.json.decode(row["payload"])) for row in rows]

    def asked(self) -> list[tuple[str, str, str]]:
        return self.shop.tasks("confirm")


@pytest.fixture
def papers(shop: Shop) -> Papers:
    return Papers(shop)


def test_a_job_goes_to_the_printer_as_a_document_that_ends_some_day(papers: Papers) -> None:
    (job,) = papers.print()
    ((device, name, payload),) = papers.waiting()
    assert (device, name, payload["key"]) == ("printer-1", "print", job)
    assert payload["until"] == "2026-11-21T14:00:00.000Z"
    assert payload["document"]["kind"] == "pickup_slip"
    assert payload["n"] == papers.job(job).n
    assert papers.state(job) == "queued"


def test_the_same_key_prints_once(papers: Papers) -> None:
    first = papers.print(key="k1", copies=2)
    assert papers.print(key="k1", copies=2) == first
    assert len(set(first)) == 2
    assert len(papers.waiting()) == 2


def test_the_numbers_of_jobs_go_up(papers: Papers) -> None:
    numbers = [papers.job(papers.print()[0]).n for _ in range(3)]
    assert numbers == sorted(set(numbers))


def test_with_several_printers_somebody_has_to_say_which(papers: Papers) -> None:
    papers.enroll("printer-2")
    with pytest.raises(Refusal, match=r"Which printer: printer-1, printer-2\?"):
        papers.print()
    (job,) = papers.print(printer="printer-2")
    assert papers.job(job).printer == "printer-2"
    papers.choose(print_slips_at="printer-2", print_labels_at="printer-1")
    assert papers.job(papers.print()[0]).printer == "printer-2"
    assert papers.job(papers.print("shelf_label", "MILK")[0]).printer == "printer-1"
    assert papers.job(papers.print("test_page", "printer-1")[0]).printer == "printer-1"


def test_a_printer_that_was_revoked_is_none(papers: Papers) -> None:
    papers.shop.run(lambda tx: fleet.revoke(tx, "printer-1"))
    with pytest.raises(Refusal, match="no printer yet"):
        papers.print()
    with pytest.raises(Refusal, match="no printer printer-1"):
        papers.print(printer="printer-1")


@pytest.mark.parametrize(
    ("kind", "ref", "wrong"),
    [
        ("pickup_slip", "R-404", NotFound),
        ("shelf_label", "NOBODY", NotFound),
        ("count_sheet", "NOWHERE", NotFound),
        ("receipt", "R-1", Invalid),
    ],
)
def test_what_is_not_here_is_not_printed(
    papers: Papers, kind: str, ref: str, wrong: type[Exception]
) -> None:
    with pytest.raises(wrong):
        papers.print(kind, ref)
    assert papers.waiting() == []


def test_a_wrong_language_is_said(papers: Papers) -> None:
    with pytest.raises(Invalid, match="language"):
        papers.print(lang="not a language")


def test_a_paper_of_a_thousand_lines_is_printed_and_one_of_ten_thousand_is_not(
    papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for lines, fits in ((1_000, True), (10_000, False)):
        long = Document("count_sheet", "en", (Item("Rye bread 750 g", "1 ×", "A-12"),) * lines)
        monkeypatch.setattr(queries, "document", lambda *_, long=long: long)
        if fits:
            assert papers.print("count_sheet", "tasks")
            continue
        with pytest.raises(Refusal, match="too much"):
            papers.print("count_sheet", "tasks")


def test_the_printer_says_why_it_waits_and_that_it_printed(papers: Papers) -> None:
    (job,) = papers.print()
    for state in ("offline", "no_paper", "cover_open", "trouble", "printed"):
        papers.says(job, state)
        assert papers.state(job) == state
    papers.says(job, "no_paper")
    assert papers.state(job) == "printed", "what is on paper stays on paper"


def test_only_its_own_printer_speaks_about_a_job(papers: Papers) -> None:
    papers.enroll("printer-2")
    (job,) = papers.print(printer="printer-1")
    with pytest.raises(NotFound):
        papers.says(job, "printed", by="printer-2")
    assert papers.state(job) == "queued"


def test_a_doubt_asks_a_person_once(papers: Papers) -> None:
    (job,) = papers.print()
    papers.says(job, "in_doubt", "offline")
    papers.says(job, "in_doubt", "offline")
    assert papers.asked() == [("confirm", f"print:{job}", "DID_IT_PRINT")]
    assert papers.state(job) == "in_doubt"
    papers.shop.is_sound()


def test_yes_ends_the_doubt_and_prints_nothing(papers: Papers) -> None:
    (job,) = papers.print()
    papers.says(job, "in_doubt")
    assert papers.answer(job, True) == []
    assert papers.state(job) == "printed"
    assert papers.asked() == []
    assert len(papers.shop.store.read(queries.jobs)) == 1
    with pytest.raises(Refusal, match="Nobody doubts"):
        papers.answer(job, False)


def test_no_prints_it_again_as_a_new_job(papers: Papers) -> None:
    (job,) = papers.print()
    papers.says(job, "in_doubt")
    (again,) = papers.answer(job, False)
    assert again != job
    assert papers.job(again).again_of == job
    assert (papers.state(job), papers.state(again)) == ("failed", "queued")
    assert papers.asked() == []
    papers.says(job, "in_doubt")
    assert papers.state(job) == "failed", "the printer cannot bring an answered doubt back"
    assert papers.asked() == []


def test_a_word_that_comes_late_ends_the_doubt(papers: Papers) -> None:
    (job,) = papers.print()
    papers.says(job, "in_doubt")
    papers.says(job, "printed")
    assert papers.state(job) == "printed"
    assert papers.asked() == []


def test_nothing_is_printed_again_while_it_may_still_come_out(papers: Papers) -> None:
    (job,) = papers.print()
    with pytest.raises(Refusal, match="still waits"):
        papers.shop.run(lambda tx: actions.again(tx, job, actor=ANNA, key="k"))
    papers.says(job, "in_doubt")
    with pytest.raises(Refusal, match="first"):
        papers.shop.run(lambda tx: actions.again(tx, job, actor=ANNA, key="k"))
    papers.answer(job, True)
    (again,) = papers.shop.run(lambda tx: actions.again(tx, job, actor=ANNA, key="k"))
    assert papers.job(again).again_of == job


def test_a_canceled_job_is_told_to_its_printer_and_sent_no_more(papers: Papers) -> None:
    (job,) = papers.print()
    papers.shop.run(lambda tx: actions.cancel(tx, job, actor=ANNA, key="c"))
    assert papers.state(job) == "canceled"
    assert papers.waiting() == [("printer-1", "print_cancel", {"key": f"{job}-cancel", "job": job})]
    papers.says(job, "canceled")
    assert papers.state(job) == "canceled"


def test_a_job_that_came_out_while_it_was_canceled_is_printed(papers: Papers) -> None:
    (job,) = papers.print()
    papers.shop.run(lambda tx: actions.cancel(tx, job, actor=ANNA, key="c"))
    papers.says(job, "printed")
    assert papers.state(job) == "printed"


def test_a_canceled_job_may_still_be_in_doubt(papers: Papers) -> None:
    (job,) = papers.print()
    papers.shop.run(lambda tx: actions.cancel(tx, job, actor=ANNA, key="c"))
    papers.says(job, "in_doubt")
    assert len(papers.asked()) == 1


def test_what_is_on_paper_cannot_be_canceled(papers: Papers) -> None:
    (job,) = papers.print()
    papers.says(job, "printed")
    with pytest.raises(Refusal, match="too late"):
        papers.shop.run(lambda tx: actions.cancel(tx, job, actor=ANNA, key="c"))


def test_what_waited_too_long_is_given_up(papers: Papers) -> None:
    (job,) = papers.print()
    papers.says(job, "no_paper")
    papers.shop.clock.advance(timedelta(minutes=120, seconds=59))
    assert papers.shop.run(actions.settle) == 0, "its printer's last word may be on its way"
    papers.shop.clock.advance(timedelta(seconds=2))
    assert papers.shop.run(actions.settle) == 1
    assert papers.state(job) == "expired"
    assert papers.waiting() == []
    papers.says(job, "printed")
    assert papers.state(job) == "printed", "the paper is there, whatever was given up"


def test_with_a_wrong_clock_nothing_is_given_up(
    papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = papers.print()
    monkeypatch.setattr(papers.shop.clock, "quality", lambda: "unknown")
    papers.shop.clock.advance(timedelta(days=300))
    assert papers.shop.run(actions.settle) == 0
    assert papers.state(job) == "queued"


def test_a_printer_without_the_command_fails_the_job(papers: Papers) -> None:
    (job,) = papers.print()
    papers.says(job, "unknown_command")
    assert (papers.state(job), papers.job(job).detail) == ("failed", "unknown_command")


def test_jobs_are_forgotten_when_they_are_over_for_a_month_and_no_others(papers: Papers) -> None:
    (over,) = papers.print()
    (doubt,) = papers.print()
    papers.says(over, "printed")
    papers.says(doubt, "in_doubt")
    papers.shop.clock.advance(timedelta(days=31))
    papers.shop.run(actions.settle)
    assert [job.job for job in papers.shop.store.read(queries.jobs)] == [doubt]


def test_an_order_that_comes_in_prints_its_slip_where_the_store_chose_so(papers: Papers) -> None:
    assert papers.shop.run(actions.new_orders) == []
    papers.choose(print_new_orders=True)
    (job,) = papers.shop.run(actions.new_orders)
    assert papers.job(job).ref == "R-1"
    assert papers.job(job).by == "hub"
    assert papers.shop.run(actions.new_orders) == [], "once"
    papers.shop.place("R-2", ("MILK", 1))
    papers.shop.clock.advance(timedelta(hours=3))
    papers.shop.place("R-3", ("MILK", 1))
    assert [papers.job(one).ref for one in papers.shop.run(actions.new_orders)] == ["R-3"]


def test_a_slip_that_somebody_printed_already_is_not_printed_by_itself(papers: Papers) -> None:
    papers.choose(print_new_orders=True)
    papers.print()
    assert papers.shop.run(actions.new_orders) == []


def test_an_order_gets_its_slip_however_many_wait_before_it(papers: Papers) -> None:
    papers.choose(print_new_orders=True)
    papers.shop.receive("MILK", 70)
    for n in range(60):
        papers.shop.place(f"EARLY-{n}", ("MILK", 1), promise_at="2026-11-21T13:00:00.000Z")
    made: list[str] = []
    while some := papers.shop.run(actions.new_orders):
        assert len(some) <= queries.MOST_SLIPS, "the writer is held for a moment only"
        made += some
    assert len(made) == 61, "and that of the fixture"
    papers.shop.place("LATE", ("MILK", 1), promise_at="2026-11-23T13:00:00.000Z")
    assert [papers.job(one).ref for one in papers.shop.run(actions.new_orders)] == ["LATE"]


def test_new_orders_wait_for_somebody_to_choose_among_printers(papers: Papers) -> None:
    papers.choose(print_new_orders=True)
    papers.enroll("printer-2")
    assert papers.shop.run(actions.new_orders) == []
    papers.choose(print_new_orders=True, print_slips_at="printer-2")
    (job,) = papers.shop.run(actions.new_orders)
    assert papers.job(job).printer == "printer-2"


def test_an_order_that_no_paper_can_hold_keeps_no_other_waiting(
    papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers.choose(print_new_orders=True)
    papers.shop.place("R-2", ("MILK", 1))
    draw = queries.document

    def long(conn: Any, kind: Any, ref: str, *more: Any) -> Document:
        if ref == "R-1":
            raise Refusal("This is too much for one paper.", slug="too-long")
        return draw(conn, kind, ref, *more)

    monkeypatch.setattr(queries, "document", long)
    (job,) = papers.shop.run(actions.new_orders)
    assert papers.job(job).ref == "R-2"
    (failed,) = papers.shop.store.read(queries.jobs, ref="R-1")
    assert failed.state == "failed"
    assert papers.shop.run(actions.new_orders) == []
    assert len(papers.waiting()) == 1
