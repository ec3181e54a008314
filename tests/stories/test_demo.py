"""The sample store as a newcomer meets it: it starts, stays, is killed, and comes again."""

import json
import os
import signal
import sqlite3
import subprocess
from pathlib import Path

from tests.floor import COMMAND, ROOT, Floor, free_ports


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_the_data_stay_between_runs_and_no_process_does(tmp_path: Path) -> None:
    floor = Floor(tmp_path / "data").start()
    try:
        floor.receive({"KEEP-1": 4})
        first = floor.facts()
        floor.in_step()
    finally:
        floor.stop()
    assert not any(alive(pid) for pid in first["pids"].values())
    floor.start()
    try:
        again = floor.facts()
        assert floor.stock("KEEP-1")["on_hand"] == 4
        assert again["staff"] == first["staff"]
        assert again["tokens"] == first["tokens"]
        assert again["devices"] == first["devices"]
        assert floor.verify()["ok"]
    finally:
        floor.stop()


def test_a_demo_that_was_killed_leaves_nothing_in_the_way_of_the_next(tmp_path: Path) -> None:
    floor = Floor(tmp_path / "data").start()
    floor.receive({"KEEP-1": 4})
    left = floor.facts()["pids"]
    assert floor._process is not None
    floor._process.kill()
    floor._process.wait()
    assert all(alive(pid) for pid in left.values())
    floor.start()
    try:
        # `start` may have met the old hub: the new demo ends it before it opens its own.
        floor.until(lambda: not any(alive(pid) for pid in left.values()), "the strays are gone")
        floor.wait_ready()
        assert floor.stock("KEEP-1")["on_hand"] == 4
    finally:
        floor.stop()


def test_each_killed_process_comes_back_and_demo_json_tells(tmp_path: Path) -> None:
    floor = Floor(tmp_path / "data").start()
    try:
        for name in ("hub", "central", "broker"):
            old = floor.kill(name)
            floor.until(
                lambda name=name, old=old: floor.facts()["pids"][name] != old, f"{name} again"
            )
        floor.wait_ready()
        floor.receive({"AFTER": 1})
        floor.in_step()
    finally:
        floor.stop()


def test_demo_json_and_secrets_are_for_their_owner_alone(floor: Floor) -> None:
    for name in ("demo.json", "secrets.toml", "hub.db", "control.sock"):
        assert (floor.directory / name).stat().st_mode & 0o077 == 0, name


def test_a_second_demo_or_hub_on_the_same_data_is_refused(floor: Floor) -> None:
    for arguments in (["demo", "--port-base", str(free_ports(6))], ["run"]):
        second = subprocess.run(
            [*COMMAND, *arguments, "--data", str(floor.directory)],
            cwd=ROOT, env=floor.environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert second.returncode == 1
        assert "stop it first" in second.stderr
    assert floor.facts()["pids"]["hub"] > 0
    assert json.loads(floor.storehub("status", "--json").stdout)["instance"]


def test_a_term_signal_ends_the_hub_with_everything_committed(tmp_path: Path) -> None:
    floor = Floor(tmp_path / "data").start()
    try:
        floor.receive({"KEEP-1": 4})
        old = floor.facts()["pids"]["hub"]
        os.kill(old, signal.SIGTERM)
        floor.until(lambda: floor.facts()["pids"]["hub"] != old, "the hub is started again")
        floor.wait_ready()
        assert floor.stock("KEEP-1")["on_hand"] == 4
    finally:
        floor.stop()


def test_verify_compares_with_central_and_names_what_differs(tmp_path: Path) -> None:
    floor = Floor(tmp_path / "data").start()

    def central() -> dict[str, object]:
        (found,) = [one for one in floor.verify()["checks"] if one["name"] == "central"]
        return dict(found)

    try:
        floor.receive({"SEEN": 4})
        floor.in_step()
        assert central() == {"name": "central", "ok": True, "detail": ""}
        floor.line("down")
        assert central() == {
            "name": "central", "ok": True, "detail": "not compared: central does not answer",
        }  # fmt: skip
        floor.line("up")
        database = sqlite3.connect(tmp_path / "data" / "central" / "central.db")
        database.execute("UPDATE stock SET qty = 5 WHERE sku = 'SEEN' AND bucket = 'available'")
        database.commit()
        database.close()
        found = floor.until(lambda: not (one := central())["ok"] and one, "central is asked")
        assert str(found["detail"]).startswith("stock:")
    finally:
        floor.stop()
