"""Both ends of sync as processes that are killed by signal 9 at a drawn place or moment.

They are forked from one process that has imported everything, so that a life costs no imports.
What a shopkeeper was told lies in files beside the hub: what was rung up, what was acknowledged.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from hub.journal import Transaction
from hub.stock.facts import StockMoved
from sync import central, rebase
from sync.client import Client
from sync.frames import FeedPage
from tests.sync.pair import StoreSide

ANY: Final = "at any moment"
REBASE: Final = "hub: within a rebase"
HUB: Final = (
    "hub: before a commit",
    "hub: after a commit, before its answer",
    "hub: before a push is sent",
    "hub: after a push's answer, before the cursor",
    "hub: after a page of orders, before rows and cursor",
    REBASE,
    ANY,
)
CENTRAL: Final = ("central: before a commit", "central: after a commit, before its answer", ANY)
FORKS: Final = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Death:
    """Where a life ends, and at which passing of that place."""

    place: str
    passing: int = 1


class Reaper:
    """Ends its own process when `death.place` is passed the drawn number of times."""

    def __init__(self, death: Death | None, notes: Path) -> None:
        self._death, self._notes, self._passed = death, notes, 0

    def at(self, place: str) -> None:
        if self._death is None or place != self._death.place:
            return
        self._passed += 1
        if self._passed == self._death.passing:
            note(self._notes, place)
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()

    def before(self, place: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def then(*given: Any, **named: Any) -> Any:
            self.at(place)
            return work(*given, **named)

        return then

    def after(
        self, place: str, work: Callable[..., Any], when: Callable[[Any], bool] = lambda _: True
    ) -> Callable[..., Any]:
        def first(*given: Any, **named: Any) -> Any:
            result = work(*given, **named)
            if when(result):
                self.at(place)
            return result

        return first

    def commits(self, place: str) -> Callable[[str], None]:
        """SQLite tells of a statement before it carries it out."""
        return lambda statement: self.at(place) if statement == "COMMIT" else None


def note(file: Path, line: str) -> None:
    """One line, one write: a process that is killed leaves it whole or not at all."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def noted(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def central_end(directory: Path, port: int, death: Death | None, told: Connection) -> None:
    """Serve central until it is killed."""
    reaper = Reaper(death, directory.parent / "deaths")
    running = central.Running(directory, port=port)
    store: Any = running.inventory.store
    store._connection.set_trace_callback(reaper.commits(CENTRAL[0]))
    store._writer._committed = reaper.before(CENTRAL[1], store._writer._committed)
    told.poll(None)


def hub_end(
    directory: Path,
    url: str,
    credential: str,
    death: Death | None,
    told: Connection,
    broken: str | None = None,
) -> None:
    """Sell and sync until told to rest; then only sync, until it is killed."""
    reaper = Reaper(death, directory.parent / "deaths")
    _arm(reaper)
    if broken:
        BROKEN[broken]()
    side = StoreSide(directory, url, credential)
    writer: Any = side.store.writer
    writer._connection.set_trace_callback(reaper.commits(HUB[0]))
    ring: Any = side.store.ring
    ring.publish = reaper.before(HUB[1], ring.publish)
    side.agent.start()
    shop = Shop(directory, side)
    while not told.poll(0.004):
        shop.sell()
    shop.again()
    while True:
        told.poll(0.05)
        side.agent.nudge()


def _arm(reaper: Reaper) -> None:
    sent: Any = Client
    sent.push = reaper.after(HUB[3], reaper.before(HUB[2], Client.push))
    sent.feed = reaper.after(
        HUB[4], Client.feed, lambda page: isinstance(page, FeedPage) and bool(page.rows)
    )
    joined: Any = rebase
    joined.perform = reaper.after(REBASE, rebase.perform, lambda done: done is not None)


class Shop:
    """Rings up sales, each until it is acknowledged, as a device's outbox does."""

    def __init__(self, directory: Path, side: StoreSide) -> None:
        self._side = side
        self._meant, self._acked = directory.parent / "meant", directory.parent / "acked"
        self._n = len(noted(self._meant))
        self.again()

    def again(self) -> None:
        """Ring up once more what nobody acknowledged."""
        done = set(noted(self._acked))
        for cause in noted(self._meant):
            if cause not in done:
                self._ring_up(cause)

    def sell(self) -> None:
        cause = f"till:{self._n}"
        self._n += 1
        note(self._meant, cause)
        self._ring_up(cause)
        if self._n % 10 == 0:
            self._side.agent.nudge()

    def _ring_up(self, cause: str) -> None:
        lines = 1 + int(cause.removeprefix("till:")) % 3
        moves = [
            StockMoved(sku=f"S{line}", qty=1, source="supplier", target="available", kind="RECEIVE")
            for line in range(lines)
        ]

        def work(tx: Transaction) -> None:
            if not tx.knows(cause):
                tx.append(moves, cause=cause, actor="test")

        self._side.store.writer.run(work)
        note(self._acked, cause)


def _answers_before_the_commit() -> None:
    """A sale is acknowledged when it is handed in."""
    from concurrent.futures import Future

    from hub.writer import Writer

    broken: Any = Writer

    def run(self: Writer, work: Any) -> Any:
        done: Future[Any] = self.submit(work)
        return done

    broken.run = run


def _cursor_apart_from_its_rows() -> None:
    """The place in the stream of orders is on disk before they are."""
    from sync import commands, pull, tables

    broken: Any = pull.CommandSink
    kept = broken._commit

    def commit(self: Any, asked: Any, page: Any, start: int, then: Any) -> Any:
        save = self._hub.writer.submit_sync
        save(lambda tx: tables.save_cursor(tx.conn, commands.STREAM, then)).result()
        return kept(self, then, page, start, then)

    broken._commit = commit


BROKEN: Final[dict[str, Callable[[], None]]] = {
    "answers before the commit": _answers_before_the_commit,
    "cursor apart from its rows": _cursor_apart_from_its_rows,
}
