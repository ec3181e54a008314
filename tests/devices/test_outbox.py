"""The device's outbox keeps business events until they are confirmed, and numbers without gaps."""

import logging
import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.outbox import Entry, Limits, Outbox, Waiting
from hub.errors import Unavailable
from tests.hub.ingesting import until

ROW = 100


def write(name: str, seq: int) -> bytes:
    return f"{name}/{seq}".encode()


def big(size: int) -> Entry:
    return Entry("d", "scan", True, 0, lambda name, seq: b"b" * size)


def little(size: int = 0, device: str = "d", at_ms: int | None = 0) -> Entry:
    return Entry(device, "weight", False, at_ms, lambda name, seq: b"t" * size)


@contextmanager
def outbox(path: Path, **limits: int) -> Iterator[Outbox]:
    with closing(Outbox(path / "d.db", limits=Limits(**limits))) as box:
        yield box


def held(box: Outbox) -> list[Waiting]:
    return box.after(0, 10_000)


# --- numbers and ids


def test_what_was_appended_is_there_after_a_restart_byte_by_byte(tmp_path: Path) -> None:
    with outbox(tmp_path) as box:
        names = [box.append("d", "scan", True, 0, write) for _ in range(3)]
    with outbox(tmp_path) as box:
        assert [one.id for one in held(box)] == names
        bodies = [f"{name}/{n}".encode() for n, name in enumerate(names, 1)]
        assert [one.body for one in held(box)] == bodies


def test_numbers_go_on_after_everything_was_confirmed_and_after_a_restart(tmp_path: Path) -> None:
    with outbox(tmp_path) as box:
        for _ in range(5):
            box.append("d", "scan", True, 0, write)
        box.confirmed([one.n for one in held(box)])
        assert box.count() == 0
    with outbox(tmp_path) as box:
        name = box.append("d", "scan", True, 0, write)
        assert [one.body for one in held(box)] == [f"{name}/6".encode()]


def test_each_device_has_its_own_numbers(tmp_path: Path) -> None:
    for _ in range(2):
        with outbox(tmp_path) as box:
            for device in ("a", "b", "a"):
                box.append(device, "scan", True, 0, write)
    with outbox(tmp_path) as box:
        told = [(one.device, one.body.decode().partition("/")[2]) for one in held(box)]
    assert told == [(d, s) for d, s in zip("abaaba", "112324", strict=True)]


def test_a_device_set_up_anew_uses_no_id_again(tmp_path: Path) -> None:
    names = []
    for name in ("a", "b"):
        with outbox(tmp_path / name) as box:
            names.append(box.append("d", "scan", True, 0, write))
    assert names[0] != names[1]


def test_what_came_under_an_id_before_is_not_kept_again_even_after_it_is_gone(
    tmp_path: Path,
) -> None:
    def sent(box: Outbox, device: str, name: str) -> list[str]:
        return box.keep([Entry(device, "input", True, 0, write, given=name)])

    with outbox(tmp_path) as box:
        assert sent(box, "d", "x-1") == sent(box, "d", "x-1") == ["x-1"]
        assert [one.id for one in held(box)] == ["x-1"]
        assert sent(box, "e", "x-1") == ["x-1"]
        assert box.count() == 2
        box.confirmed([one.n for one in held(box)])
    with outbox(tmp_path) as box:
        sent(box, "d", "x-1")
        assert box.count() == 0


# --- bounds


def test_telemetry_makes_room_oldest_first_and_business_never(tmp_path: Path) -> None:
    with outbox(tmp_path, telemetry_most=100) as box:
        for n in range(1024):
            box.append("d", "scan" if n % 4 == 0 else "weight", n % 4 == 0, 0, write)
        kinds = [one.kind for one in held(box)]
        assert (kinds.count("scan"), kinds.count("weight")) == (256, 100)
        assert box.dropped() == 1024 - 356
        newest = [n for n in range(1, 1025) if n % 4 != 1][-100:]
        assert [one.n for one in held(box) if one.kind == "weight"] == newest
    with outbox(tmp_path) as box:
        assert box.dropped() == 1024 - 356


def test_telemetry_that_was_fetched_is_in_nobody_s_way(tmp_path: Path) -> None:
    with outbox(tmp_path, telemetry_most=8) as box:
        for _ in range(3):
            box.keep([little() for _ in range(8)])
            box.confirmed([one.n for one in held(box)])
        assert box.dropped() == 0


def test_telemetry_nobody_fetched_for_days_goes(tmp_path: Path) -> None:
    with outbox(tmp_path) as box:
        box.append("d", "weight", False, 0, write)
        box.append("d", "scan", True, 0, write)
        for _ in range(300):
            box.append("d", "weight", False, Limits().telemetry_ms + 1, write)
        assert [one.kind for one in box.after(0, 1)] == ["scan"]


def test_telemetry_whose_time_nobody_knows_is_not_too_old(tmp_path: Path) -> None:
    with outbox(tmp_path) as box:
        box.keep([little(at_ms=None)])
        box.keep([little(at_ms=Limits().telemetry_ms * 9) for _ in range(300)])
        assert box.count() == 301


def test_when_the_limit_is_reached_telemetry_goes_before_any_business_is_refused(
    tmp_path: Path,
) -> None:
    with outbox(tmp_path, size=10 * (ROW + 100)) as box:
        box.keep([little(100) for _ in range(6)])
        for _ in range(10):
            box.keep([big(100)])
        assert (box.count(), box.dropped()) == (10, 6)
        with pytest.raises(Unavailable, match=r"outbox is full: 10 observations wait"):
            box.keep([big(1)])
        assert (box.count(), box.dropped()) == (10, 6)


def test_no_more_telemetry_goes_than_the_newcomer_needs(tmp_path: Path) -> None:
    with outbox(tmp_path, size=10 * (ROW + 100)) as box:
        box.keep([little(100) for _ in range(10)])
        box.keep([big(100)])
        assert (box.count(), box.dropped()) == (10, 1)


def test_telemetry_that_finds_no_room_is_counted_and_takes_no_number(tmp_path: Path) -> None:
    with outbox(tmp_path, size=2 * (ROW + 100)) as box:
        box.keep([big(100), big(100)])
        assert box.keep([little(1)]) == [""]
        assert (box.count(), box.dropped()) == (2, 1)
        box.confirmed([1])
        box.append("d", "scan", True, 0, write)
        assert held(box)[-1].body.endswith(b"/3")


def test_a_refused_business_event_leaves_no_gap_in_the_numbers(tmp_path: Path) -> None:
    with outbox(tmp_path, size=2 * (ROW + 100)) as box:
        box.keep([big(100), big(100)])
        with pytest.raises(Unavailable):
            box.keep([big(100)])
        box.confirmed([1])
        box.append("d", "scan", True, 0, write)
        assert held(box)[-1].body.endswith(b"/3")


def test_a_disk_that_takes_nothing_is_said_and_what_was_kept_is_still_there(
    tmp_path: Path,
) -> None:
    with outbox(tmp_path) as box:
        names = box.keep([big(500) for _ in range(20)])
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        most = max(one.stat().st_size for one in tmp_path.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
        try:
            with pytest.raises(Unavailable, match="cannot be written"):
                box.keep([big(60_000)])
            with pytest.raises(Unavailable, match="cannot be written"):
                box.keep([little(60_000)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        names.append(box.append("d", "scan", True, 0, write))
        assert [one.id for one in held(box)] == names
        assert box.count() == len(names)
        assert held(box)[-1].body.endswith(b"/21"), "what failed took no number"


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["business", "telemetry", "confirm", "reopen"]), st.integers(0, 400)),
    max_size=60,
)


@given(OPERATIONS)
def test_whatever_happens_no_business_event_is_lost_and_the_count_is_true(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, int]]
) -> None:
    place = tmp_path_factory.mktemp("box")
    limits = Limits(size=4_000, telemetry_most=8)
    box = Outbox(place / "d.db", limits=limits)
    owed: list[str] = []
    for what, size in operations:
        if what == "reopen":
            box.close()
            box = Outbox(place / "d.db", limits=limits)
        elif what == "telemetry":
            box.keep([little(size)])
        elif what == "business":
            try:
                owed += box.keep([big(size)])
            except Unavailable:
                assert all(one.kind == "scan" for one in held(box))
        elif waiting := held(box):
            chosen = waiting[size % len(waiting)]
            box.confirmed([chosen.n])
            owed = [one for one in owed if one != chosen.id]
        waiting = held(box)
        assert [one.id for one in waiting if one.kind == "scan"] == owed
        assert sum(len(one.body) + ROW for one in waiting) <= limits.size
        assert len(waiting) - len(owed) <= limits.telemetry_most
        assert box.count() == len(waiting)
    box.close()


def test_hours_left_are_told_by_the_busiest_hour_of_the_last_day(tmp_path: Path) -> None:
    hour = 3_600_000

    def scans(box: Outbox, at_hour: int, count: int) -> None:
        entry = Entry("d", "scan", True, at_hour * hour, lambda name, seq: b"b" * 100)
        for _ in range(count):
            box.keep([entry])

    with outbox(tmp_path, size=100 * (ROW + 100)) as box:
        assert box.hours_left() == 9_999.0
        scans(box, 1, 10)
        assert box.hours_left() == 9.0
        scans(box, 2, 5)
        assert box.hours_left() == 8.5
        box.keep([little(100)])
        assert box.hours_left() == 8.5
    with outbox(tmp_path, size=100 * (ROW + 100)) as box:
        assert box.hours_left() == 8.5
        scans(box, 30, 5)
        assert box.hours_left() == 16.0
        box.confirmed([one.n for one in held(box)])
        assert box.hours_left() == 20.0


# --- commits


def test_a_group_is_kept_whole_or_not_at_all_and_so_is_what_is_written_beside(
    tmp_path: Path,
) -> None:
    def ledger(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE IF NOT EXISTS ledger (what TEXT)")
        connection.execute("INSERT INTO ledger VALUES ('x')")

    def refuse(connection: sqlite3.Connection) -> None:
        ledger(connection)
        raise ValueError("no")

    with outbox(tmp_path, size=3 * (ROW + 100)) as box:
        box.keep([little(100)])
        with pytest.raises(Unavailable):
            box.keep([big(100), big(100), big(100), big(100)], ledger)
        with pytest.raises(ValueError, match="no"):
            box.keep([big(100)], refuse)
        assert [one.kind for one in held(box)] == ["weight"]
        assert box.dropped() == 0
        box.keep([big(100), big(100)], ledger)
        assert box.count() == 3
    with sqlite3.connect(tmp_path / "d.db") as file:
        assert file.execute("SELECT count(*) FROM ledger").fetchone() == (1,)


def test_all_who_observe_at_one_moment_share_one_fsync(tmp_path: Path) -> None:
    with outbox(tmp_path) as box:
        entered, go = threading.Event(), threading.Event()

        def slow(_: sqlite3.Connection) -> None:
            entered.set()
            go.wait(120)

        first = threading.Thread(target=box.keep, args=([big(1)], slow))
        first.start()
        assert entered.wait(60)
        crowd = [threading.Thread(target=box.keep, args=([big(1)],)) for _ in range(20)]
        for one in crowd:
            one.start()
        before = box.fsyncs
        until(lambda: len(box._groups) == 20, "all twenty stand behind the lock")
        go.set()
        for one in [first, *crowd]:
            one.join()
        assert box.count() == 21
        assert box.fsyncs - before == 2, "the first one's, and the crowd's"


def test_each_business_observation_is_on_the_disk_when_it_is_kept(tmp_path: Path) -> None:
    with outbox(tmp_path) as box:
        box.keep([big(1)])
        before = box.fsyncs
        box.keep([little(), big(1)])
        box.keep([big(1)])
        assert box.fsyncs - before == 2
        held(box)
        assert box.fsyncs - before == 2, "nothing is left to bring to the disk"


def test_a_stream_of_telemetry_costs_an_fsync_a_second_and_one_before_it_is_sent(
    tmp_path: Path,
) -> None:
    with outbox(tmp_path) as box:
        box.keep([little()])
        before = box.fsyncs
        for _ in range(50):
            box.keep([little()])
        assert box.fsyncs - before <= 1
        before = box.fsyncs
        assert len(held(box)) == 51
        assert box.fsyncs - before == 1
        held(box)
        box.confirmed([one.n for one in held(box)])
        assert box.fsyncs - before == 1


# --- commands


def test_a_command_that_was_begun_and_never_ended_is_in_doubt(tmp_path: Path) -> None:
    with outbox(tmp_path) as box:
        assert box.command_state("k1") == (False, None)
        assert box.begin_command("k1") is None
        assert box.begin_command("k1") == "in_doubt"
        assert box.command_state("k1") == (True, None)
        assert box.unfinished_commands() == ["k1"]
    with outbox(tmp_path) as box:
        box.end_command("k1", "printed")
        assert box.begin_command("k1") == "printed"
        assert box.unfinished_commands() == []
        box.forget_command("k1")
        assert box.begin_command("k1") is None


# --- the file


FIRST_FORM = """
CREATE TABLE waiting (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, kind TEXT NOT NULL,
    body BLOB, business INTEGER NOT NULL, at_ms INTEGER NOT NULL);
CREATE INDEX waiting_telemetry ON waiting (n) WHERE NOT business;
CREATE TABLE about (origin TEXT NOT NULL, dropped INTEGER NOT NULL);
CREATE TABLE command (key TEXT PRIMARY KEY, state TEXT);
INSERT INTO about VALUES ('0a1b2c3d', 7);
INSERT INTO command VALUES ('k1', 'printed');
INSERT INTO waiting VALUES (40, '0a1b2c3d-40', 'scan', x'7b7d', 1, 5), (41, '0a1b2c3d-41', 'weight',
    x'7b7d', 0, 6), (42, '0a1b2c3d-42', 'scan', x'7b7d', 1, 7);
DELETE FROM waiting WHERE n = 42;
"""


def test_an_outbox_of_the_first_form_is_brought_up_in_place(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "d.db")) as old:
        old.executescript(FIRST_FORM)
    for again in (False, True):
        with outbox(tmp_path) as box:
            kept = [(one.n, one.id, one.device, one.kind, one.body) for one in held(box)]
            assert kept[:2] == [
                (40, "0a1b2c3d-40", "d", "scan", b"{}"),
                (41, "0a1b2c3d-41", "d", "weight", b"{}"),
            ]
            assert (box.dropped(), box.begin_command("k1")) == (7, "printed")
            if not again:
                assert box.append("d", "scan", True, 0, write) == "0a1b2c3d-43"
            assert held(box)[-1].body == b"0a1b2c3d-43/43"


def test_two_processes_never_share_an_outbox(tmp_path: Path) -> None:
    with outbox(tmp_path), pytest.raises(Unavailable, match="another process uses it"):
        Outbox(tmp_path / "d.db")


def test_a_file_that_is_no_outbox_any_more_is_moved_aside_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "d.db").write_bytes(b"\x00\xff" * 8192)
    with caplog.at_level(logging.ERROR), outbox(tmp_path) as box:
        assert box.count() == 0
        box.append("d", "scan", True, 0, write)
    assert "was damaged" in caplog.text
    (aside,) = tmp_path.glob("d.db.damaged-*")
    assert aside.read_bytes() == b"\x00\xff" * 8192


def test_what_can_be_read_of_a_damaged_outbox_is_taken_over_under_its_ids(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "d.db"
    with outbox(tmp_path) as box:
        for _ in range(400):
            box.keep([Entry("d", "scan", True, 0, lambda n, s: f"{n}/{s}".encode() * 20)])
        box.begin_command("k1")
        before = {one.id: one.body for one in held(box)}
    raw = bytearray(path.read_bytes())
    page = 4096
    # A page of the table's middle: what stands before and behind it can still be read.
    middle = raw.find(b"-200/") // page * page
    raw[middle : middle + page] = b"\x5a" * page
    path.write_bytes(raw)
    with caplog.at_level(logging.ERROR), outbox(tmp_path) as box:
        saved = {one.id: one.body for one in held(box)}
        assert 300 < len(saved) < 400
        assert {name: before[name] for name in saved} == saved
        assert f"{len(saved)} observations were saved" in caplog.text
        assert box.begin_command("k1") == "in_doubt"
        # Its numbers go on where they were, and no id comes twice.
        box.append("d", "scan", True, 0, write)
        assert held(box)[-1].body.endswith(b"/401")
        assert len({one.id for one in held(box)}) == len(saved) + 1
