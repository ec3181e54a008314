import resource
import sqlite3
import threading
from concurrent.futures import wait
from pathlib import Path

import pytest

from hub import database
from hub.database import Ballast
from hub.errors import Refusal, Unavailable
from hub.events import Ring
from hub.journal import Transaction
from tests.hub.kernel import Counted, Kernel, running


def add(what: str, by: int, cause: str):  # type: ignore[no-untyped-def]
    def work(tx: Transaction) -> int:
        tx.append([Counted(what, by)], cause=cause, actor="hub")
        return by

    return work


def test_a_future_resolves_only_after_the_commit(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        future = kernel.writer.submit(add("x", 4, "a"))
        assert future.result() == 4
        assert kernel.total("x") == 4


def test_a_refusal_undoes_its_own_work_and_no_other(tmp_path: Path) -> None:
    def refuses(tx: Transaction) -> None:
        tx.append([Counted("x", 100)], cause="bad", actor="hub")
        tx.conn.execute("INSERT INTO tally VALUES ('stray', 1)")
        raise Refusal("No.")

    hold = threading.Event()
    with running(tmp_path) as kernel:
        # The first work waits, so that the other three are committed as one group.
        first = kernel.writer.submit(lambda _: hold.wait())
        futures = [
            kernel.writer.submit(add("x", 1, "a")),
            kernel.writer.submit(refuses),
            kernel.writer.submit(add("x", 2, "b")),
        ]
        hold.set()
        wait([first, *futures])
        with pytest.raises(Refusal):
            futures[1].result()
        assert (kernel.total("x"), kernel.total("stray")) == (3, 0)
        assert kernel.journal.head.seq == 2


def test_a_bug_reaches_its_caller_and_the_writer_goes_on(tmp_path: Path) -> None:
    def bug(tx: Transaction) -> None:
        tx.append([Counted("x", 1)], cause="bug", actor="hub")
        raise ZeroDivisionError

    with running(tmp_path) as kernel:
        with pytest.raises(ZeroDivisionError):
            kernel.writer.run(bug)
        kernel.writer.run(add("x", 1, "a"))
        assert kernel.total("x") == 1
        assert kernel.journal.head.seq == 1


def test_a_savepoint_inside_a_work_undoes_facts_topics_and_rows(tmp_path: Path) -> None:
    def work(tx: Transaction) -> tuple[str, ...]:
        tx.append([Counted("x", 1)], cause="a", actor="hub")
        with pytest.raises(Refusal), tx.savepoint():
            tx.append([Counted("y", 1)], cause="b", actor="hub")
            raise Refusal("No.")
        tx.append([Counted("x", 1)], cause="c", actor="hub")
        return tuple(tx.topics)

    with running(tmp_path) as kernel:
        assert kernel.writer.run(work) == ("count:x", "count:x")
        assert (kernel.total("x"), kernel.total("y")) == (2, 0)


def test_commands_from_many_threads_are_each_committed_once(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:

        def clerk(name: int) -> None:
            for n in range(50):
                kernel.writer.run(add("x", 1, f"{name}-{n}"))

        threads = [threading.Thread(target=clerk, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert kernel.total("x") == 400


def test_screens_are_rung_once_a_commit_with_what_changed(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        kernel.writer.run(add("x", 1, "a"))
        kernel.writer.run(lambda tx: tx.touch("devices"))
        kernel.writer.run(lambda tx: None)
        rung = kernel.ring.since(kernel.ring.epoch, 0)
    assert rung is not None
    assert [(one.seq, one.has_facts, one.topics) for one in rung] == [
        (1, True, ("count:x",)),
        (1, False, ("devices",)),
    ]


def test_a_screen_of_another_epoch_or_too_far_behind_starts_over() -> None:
    ring = Ring(10)
    assert ring.since(ring.epoch, 10) == []
    assert ring.since("another", 10) is None
    assert ring.since(ring.epoch, 9) is None
    assert ring.since(ring.epoch, 11) is None
    for seq in range(11, 1100):
        ring.publish(seq, True, ())
    assert ring.since(ring.epoch, 10) is None
    behind = ring.since(ring.epoch, 1000)
    assert behind is not None
    assert [one.seq for one in behind] == list(range(1001, 1100))


def test_news_from_beside_the_journal_never_takes_the_position_back() -> None:
    ring = Ring(10)
    ring.publish(11, True, ("pickup",))
    ring.publish(None, False, ("sync",))
    assert ring.seq == 11
    assert [one.topics for one in ring.since(ring.epoch, 10) or ()] == [("pickup",), ("sync",)]


def test_after_stop_nothing_is_taken_and_nothing_is_lost(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        futures = [kernel.writer.submit(add("x", 1, str(n))) for n in range(100)]
    assert all(future.result() == 1 for future in futures)
    with pytest.raises(Unavailable):
        kernel.writer.run(add("x", 1, "late"))


def test_an_idle_writer_shortens_the_write_ahead_log(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        kernel.writer.run(add("x", 1, "a"))
        assert database.wal_bytes(kernel.database.path) > 0
        deadline = threading.Event()
        for _ in range(50):
            if not database.wal_bytes(kernel.database.path):
                break
            deadline.wait(0.1)
        assert database.wal_bytes(kernel.database.path) == 0


def test_erasing_empties_the_write_ahead_log_with_its_commit(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        kernel.writer.run(
            lambda tx: tx.conn.execute("INSERT INTO tally VALUES ('Ada Lovelace', 1)").rowcount
        )

        def erase(tx: Transaction) -> None:
            tx.conn.execute("DELETE FROM tally")
            tx.clean_wal()

        kernel.writer.run(erase)
        found = [file for file in tmp_path.iterdir() if b"Ada Lovelace" in file.read_bytes()]
    assert found == []


def full_disk(kernel: Kernel) -> None:
    # SQLite's own bound on the file's size gives the very error of a full disk.
    (pages,) = kernel.connection.execute("PRAGMA page_count").fetchone()
    kernel.connection.execute(f"PRAGMA max_page_count={pages}")


def fill(tx: Transaction) -> None:
    tx.conn.execute("INSERT INTO tally VALUES (hex(randomblob(100000)), 1)")


def test_a_full_disk_gives_up_the_ballast_and_then_says_unavailable(tmp_path: Path) -> None:
    with running(tmp_path, ballast=4096) as kernel:
        assert kernel.writer.make_room()
        full_disk(kernel)
        with pytest.raises(Unavailable):
            kernel.writer.run(fill)
        assert not (tmp_path / "ballast").exists()
        assert not kernel.writer.has_room
        with pytest.raises(Refusal, match="disk"):
            kernel.writer.run(lambda tx: tx.require_room())
        kernel.connection.execute("PRAGMA max_page_count=1000000")
        assert kernel.writer.make_room()
        kernel.writer.run(fill)


def test_the_ballast_is_still_given_up_when_the_disk_was_low_long_before_it_was_full(
    tmp_path: Path,
) -> None:
    assert Ballast(tmp_path / "ballast", 4096).hold()
    with running(tmp_path, ballast=4096, low=2**60) as kernel:
        assert not kernel.writer.make_room()
        full_disk(kernel)
        with pytest.raises(Unavailable):
            kernel.writer.run(fill)
        assert not (tmp_path / "ballast").exists()


def test_a_disk_that_fills_inside_a_savepoint_is_an_unavailability_too(tmp_path: Path) -> None:
    def work(tx: Transaction) -> None:
        with tx.savepoint():
            tx.append([Counted("x", 1)], cause="a", actor="hub")
            fill(tx)

    with running(tmp_path, ballast=4096) as kernel:
        kernel.writer.make_room()
        full_disk(kernel)
        with pytest.raises(Unavailable):
            kernel.writer.run(work)
        kernel.connection.execute("PRAGMA max_page_count=1000000")
        kernel.writer.run(work)
        assert (kernel.writer.failure, kernel.total("x"), kernel.journal.head.seq) == (None, 1, 1)


def test_a_full_disk_only_postpones_the_shortening_of_the_log(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    kernel.connection.execute("INSERT INTO tally VALUES (hex(randomblob(200000)), 1)")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A file that may not grow gives the error of a disk that is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (kernel.database.path.stat().st_size, hard))
    try:
        assert not database.truncate_wal(kernel.connection)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert database.truncate_wal(kernel.connection)
    kernel.connection.close()


def test_without_a_ballast_there_is_room_while_the_disk_is_not_low(tmp_path: Path) -> None:
    assert Ballast(tmp_path / "ballast", 0).hold()
    assert not Ballast(tmp_path / "ballast", 0, low=2**60).hold()
    assert not Ballast(tmp_path / "ballast", 2**60).hold()
    assert list(tmp_path.iterdir()) == []


def test_one_process_holds_the_lock(tmp_path: Path) -> None:
    with database.Lock(tmp_path / "hub.lock"):
        with pytest.raises(Refusal, match="stop it first"), database.Lock(tmp_path / "hub.lock"):
            pass
    with database.Lock(tmp_path / "hub.lock"):
        pass


def test_a_file_of_a_later_format_is_refused_with_a_sentence(tmp_path: Path) -> None:
    database.create(tmp_path / "hub.db", ()).close()
    connection = sqlite3.connect(tmp_path / "hub.db")
    connection.execute("UPDATE release SET min_reader = 99")
    connection.commit()
    connection.close()
    with pytest.raises(Refusal, match="format 99"):
        database.create(tmp_path / "hub.db", ())


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    with running(tmp_path) as kernel, kernel.database.reader() as reader:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM journal")


def test_replica_is_written_by_its_own_connection_while_the_hub_writes(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        replica = database.create(kernel.database.replica, ())
        replica.execute("CREATE TABLE product (sku)")

        def reads_replica_and_meanwhile_it_is_written(tx: Transaction) -> int:
            tx.append([Counted("x", 1)], cause="a", actor="hub")
            before = tx.conn.execute("SELECT count(*) FROM replica.product").fetchone()[0]
            replica.execute("INSERT INTO product VALUES ('4711')")
            return int(before)

        assert kernel.writer.run(reads_replica_and_meanwhile_it_is_written) == 0
        # The idle writer empties its own log and leaves the replica's to the replica's writer.
        kernel.writer.run(lambda tx: tx.clean_wal())
        assert kernel.writer.failure is None
        assert database.wal_bytes(kernel.database.path) == 0
        assert database.wal_bytes(kernel.database.replica) > 0
        replica.close()
        with kernel.database.reader() as reader:
            assert reader.execute("SELECT count(*) FROM replica.product").fetchone()[0] == 1
