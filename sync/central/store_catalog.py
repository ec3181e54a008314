"""The search index of the catalogue beside central: a replica of its own feed, as at a hub.

It must never know more than the feed: whoever loses it makes it anew from there.
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from hub import database
from sync.protocol import Cursor
from sync.replica import ReplicaStore

from . import store_feed
from .store_port import Connection


class Catalog:
    """catalog.db in `directory`; one process writes it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "catalog.db"
        self._replica = ReplicaStore(self.path)
        self._database = database.Database(self.path, self.path)
        self._following = threading.Lock()

    def reader(self) -> AbstractContextManager[sqlite3.Connection]:
        """One consistent view of the catalogue, to search in."""
        return self._database.reader()

    def follow(self, central: Callable[[], AbstractContextManager[Connection]]) -> None:
        """Bring the index to the end of central's feed."""
        with self._following:
            while True:
                at = self._replica.cursor()
                with central() as conn:
                    held = store_feed.state(conn, "replica", at.position)
                    known = at.generation in ("", held.generation) and (
                        at.position == 0 or at.position >= held.horizon
                    )
                    found = (
                        store_feed.page(conn, "replica", "", held, at.position) if known else None
                    )
                if found is None:
                    # What a lost life of central published, or was deleted while this index lay
                    # unused, must not be found any more.
                    self._replica.empty()
                    continue
                if not found.rows:
                    return
                rows = [msgspec.json.decode(row.row) for row in found.rows]
                then = Cursor(found.generation, found.next, found.mark)
                self._replica.apply(at, then, rows, None)

    def close(self) -> None:
        self._database.close()
        self._replica.close()
