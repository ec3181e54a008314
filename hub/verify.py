"""Proves that the store's file is what its facts say; it must never repair anything.

It reads one snapshot of hub.db, so it may run beside a hub that goes on selling.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from hub import journal
from hub.chain import BrokenChain, Pair
from hub.database import read_only
from hub.errors import Unavailable
from hub.journal import Journal

# A check returns what it found wrong, a line each; none means that it holds. It raises
# Unavailable when it cannot look now (the line is down): that is noted and proves nothing wrong.
Check = Callable[[], list[str]]
LIVE: Final = "live"


class Checked(msgspec.Struct, frozen=True):
    name: str
    ok: bool
    detail: str


class Report(msgspec.Struct, frozen=True):
    """The answer of `storehub verify`."""

    ok: bool
    seq: int
    hash: str
    checks: list[Checked]


def verify(path: Path, facts: Journal, more: dict[str, Check]) -> Report:
    """Check the file, the chain, that a rebuild equals what lives, and `more`."""
    try:
        return _verify(path, facts, more)
    except sqlite3.DatabaseError as error:
        return Report(False, 0, "", [Checked("file", False, f"{path.name}: {error}")])


def _verify(path: Path, facts: Journal, more: dict[str, Check]) -> Report:
    with _snapshot(path) as connection:
        checks = [_checked("file", lambda: _file(connection))]
        head, chain = _chain(connection)
        checks.append(chain)
        if chain.ok:
            checks.append(_checked("rebuild", lambda: _rebuild(connection, facts)))
        else:
            checks.append(Checked("rebuild", False, "not tried: the chain is broken"))
    checks += [_checked(name, check) for name, check in more.items()]
    return Report(all(check.ok for check in checks), head.seq, head.hash, checks)


@contextmanager
def _snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    # "" is a private temporary file: the fold of a large journal does not have to fit in memory.
    connection = sqlite3.connect("", isolation_level=None, uri=True)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute(f"ATTACH ? AS {LIVE}", (read_only(path),))
        connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()


def _checked(name: str, check: Check) -> Checked:
    try:
        found = check()
    except Unavailable as away:
        return Checked(name, True, f"not compared: {away.sentence}")
    except (sqlite3.DatabaseError, msgspec.DecodeError, UnicodeDecodeError) as error:
        found = [f"{type(error).__name__}: {error}"]
    return Checked(name, not found, "; ".join(found[:10]))


def _file(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(f"PRAGMA {LIVE}.integrity_check(5)").fetchall()
    return [row[0] for row in rows if row[0] != "ok"]


def _chain(connection: sqlite3.Connection) -> tuple[Pair, Checked]:
    try:
        head = journal.verify(connection, LIVE)
    except BrokenChain as broken:
        return Pair(broken.seq, ""), Checked("chain", False, str(broken))
    except sqlite3.DatabaseError as error:
        return Pair(0, ""), Checked("chain", False, f"The file cannot be read: {error}")
    return head, Checked("chain", True, f"{head.seq} entries")


def _rebuild(connection: sqlite3.Connection, facts: Journal) -> list[str]:
    return facts.projections.differences(connection, facts.facts(connection, LIVE), LIVE)
