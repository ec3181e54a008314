import sqlite3
from dataclasses import replace
from pathlib import Path

from hub.projections import Projections
from tests.hub.kernel import TALLY, Counted, Kernel, running


def differences(kernel: Kernel) -> list[str]:
    scratch = sqlite3.connect("", isolation_level=None)
    scratch.execute("ATTACH ? AS live", (str(kernel.database.path),))
    found = Projections([TALLY]).differences(scratch, kernel.journal.facts(scratch, "live"), "live")
    scratch.close()
    return found


def test_folding_again_equals_what_lives(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        for n in range(20):
            kernel.writer.run(
                lambda tx, n=n: tx.append([Counted(f"x{n % 3}", n)], cause=f"c{n}", actor="hub")
            )
        assert differences(kernel) == []


def test_a_changed_missing_or_invented_row_is_named(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        for what in ("a", "b"):
            kernel.writer.run(
                lambda tx, what=what: tx.append([Counted(what, 1)], cause=what, actor="hub")
            )
        kernel.writer.run(
            lambda tx: tx.conn.execute("UPDATE tally SET total = 7 WHERE what = 'a'").rowcount
        )
        kernel.writer.run(lambda tx: tx.conn.execute("DELETE FROM tally WHERE what = 'b'").rowcount)
        kernel.writer.run(lambda tx: tx.conn.execute("INSERT INTO tally VALUES ('c', 1)").rowcount)
        assert differences(kernel) == [
            "tally: row ('a', 1) is missing",
            "tally: row ('b', 1) is missing",
            "tally: row ('a', 7) should not be there",
            "tally: row ('c', 1) should not be there",
        ]


def test_a_changed_schema_is_folded_anew_and_old_tables_go(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        kernel.writer.run(lambda tx: tx.append([Counted("a", 1)], cause="a", actor="hub"))
        wider = replace(
            TALLY,
            schema="CREATE TABLE tally (what TEXT PRIMARY KEY, total INTEGER, note TEXT)",
            apply={
                Counted: lambda c, e, f: c.execute(
                    "INSERT INTO tally (what, total) VALUES (?, ?)", (f.what, f.by)
                )
            },
        )
        renamed = replace(
            wider,
            schema="CREATE TABLE tallies (what TEXT PRIMARY KEY, total INTEGER)",
            apply={
                Counted: lambda c, e, f: c.execute(
                    "INSERT INTO tallies VALUES (?, ?)", (f.what, f.by)
                )
            },
        )
        assert Projections([TALLY]).stale(kernel.connection) == []
        for projection in (wider, renamed):
            folds = Projections([projection])
            assert folds.stale(kernel.connection) == ["tally"]
            folds.refold(
                kernel.connection, ["tally"], list(kernel.journal.facts(kernel.connection))
            )
            assert folds.stale(kernel.connection) == []
        assert kernel.connection.execute("SELECT * FROM tallies").fetchone()["total"] == 1
        names = {row["name"] for row in kernel.connection.execute("SELECT name FROM sqlite_master")}
        assert "tally" not in names
