"""An account's file: written whole, for the owner's eyes, read back as it was."""

import stat
from pathlib import Path

import pytest

from devices.client import Account
from hub.errors import Invalid, NotFound


def test_an_account_is_read_as_it_was_saved_and_nobody_else_may(tmp_path: Path) -> None:
    ca = tmp_path / "devices" / "ca.pem"
    account = Account("s1", "till", "hub.local", 8883, "till", "secret", ca=ca)
    path = tmp_path / "devices" / "till.json"
    account.save(path)
    assert Account.load(path) == account
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # The directory may be moved as a whole.
    moved = tmp_path / "moved"
    path.parent.rename(moved)
    assert Account.load(moved / "till.json").ca == moved / "ca.pem"


def test_saving_again_replaces_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "till.json"
    path.write_text("{}")
    path.chmod(0o644)
    account = Account("s1", "till", "10.0.0.2", 1883, "till", "a" * 32, version=4)
    account.save(path)
    assert Account.load(path) == account
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_password_is_not_shown(tmp_path: Path) -> None:
    assert "hush" not in repr(Account("s1", "till", "h", 1, "till", "hush"))


def test_a_file_that_is_absent_or_no_account_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no account"):
        Account.load(tmp_path / "till.json")
    (tmp_path / "till.json").write_text('{"store":"s1"}')
    with pytest.raises(Invalid, match=r"till\.json is no account"):
        Account.load(tmp_path / "till.json")
