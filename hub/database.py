"""Opens the store's two SQLite files, migrates them and guards the disk that they lie on.

It must never be a second writer: one connection writes and checkpoints, every other is read-only
(SQLite up to 3.51.2 can corrupt a WAL file when two connections checkpoint at the same instant).
"""

import fcntl
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.errors import Refusal

TableClass = Literal["journal", "projection", "replica", "record"]

# What this release writes and reads. A file may demand a later reader; then it is refused.
FORMAT: Final = 1
# Pages of 4 KiB after which a commit also moves the WAL into the file. A sale writes about ten,
# most of them the same ones: 16 MiB of log make few and small checkpoints of many commits.
AUTOCHECKPOINT_PAGES: Final = 4000
# A reader's page cache (KiB, for each of the two files): the kernel caches the files as well,
# and a pool of readers with SQLite's 2 MiB each would outweigh the rest of the hub.
READER_CACHE_KIB: Final = 512

release = Migrations("release")

TABLES: Final[dict[str, TableClass]] = {"release": "record", "_sqlite_migrations": "record"}


@release()
def m001_release(db: sqlite_utils.Database) -> None:
    """`min_reader` is the lowest FORMAT that may open the file."""
    db.table("release").create({"id": int, "min_reader": int}, pk="id")
    db.table("release").insert({"id": 1, "min_reader": FORMAT})


class Database:
    """hub.db and the replica.db beside it. `reader()` hands out pooled read-only connections."""

    def __init__(self, path: Path, replica: Path) -> None:
        self.path = path
        self.replica = replica
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    def open_writer(self, migrations: Iterable[Migrations]) -> sqlite3.Connection:
        """Return the one connection that writes hub.db, migrated, with `replica` to read."""
        connection = create(self.path, migrations)
        connection.execute("ATTACH ? AS replica", (read_only(self.replica),))
        return connection

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of both files; it ends with the block."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = open_reader(self.path, self.replica)
        try:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()
        finally:
            with self._lock:
                keep = not self._closed
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def close(self) -> None:
        """Close the idle readers; those in use close when their block ends."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def create(path: Path, migrations: Iterable[Migrations]) -> sqlite3.Connection:
    """Open `path` for writing, make or migrate its tables. Raises Refusal when it is too new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        f"file:{_quoted(path)}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    path.chmod(0o600)
    with _legible(connection, path):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={AUTOCHECKPOINT_PAGES}")
        # What is erased must be gone from the file's free pages as well (personal data).
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA busy_timeout=5000")
        refuse_newer(connection, path)
        migrate(connection, migrations)
    connection.row_factory = sqlite3.Row
    return connection


def migrate(connection: sqlite3.Connection, migrations: Iterable[Migrations]) -> None:
    """Make or migrate the tables of an open file."""
    db = sqlite_utils.Database(connection, execute_plugins=False)
    for migration in (release, *migrations):
        migration.apply(db)


def open_reader(path: Path, replica: Path | None = None) -> sqlite3.Connection:
    """Open `path` read-only. It sees commits and can never write or checkpoint."""
    connection = sqlite3.connect(
        read_only(path),
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.row_factory = sqlite3.Row
    with _legible(connection, path):
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA query_only=ON")
        connection.execute(f"PRAGMA main.cache_size=-{READER_CACHE_KIB}")
        if replica is not None:
            connection.execute("ATTACH ? AS replica", (read_only(replica),))
            connection.execute(f"PRAGMA replica.cache_size=-{READER_CACHE_KIB}")
        # The first look at the file itself: until now nothing of it was read.
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    return connection


@contextmanager
def _legible(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Say in a sentence that a file cannot be opened as what it should be."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        connection.close()
        raise Refusal(
            f"{path} or the replica beside it cannot be read ({error}): restore a backup, or"
            " look with `storehub verify`.",
            slug="file-unreadable",
        ) from error


def refuse_newer(connection: sqlite3.Connection, path: Path) -> None:
    """Raise Refusal when a later release wrote something here that this one can't read."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'release'").fetchone()
    if known is None:
        return
    (needed,) = connection.execute("SELECT min_reader FROM release WHERE id = 1").fetchone()
    if needed > FORMAT:
        connection.close()
        raise Refusal(
            f"{path.name} needs a release that reads format {needed}; this one reads up to "
            f"{FORMAT}. Install the newer release again.",
            slug="file-too-new",
        )


def copy(path: Path, target: Path) -> None:
    """Write a compact copy of `path` as of one commit; its writer goes on meanwhile.

    Raises OSError where `target` cannot be written.
    """
    connection = open_reader(path)
    try:
        # VACUUM INTO writes a file of its own, which query_only forbids as if it were ours.
        connection.execute("PRAGMA query_only=OFF")
        connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.OperationalError as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


def wal_bytes(path: Path) -> int:
    """Return the size of the write-ahead log beside `path`."""
    with suppress(FileNotFoundError):
        return path.with_name(path.name + "-wal").stat().st_size
    return 0


def is_full(error: sqlite3.OperationalError) -> bool:
    """Did the disk run out? That shows as FULL, or as an IOERR where a file has to grow."""
    return error.sqlite_errorname in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_WRITE")


def truncate_wal(connection: sqlite3.Connection) -> bool:
    """Empty the WAL; False when a reader or a full disk is in the way (ask again later)."""
    connection.execute("PRAGMA busy_timeout=0")
    try:
        # `main.`: a bare checkpoint would also try the attached replica, which is read-only here.
        (busy, _log, _moved) = connection.execute("PRAGMA main.wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        if not is_full(error):
            raise
        return False
    finally:
        connection.execute("PRAGMA busy_timeout=5000")
    return not busy


class Ballast:
    """A file of `size` bytes that is given up when the disk is full, so that work can end.

    Below `low` free bytes the disk counts as full, before it is.
    """

    def __init__(self, path: Path, size: int, low: int = 0) -> None:
        self._path = path
        self._size = size
        self._low = low

    @property
    def held(self) -> bool:
        return self._size == 0 or self._path.exists()

    def hold(self) -> bool:
        """Take the room again when as much would still be left; return whether there is room."""
        free = shutil.disk_usage(self._path.parent).free
        if free < self._low:
            return False
        if self.held:
            return True
        if free < 2 * self._size:
            return False
        with self._path.open("wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, self._size)
            except OSError:
                self._path.unlink()
                return False
        return True

    def release(self) -> bool:
        """Give the room up; False when there was none to give."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True


class Lock:
    """`DIR/hub.lock`: who holds it is the one process that may write the store's files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise Refusal(
                f"Another process works on {self._path.parent}: stop it first.", slug="locked"
            ) from None
        self._file = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_only(path: Path) -> str:
    """Return the URI that opens `path` for reading alone."""
    return f"file:{_quoted(path)}?mode=ro"


def _quoted(path: Path) -> str:
    # In a file: URI these three have a meaning (https://www.sqlite.org/uri.html).
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
