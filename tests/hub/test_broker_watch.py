"""Who was turned away at the broker is read in its log."""

import time
from pathlib import Path

import pytest

from hub import broker
from hub.broker import watch as watching
from hub.broker.watch import Watch
from tests.hub.ingesting import free_port, running_broker, until
from tests.hub.party import BOTH, party

CAME = "1795307072: New connection from 10.0.0.{n}:56372 on port 8883.\n"
REFUSED = "1795307072: Client <unknown> disconnected, not authorised.\n"


def test_a_refusal_counts_for_the_connection_that_was_not_let_in(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("1795307072: Client <unknown> disconnected, not authorised.\n")
    follow = Watch(log)
    with log.open("a") as out:
        out.write(CAME.format(n=1) + CAME.format(n=2))
        out.write("1: New client connected from 10.0.0.1:56372 as a (p2, c1, k60, u'a').\n")
        out.write(REFUSED + CAME.format(n=3) + "1: Client <unknown> closed its connection.\n")
        out.write(CAME.format(n=4) + REFUSED + REFUSED + "1: Client till disconnected.\n")
    assert follow.step() == {"10.0.0.2": 1, "10.0.0.4": 1, "unknown": 1}
    assert follow.step() == {}


def test_a_broker_that_names_the_address_is_believed(tmp_path: Path) -> None:
    follow = Watch(tmp_path / "log")
    lines = "1: Client auto-1 [10.0.0.9:4711] disconnected: not authorised.\n"
    (tmp_path / "log").write_text(lines + "2: Client x [10.0.0.9] disconnected, not authorized.\n")
    assert follow.step() == {"10.0.0.9": 2}


def test_half_a_line_waits_for_its_end_and_rubbish_is_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    follow = Watch(log)
    log.write_bytes(b"\xff\x00 Client \n" + CAME.format(n=1).encode() + REFUSED.encode()[:20])
    assert follow.step() == {}
    with log.open("ab") as out:
        out.write(REFUSED.encode()[20:])
    assert follow.step() == {"10.0.0.1": 1}


def test_the_log_is_emptied_when_it_is_read_and_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOG_MOST", 1000)
    log = tmp_path / "log"
    follow = Watch(log)
    with log.open("a") as out:
        out.write((CAME.format(n=1) + REFUSED) * 20)
        out.flush()
        assert follow.step() == {"10.0.0.1": 20}
        assert log.stat().st_size == 0
        out.write(CAME.format(n=2) + REFUSED)
    assert follow.step() == {"10.0.0.2": 1}


def test_a_log_that_somebody_else_emptied_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("1: mosquitto version 2.0.11 running\n" * 50)
    follow = Watch(log)
    log.write_text(CAME.format(n=1) + REFUSED)
    assert follow.step() == {"10.0.0.1": 1}


def test_a_flood_from_everywhere_is_summed_up(tmp_path: Path) -> None:
    follow = Watch(tmp_path / "log")
    (tmp_path / "log").write_text("".join(CAME.format(n=n) + REFUSED for n in range(300)))
    found = follow.step()
    assert len(found) <= watching.ADDRESSES_MOST + 1
    assert sum(found.values()) == 300


@pytest.mark.parametrize("kind", BOTH)
def test_wrong_passwords_and_unknown_names_at_a_real_broker_are_counted(
    tmp_path: Path, kind: str
) -> None:
    with running_broker(tmp_path, kind, ("a",), free_port()) as (chosen, _):
        follow = Watch(tmp_path / broker.LOG)
        for name, password in (("a", "wrong"), ("nobody", "x"), ("", None), ("a", None)):
            with party(chosen.mqtt_port, name, password):
                pass
        counted: dict[str, int] = {}

        def all_there() -> bool:
            for address, times in follow.step().items():
                counted[address] = counted.get(address, 0) + times
            return sum(counted.values()) >= 3

        until(all_there, "three were counted")
        time.sleep(0.2)
        assert all_there()
        assert counted == {"127.0.0.1": 3}


def test_a_log_that_cannot_be_read_ends_no_hub(tmp_path: Path) -> None:
    # A directory in its place is as unreadable to root as another user's file is to us.
    (tmp_path / "log").mkdir()
    watch = Watch(tmp_path / "log")
    assert watch.step() == {}
    assert watch.step() == {}
