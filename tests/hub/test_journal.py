import sqlite3
from pathlib import Path

import msgspec
import pytest

from hub import journal
from hub.chain import BrokenChain, decode
from hub.journal import CauseUsed, Journal
from hub.projections import Projections
from tests.hub.kernel import Counted, Kernel, running


def append(kernel: Kernel, cause: str, *facts: Counted) -> None:
    kernel.writer.run(lambda tx: tx.append(facts, cause=cause, actor="hub"))


def test_an_append_is_chained_named_and_projected_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        append(kernel, "a", Counted("x", 2), Counted("x", 3))
        append(kernel, "b", Counted("y", 1))
        assert (kernel.total("x"), kernel.total("y")) == (5, 1)
        with kernel.database.reader() as reader:
            ids = [decode(content).id for _, content in journal.entries(reader, 0, 10)]
            assert ids == ["a.0.2", "a.1.2", "b.0.1"]
            assert journal.verify(reader) == journal.head(reader) == kernel.journal.head
            assert journal.seq_of(reader, "b.0.1") == 3


def test_a_cause_has_one_append(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        append(kernel, "a", Counted("x", 1))
        with pytest.raises(CauseUsed):
            append(kernel, "a", Counted("x", 1), Counted("x", 1))
        assert kernel.total("x") == 1


def test_a_cause_that_begins_like_another_is_another(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        append(kernel, "device:1", Counted("x", 1))
        append(kernel, "conflict:device:1.0.1", Counted("x", 1))
        append(kernel, "device:10", Counted("x", 1))
        append(kernel, "device", Counted("x", 1))
        assert kernel.total("x") == 4


def test_the_head_survives_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        append(kernel, "a", Counted("x", 1))
        head = kernel.journal.head
    with running(tmp_path) as kernel:
        assert kernel.journal.head == head
        append(kernel, "b", Counted("x", 1))
        with kernel.database.reader() as reader:
            assert journal.verify(reader).seq == 2


def damaged(tmp_path: Path, *statements: str) -> sqlite3.Connection:
    with running(tmp_path) as kernel:
        for n in range(5):
            append(kernel, f"c{n}", Counted("x", n))
    connection = sqlite3.connect(tmp_path / "hub.db")
    for statement in statements:
        connection.execute(statement)
    return connection


@pytest.mark.parametrize(
    ("statements", "seq"),
    [
        (
            [
                "UPDATE journal SET entry = CAST(replace(CAST(entry AS TEXT), 'hub', 'x') AS BLOB)"
                " WHERE seq = 3"
            ],
            3,
        ),
        (["UPDATE journal SET entry = x'7b00ff' WHERE seq = 2"], 2),
        (["DELETE FROM journal WHERE seq = 4"], 4),
        (["DELETE FROM journal WHERE seq = 1"], 1),
        (
            [
                "CREATE TABLE t AS SELECT seq, hash FROM journal WHERE seq IN (2, 3)",
                "UPDATE journal SET hash = (SELECT hash FROM t WHERE t.seq = 5 - journal.seq)"
                " WHERE seq IN (2, 3)",
            ],
            2,
        ),
    ],
)
def test_verify_names_the_seq_at_which_the_chain_breaks(
    tmp_path: Path, statements: list[str], seq: int
) -> None:
    connection = damaged(tmp_path, *statements)
    with pytest.raises(BrokenChain) as broken:
        journal.verify(connection)
    connection.close()
    assert broken.value.seq == seq
    assert str(seq) in str(broken.value)


def test_a_later_release_s_fact_is_kept_and_passed_over(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        append(kernel, "a", Counted("x", 1))
        blind = Journal({}, Projections([]))
        with kernel.database.reader() as reader:
            assert list(blind.facts(reader)) == []
            assert journal.verify(reader).seq == 1


def test_a_fact_type_with_a_float_is_refused_at_start() -> None:
    class Weighed(msgspec.Struct, frozen=True):
        kilos: float

    with pytest.raises(TypeError, match="float"):
        Journal({("Weighed", 1): Weighed}, Projections([]))


def test_the_export_has_all_columns(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        append(kernel, "a", Counted("x", 1))
        with kernel.database.reader() as reader:
            (row,) = journal.export(reader)
    assert row["seq"] == 1
    assert row["id"] == "a.0.1"
    assert row["cause"] == "a"
    assert row["entry"]["body"] == {"what": "x", "by": 1}
    assert len(row["hash"]) == 64
