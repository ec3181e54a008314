"""A backup brings back a whole store or nothing, and never writes where it should not."""

import io
import resource
import tarfile
from hashlib import blake2b
from pathlib import Path

import msgspec
import pytest
import zstandard

from hub import authority, backup
from hub.clock import FixedClock
from hub.errors import Refusal
from hub.settings import Settings
from hub.stock import queries as ledger
from hub.store import Store
from sync import trust
from tests.hub.shop import NOON, opened


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    with opened(tmp_path / "shop") as shop:
        shop.receive("MILK", 3)
        backup.backup(tmp_path / "shop", tmp_path / "one.backup", "s1", shop.clock)
    return tmp_path / "one.backup"


def forged(path: Path, files: dict[str, bytes], named: dict[str, str]) -> Path:
    """Pack an archive whose manifest says what the attacker wants."""
    manifest = backup.Manifest(1, "s1", NOON.isoformat(), 0, "00" * 32, named)
    listed = {backup.MANIFEST: msgspec.json.encode(manifest)} | files
    with (
        path.open("wb") as raw,
        zstandard.ZstdCompressor().stream_writer(raw, closefd=False) as stream,
        tarfile.open(fileobj=stream, mode="w|") as tar,
    ):
        for name, content in listed.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def digest(content: bytes) -> str:
    return blake2b(content, digest_size=32).hexdigest()


def test_what_was_backed_up_is_restored(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "hub.db-wal").write_bytes(b"the log of a file that is gone")
    made = backup.restore(packed, tmp_path / "again")
    assert made.seq == 1
    assert not (tmp_path / "again" / "hub.db-wal").exists()
    with Store(tmp_path / "again", Settings(store="s1", ballast_mib=1)) as store:
        assert store.read(ledger.stock, "MILK", NOON)["on_hand"] == 3


def test_the_store_s_ca_comes_back_so_that_devices_stay_joined(tmp_path: Path) -> None:
    with opened(tmp_path / "shop") as shop:
        tls = authority.establish(tmp_path / "shop", "s1", ["hub.local"], NOON)
        backup.backup(tmp_path / "shop", tmp_path / "one.backup", "s1", shop.clock)
    (tmp_path / "again").mkdir()
    backup.restore(tmp_path / "one.backup", tmp_path / "again")
    back = authority.establish(tmp_path / "again", "s1", ["other.local"], NOON)
    assert (back.fingerprint(), back.note) == (tls.fingerprint(), "")
    assert back.ca_key.stat().st_mode & 0o077 == 0


def test_the_pinned_ca_of_central_comes_back_and_a_folder_that_is_not_there_is_named(
    tmp_path: Path,
) -> None:
    with opened(tmp_path / "shop") as shop:
        (tmp_path / "shop" / trust.FILE).write_text("central's own")
        with pytest.raises(Refusal, match="There is no folder"):
            backup.backup(tmp_path / "shop", tmp_path / "usb" / "one", "s1", shop.clock)
        backup.backup(tmp_path / "shop", tmp_path / "one.backup", "s1", shop.clock)
    (tmp_path / "again").mkdir()
    backup.restore(tmp_path / "one.backup", tmp_path / "again")
    assert (tmp_path / "again" / trust.FILE).read_text() == "central's own"


def test_a_disk_without_room_is_named_and_keeps_no_half_of_a_backup(
    packed: Path, tmp_path: Path
) -> None:
    usb, again = tmp_path / "usb", tmp_path / "again"
    usb.mkdir()
    again.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A file that may not grow gives the error of a disk that is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    try:
        with pytest.raises(Refusal, match="usb could not be written to"):
            backup.backup(tmp_path / "shop", usb / "one", "s1", FixedClock(NOON))
        with pytest.raises(Refusal, match="File too large"):
            backup.restore(packed, again)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(usb.iterdir()) == []
    assert not (again / "hub.db").exists()
    backup.restore(packed, again)
    assert (again / "hub.db").exists()


def test_a_store_is_never_overwritten(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="holds a store already"):
        backup.restore(packed, tmp_path / "shop")


@pytest.mark.parametrize("name", ["../stolen", "/tmp/stolen", "central/central.db"])
def test_a_backup_does_not_choose_where_files_go(tmp_path: Path, name: str) -> None:
    named = {"hub.db": digest(b"x"), name: digest(b"y")}
    source = forged(tmp_path / "evil", {"hub.db": b"x", name: b"y"}, named)
    with pytest.raises(Refusal, match="not a backup"):
        backup.restore(source, tmp_path / "new")
    assert not (tmp_path / "stolen").exists()


def test_a_restore_that_is_cut_off_can_be_done_again(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.replace

    def cut_off(self: Path, target: Path) -> Path:
        if target.name == "hub.db":
            raise KeyboardInterrupt
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut_off)
        with pytest.raises(KeyboardInterrupt):
            backup.restore(packed, tmp_path / "again")
    assert backup.restore(packed, tmp_path / "again").seq == 1
