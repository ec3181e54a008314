"""Connections to PostgreSQL: handed out inside a transaction, thrown away when they broke.

It must never wait long for a database that is gone: who asks is told to come back.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from hub.errors import Refusal, Unavailable

from . import store_postgres_port

log = logging.getLogger(__name__)
# It would tell each try of each connection; here is told once when the database goes and comes.
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)

# Connections of one worker; a server of 100 has room for eight workers.
CONNECTIONS: Final = 12
# Whoever finds none free within this is told to come back (seconds).
TAKE_S: Final = 10.0
# After a connection was refused, nobody tries for this long (seconds).
SHUT_S: Final = 0.5
RETRY_S: Final = 2.0
# A server or a network that is silent is noticed; a worker that vanished holds no lock for long.
OPTIONS: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "storehub-central",
}
SESSION: Final = (
    "SET lock_timeout = '20s'",
    "SET idle_in_transaction_session_timeout = '60s'",
    # Acknowledged means on disk, whatever the server's default is.
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'",
)


class Lost(Unavailable):
    """The database is out of reach at the moment."""

    def __init__(self, sentence: str = "Central's database is out of reach.") -> None:
        super().__init__(sentence, retry_after_s=RETRY_S)


def connect(url: str) -> "psycopg.Connection[Any]":
    """Open one connection of its own, outside the pool. Raises Refusal for what is no URL."""
    try:
        raw: psycopg.Connection[Any] = psycopg.connect(
            url, autocommit=True, cursor_factory=psycopg.RawCursor, **OPTIONS
        )
    except psycopg.ProgrammingError as error:
        raise Refusal(f"The database URL cannot be read: {_first(error)}.", slug="url") from error
    except psycopg.OperationalError as error:
        raise Lost(f"Central's database is out of reach: {_first(error)}.") from error
    configure(raw)
    return raw


def configure(raw: "psycopg.Connection[Any]") -> None:
    raw.row_factory = store_postgres_port.rows
    store_postgres_port.prepare(raw)
    for sql in SESSION:
        raw.execute(sql)


class Pool:
    """Up to `CONNECTIONS` connections; `fresh` is called with each new one."""

    def __init__(self, url: str, fresh: Callable[["psycopg.Connection[Any]"], None]) -> None:
        def opened(raw: "psycopg.Connection[Any]") -> None:
            configure(raw)
            fresh(raw)

        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=TAKE_S,
            reconnect_timeout=RETRY_S,
            kwargs={"autocommit": True, "cursor_factory": psycopg.RawCursor, **OPTIONS},
            configure=opened,
            open=True,
        )
        self._state = threading.Lock()
        self._lost_since: float | None = None
        self._shut_until = 0.0

    @contextmanager
    def transaction(self, begin: str) -> Iterator["psycopg.Connection[Any]"]:
        """Give a connection on which `begin` was carried out; who leaves has ended it.

        Raises Lost. A transaction that is left open is rolled back.
        """
        raw = self._begun(begin)
        try:
            yield raw
        finally:
            with suppress(psycopg.Error):
                if not raw.closed and raw.info.transaction_status:
                    raw.execute("ROLLBACK", prepare=False)
            self._pool.putconn(raw)

    def _begun(self, begin: str) -> "psycopg.Connection[Any]":
        for _ in range(CONNECTIONS + 1):
            raw = self._take()
            try:
                raw.execute(begin, prepare=False)
            except psycopg.OperationalError as error:
                # It broke while it lay idle: nothing was done on it yet.
                raw.close()
                self._pool.putconn(raw)
                self._note_lost(error)
            else:
                self._note_found()
                return raw
        raise Lost

    def _take(self) -> "psycopg.Connection[Any]":
        if time.monotonic() < self._shut_until:
            raise Lost
        try:
            return self._pool.getconn(RETRY_S if self._lost_since is not None else TAKE_S)
        except (PoolTimeout, TooManyRequests) as error:
            if self._lost_since is not None:
                self._shut_until = time.monotonic() + SHUT_S
            raise Lost("Central is busy, or its database is out of reach.") from error

    def _note_lost(self, error: psycopg.Error) -> None:
        with self._state:
            if self._lost_since is None:
                self._lost_since = time.monotonic()
                log.error("Central lost its database: %s", _first(error))

    def _note_found(self) -> None:
        if self._lost_since is None:
            return
        with self._state:
            if self._lost_since is not None:
                gone = time.monotonic() - self._lost_since
                self._lost_since = None
                log.warning("Central has its database again after %.1f s.", gone)

    def close(self) -> None:
        self._pool.close()


def _first(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
