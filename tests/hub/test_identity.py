"""A running hub shows its certificate, renews it, and opens without one rather than not at all."""

import errno
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub import authority, broker, settings
from hub.errors import Unavailable
from hub.identity import Identity, Pair
from tests.hub.ingesting import account, free_port

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def chosen(directory: Path, **flags: Any) -> settings.Settings:
    return settings.load(directory, environment={}, flags=flags)


class Door:
    def __init__(self, taken: bool = False) -> None:
        self.taken, self.shown = taken, [b""]

    def open(self, host: str, port: int, pair: Pair) -> None:
        if self.taken:
            raise Unavailable(f"Port {port} is taken: set https_port to another.")
        self.renew(pair)

    def renew(self, pair: Pair) -> None:
        self.shown.append(pair[0].read_bytes())


def test_the_certificate_is_shown_and_a_new_name_renews_it_while_the_hub_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, door = Identity(tmp_path, chosen(tmp_path)), Door()
    made.open(door.open, door.renew)
    made.look(NOW)
    assert len(door.shown) == 2
    monkeypatch.setattr(authority, "names_here", lambda further: ["10.1.2.3", *further])
    made.look(NOW)
    made.look(NOW)
    assert len(door.shown) == 3
    assert made.note == ""


@pytest.mark.parametrize("damage", ["ca.pem", "ca.key"])
def test_with_a_damaged_ca_the_hub_opens_and_says_what_to_do(tmp_path: Path, damage: str) -> None:
    Identity(tmp_path, chosen(tmp_path))
    (tmp_path / "tls" / damage).write_bytes(b"-----BEGIN")
    made, door = Identity(tmp_path, chosen(tmp_path)), Door()
    made.open(door.open, door.renew)
    assert f"{damage} is damaged: bring the tls directory back from a backup" in made.note
    assert len(door.shown) == (1 if damage == "ca.pem" else 2)
    if damage == "ca.pem":
        with pytest.raises(Unavailable, match="is damaged"):
            made.ca()


def test_a_taken_port_is_a_note_that_stays_and_mended_files_end_theirs(tmp_path: Path) -> None:
    made, door = Identity(tmp_path, chosen(tmp_path)), Door(taken=True)
    made.open(door.open, door.renew)
    made.look(NOW)
    assert "set https_port to another" in made.note
    key = tmp_path / "tls" / "ca.key"
    kept = key.read_bytes()
    key.unlink()
    other = Identity(tmp_path, chosen(tmp_path))
    assert "ca.key is missing" in other.note
    key.write_bytes(kept)
    other.look(NOW)
    assert other.note == ""


@pytest.mark.parametrize("first", [True, False])
def test_a_full_disk_and_a_name_in_letters_of_its_own_keep_no_store_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    if not first:
        Identity(tmp_path, chosen(tmp_path))
    strange = Identity(tmp_path, chosen(tmp_path, host_names="größe.local"))
    assert "No certificate can carry the name 'größe.local'" in strange.note
    assert (strange.tls is None) == first

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("hub.authority.os.fsync", full)
    made = Identity(tmp_path, chosen(tmp_path, host_names="new.name"))
    assert "cannot be written (No space left on device)" in made.note
    assert (made.tls is None) == first


def test_files_of_another_user_keep_no_store_closed(tmp_path: Path) -> None:
    Identity(tmp_path, chosen(tmp_path))
    for name in ("ca.pem", "hub.pem"):
        (tmp_path / "tls" / name).unlink()
        (tmp_path / "tls" / name).mkdir()
    made = Identity(tmp_path, chosen(tmp_path))
    assert "tls cannot be used (" in made.note
    assert made.tls is None


def test_no_https_when_the_port_is_0(tmp_path: Path) -> None:
    made, door = Identity(tmp_path, chosen(tmp_path, https_port=0)), Door()
    made.open(door.open, door.renew)
    assert door.shown == [b""]


def test_the_broker_starts_without_its_tls_door_when_the_ca_is_damaged(tmp_path: Path) -> None:
    ports = {"broker": "amqtt", "mqtt_port": free_port(), "mqtts_port": free_port()}
    asked = chosen(tmp_path, **ports)
    doors = broker.prepare(tmp_path, asked, [account("a")])
    assert any("tls:" in one for one in doors)
    (tmp_path / "tls" / "ca.pem").write_bytes(b"half")
    doors = broker.prepare(tmp_path, asked, [account("a")])
    assert not any("tls:" in one for one in doors)
    assert any("tcp:127.0.0.1" in one for one in doors)
