import sqlite3
from pathlib import Path

import pytest

from hub import backup, init, journal, settings, store
from hub.clock import SystemClock
from hub.database import Lock
from hub.errors import Refusal
from hub.pickup import selling
from hub.stock import actions as stock
from hub.stock import queries
from hub.store import Store
from hub.verify import Report, verify


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A store in which three SKUs were received and some were sold."""
    place = tmp_path / "store"
    init.init(place, "shop-7")
    with Store(place, settings.load(place, environment={})) as opened:
        for n in range(3):
            lines = [{"sku": f"SKU-{n}", "qty": 5 + n}]
            opened.writer.run(
                lambda tx, n=n, lines=lines: stock.receive(
                    tx, f"R-{n}", lines, actor="hub", cause=f"receipt-{n}"
                )
            )
        sold = [{"sku": "SKU-1", "qty": 2}]
        opened.writer.run(lambda tx: selling.sell(tx, "S-1", sold, actor="hub", cause="sale-1"))
    return place


def verified(directory: Path) -> Report:
    return verify(directory / "hub.db", store.facts(), {})


def damage(directory: Path, *statements: str) -> None:
    connection = sqlite3.connect(directory / "hub.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def wrong(report: Report) -> dict[str, str]:
    return {check.name: check.detail for check in report.checks if not check.ok}


def test_a_store_that_nobody_touched_verifies(directory: Path) -> None:
    report = verified(directory)
    assert report.ok, wrong(report)
    assert report.seq == 4


def test_a_changed_balance_is_named_by_its_row(directory: Path) -> None:
    damage(
        directory, "UPDATE stock_balance SET qty = 99 WHERE sku = 'SKU-1' AND bucket = 'available'"
    )
    assert "('SKU-1', 'available', 99)" in wrong(verified(directory))["rebuild"]


def test_a_broken_chain_names_its_seq_and_stops_the_rebuild(directory: Path) -> None:
    damage(directory, "UPDATE journal SET hash = zeroblob(32) WHERE seq = 3")
    found = wrong(verified(directory))
    assert "seq 3" in found["chain"]
    assert "not tried" in found["rebuild"]


def test_one_flipped_byte_in_the_file_is_found(directory: Path) -> None:
    content = bytearray((directory / "hub.db").read_bytes())
    at = content.index(b"SKU-2")
    content[at] ^= 1
    (directory / "hub.db").write_bytes(content)
    assert not verified(directory).ok


def test_a_file_that_is_no_database_does_not_verify(directory: Path) -> None:
    (directory / "hub.db").write_bytes(b"\0" * 8192)
    assert not verified(directory).ok


def test_a_rebuild_mends_what_was_changed(directory: Path) -> None:
    damage(directory, "UPDATE stock_balance SET qty = 99", "DELETE FROM stock_hold")
    with Store(directory, settings.load(directory, environment={})) as opened:
        opened.rebuild()
        assert opened.read(queries.stock, "SKU-1", opened.clock.now())["on_hand"] == 4
    assert verified(directory).ok


def test_a_second_process_is_refused_while_the_store_is_open(directory: Path) -> None:
    chosen = settings.load(directory, environment={})
    with Store(directory, chosen):
        with pytest.raises(Refusal, match="stop it first"):
            Store(directory, chosen)
    Store(directory, chosen).close()


def test_every_table_of_both_files_has_a_class(directory: Path) -> None:
    found: set[str] = set()
    for name in ("hub.db", "replica.db"):
        connection = sqlite3.connect(directory / name)
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        found |= {row[0] for row in rows if not row[0].startswith("sqlite_")}
        connection.close()
    # An FTS5 table keeps its index in tables that are named after it.
    assert [name for name in found if not name.startswith(tuple(store.TABLES))] == []


def test_a_backup_is_the_store_as_of_one_commit(directory: Path, tmp_path: Path) -> None:
    target = tmp_path / "shop.backup"
    with Store(directory, settings.load(directory, environment={})) as opened:
        made = backup.backup(directory, target, "shop-7", SystemClock())
        lines = [{"sku": "LATER", "qty": 1}]
        opened.writer.run(lambda tx: stock.receive(tx, "R-9", lines, actor="hub", cause="later"))
    restored = tmp_path / "restored"
    assert backup.restore(target, restored) == made
    assert verified(restored).seq == made.seq == 4
    assert settings.load(restored, environment={}).store == "shop-7"
    assert (restored / "secrets.toml").stat().st_mode & 0o777 == 0o600
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def packed(directory: Path, tmp_path: Path) -> Path:
    target = tmp_path / "shop.backup"
    backup.backup(directory, target, "shop-7", SystemClock())
    return target


def test_a_restore_never_overwrites_a_store(packed: Path, directory: Path) -> None:
    before = (directory / "hub.db").read_bytes()
    with pytest.raises(Refusal, match="holds a store already"):
        backup.restore(packed, directory)
    assert (directory / "hub.db").read_bytes() == before


def test_a_backup_never_overwrites_a_file(packed: Path, directory: Path) -> None:
    with pytest.raises(Refusal, match="exists already"):
        backup.backup(directory, packed, "shop-7", SystemClock())


@pytest.mark.parametrize("where", [0.0, 0.3, 0.6, 0.9])
def test_a_damaged_backup_is_refused_whole(packed: Path, tmp_path: Path, where: float) -> None:
    content = bytearray(packed.read_bytes())
    content[int(len(content) * where)] ^= 0xFF
    packed.write_bytes(content)
    with pytest.raises(Refusal):
        backup.restore(packed, tmp_path / "restored")
    assert not (tmp_path / "restored" / "hub.db").exists()


@pytest.mark.parametrize("content", [b"", b"no backup", b"\x28\xb5\x2f\xfd garbage"])
def test_what_is_no_backup_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(Refusal):
        backup.restore(tmp_path / "file", tmp_path / "restored")


def test_a_truncated_backup_is_refused(packed: Path, tmp_path: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(Refusal):
        backup.restore(packed, tmp_path / "restored")


def test_init_draws_secrets_and_never_overwrites(directory: Path) -> None:
    assert len(settings.load(directory, environment={}).session_key) == 64
    assert (directory / "hub.db").stat().st_mode & 0o077 == 0
    with pytest.raises(Refusal, match="holds a store already"):
        init.init(directory, "another")


def test_the_export_is_the_journal_with_all_its_columns(directory: Path) -> None:
    database = store.files(directory)
    with database.reader() as connection:
        rows = list(journal.export(connection))
    database.close()
    assert [row["seq"] for row in rows] == [1, 2, 3, 4]
    assert {"seq", "id", "cause", "entry", "hash"} == set(rows[0])


@pytest.mark.parametrize("name", ["hub.db", "replica.db"])
def test_a_file_that_cannot_be_read_is_told_in_a_sentence(directory: Path, name: str) -> None:
    (directory / name).write_bytes(b"no database at all" * 500)
    database = store.files(directory)
    with pytest.raises(Refusal, match="cannot be read"), database.reader():
        pass
    with pytest.raises(Refusal, match="cannot be read"):
        Store(directory, settings.load(directory, environment={}))
    # The lock is free again for whoever repairs it.
    with Lock(directory / store.LOCK):
        pass
