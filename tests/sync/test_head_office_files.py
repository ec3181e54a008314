"""Head office tends its central by commands: tokens, stores, a backup that can be used."""

import json
import shutil
import stat
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from hub.cli import storehub
from hub.errors import Refusal
from sync.central import Running, backup, keys
from tests.sync.pair import Central


def told(*arguments: str) -> dict[str, str]:
    done = CliRunner().invoke(storehub, ["central", *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    shown: dict[str, str] = json.loads(done.output)
    return shown


def test_a_central_is_made_ready_by_commands(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    token = told("token", "--role", "read", "--name", "fleet", *data)["token"]
    enrolment = told("store", "harbour", "--name", "Harbour Street", *data)["token"]
    running = Running(tmp_path)
    try:
        head = {"Authorization": f"Bearer {token}"}
        fleet = requests.get(f"{running.url}/api/v1/fleet", headers=head, timeout=40).json()
        assert [one["name"] for one in fleet["items"]] == ["Harbour Street"]
        body = {"token": enrolment}
        enrolled = requests.post(f"{running.url}/sync/v1/enrol", json=body, timeout=40)
        assert enrolled.json()["store"] == "harbour"
        with pytest.raises(Refusal):
            told("token", "--role", "read", "--name", "late", *data)
    finally:
        running.stop()


def test_tokens_are_made_and_revoked_while_central_runs(central: Central) -> None:
    made = central.post("/tokens", {"name": "till", "role": "read"})
    assert made.status_code == 201
    head = {"Authorization": f"Bearer {made.json()['token']}"}

    def asked() -> int:
        return requests.get(f"{central.url}/api/v1/fleet", headers=head, timeout=40).status_code

    assert asked() == 200
    assert (
        requests.post(f"{central.url}/api/v1/tokens", headers=head, timeout=40).status_code == 403
    )
    assert central.post("/tokens", {"name": "x", "role": "king"}).status_code == 422
    assert central.post("/tokens/till/revoke", {}).json() == {"revoked": 1}
    assert asked() == 401
    assert central.post("/tokens/till/revoke", {}).status_code == 404


def test_a_backup_of_a_running_central_is_whole_and_begins_a_new_generation(
    central: Central, tmp_path: Path
) -> None:
    placed = central.place("R-1", {"4711": 1})
    generation = central.running.inventory.store.generation
    copy = tmp_path / "copy"
    backup(central.directory, copy)
    for name in ("central.db", "pickup.key", "page.key"):
        assert stat.S_IMODE((copy / name).stat().st_mode) == 0o600
    with pytest.raises(Refusal):
        backup(central.directory, copy)
    central.place("R-2", {"4711": 1})
    central.stop()
    folder = central.directory / "central"
    for old in folder.glob("central.db*"):
        old.unlink()
    shutil.copy(copy / "central.db", folder)
    central.serve()
    assert central.get("/orders/R-1").json()["pickup_code"] == placed["pickup_code"]
    assert central.get("/orders/R-2").status_code == 404
    assert central.running.inventory.store.generation != generation
    with pytest.raises(Refusal):
        backup(tmp_path / "nothing", tmp_path / "there")


def test_a_backup_has_every_key(central: Central, tmp_path: Path) -> None:
    fresh = str(central.post("/keys/rotate", {}).json()["key_id"])
    backup(central.directory, tmp_path / "copy")
    copied = keys.Keyring(tmp_path / "copy").get(fresh)
    assert copied is not None
    assert copied.key_id == fresh
    for path in keys.files(tmp_path / "copy"):
        assert path.stat().st_mode & 0o77 == 0
