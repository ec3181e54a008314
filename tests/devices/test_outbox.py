"""The device's outbox keeps business events until they are confirmed, and numbers without gaps."""

from pathlib import Path

from devices.outbox import Limits, Outbox


def write(name: str, seq: int) -> bytes:
    return f"{name}/{seq}".encode()


def test_what_was_appended_is_there_after_a_restart_byte_by_byte(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "d.db")
    names = [first.append("d", "scan", True, 0, write) for _ in range(3)]
    first.close()
    second = Outbox(tmp_path / "d.db")
    assert [one.id for one in second.after(0, 10)] == names
    assert [one.body for one in second.after(0, 10)] == [
        f"{name}/{n}".encode() for n, name in enumerate(names, 1)
    ]
    second.close()


def test_numbers_go_on_after_everything_was_confirmed_and_after_a_restart(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "d.db")
    for _ in range(5):
        first.append("d", "scan", True, 0, write)
    first.confirmed([one.n for one in first.after(0, 10)])
    assert first.count() == 0
    first.close()
    second = Outbox(tmp_path / "d.db")
    second.append("d", "scan", True, 0, write)
    assert second.after(0, 1)[0].n == 6
    second.close()


def test_a_device_set_up_anew_uses_no_id_again(tmp_path: Path) -> None:
    names = []
    for path in (tmp_path / "a.db", tmp_path / "b.db"):
        one = Outbox(path)
        names.append(one.append("d", "scan", True, 0, write))
        one.close()
    assert names[0] != names[1]


def test_telemetry_makes_room_oldest_first_and_business_never(
    tmp_path: Path,
) -> None:
    box = Outbox(tmp_path / "d.db", limits=Limits(telemetry_most=100))
    for n in range(1024):
        box.append("d", "scan" if n % 4 == 0 else "weight", n % 4 == 0, 0, write)
    kinds = [one.kind for one in box.after(0, 2000)]
    assert (kinds.count("scan"), kinds.count("weight")) == (256, 100)
    assert box.dropped() == 1024 - 356
    assert box.after(0, 2000)[-1].n == 1024
    box.close()


def test_telemetry_nobody_fetched_for_days_goes(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "d.db")
    box.append("d", "weight", False, 0, write)
    box.append("d", "scan", True, 0, write)
    for _ in range(300):
        box.append("d", "weight", False, Limits().telemetry_ms + 1, write)
    assert [one.kind for one in box.after(0, 1)] == ["scan"]
    box.close()


def test_a_command_that_was_begun_and_never_ended_is_in_doubt(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "d.db")
    assert box.begin_command("k1") is None
    assert box.begin_command("k1") == "in_doubt"
    box.end_command("k1", "printed")
    assert box.begin_command("k1") == "printed"
    box.close()
