"""A real PostgreSQL server of its own for tests and benches: on a unix socket, fsync on.

As root it runs as another user, as PostgreSQL demands. It never uses a server that is there.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil
import psycopg

from tests.components import postgres_bin

# Small enough for many tests on one machine, safe enough to be killed.
SETTINGS: Final = {
    "listen_addresses": "''",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "64MB",
    "max_connections": "120",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "autovacuum_naptime": "10s",
    "logging_collector": "off",
    "log_min_messages": "fatal",
}


class Server:
    """One cluster; each test makes its own database."""

    def __init__(self, **settings: str) -> None:
        # Paths of unix sockets are short, so it does not lie in pytest's folder.
        self.folder = Path(tempfile.mkdtemp(prefix="shpg-"))
        self._bin = postgres_bin()
        self._numbers = itertools.count(1)
        self._user = _user()
        self.process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._run(
            "initdb", "-D", "data", "-U", "storehub", "-A", "trust", "-E", "UTF8", "--no-locale",
            "--no-sync",
        )  # fmt: skip
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            for name, value in (SETTINGS | settings).items():
                file.write(f"{name} = {value}\n")
            file.write(f"unix_socket_directories = '{self.folder}'\n")
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Start, or start again after a kill; returns when it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [f"{self._bin}/postgres", "-D", "data"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **self._as(),
            )
        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.02)

    def url(self, database: str) -> str:
        return f"postgresql://storehub@/{database}?host={self.folder}"

    def database(self, template: str = "template1") -> str:
        """Make a database like `template`; returns its URL."""
        name = f"t{next(self._numbers)}"
        run_sql(self.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def kill(self) -> None:
        """End the server and all its processes at once, as a power cut does."""
        assert self.process is not None
        children = [child.pid for child in psutil.Process(self.process.pid).children()]
        for pid in (self.process.pid, *children):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()
        # Its shared memory is gone; the file that names it would keep the next one from starting.
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        # An orderly end would bring hundreds of databases to disk that nobody wants any more.
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: str, *arguments: str) -> None:
        subprocess.run(
            [f"{self._bin}/{command}", *arguments],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
            **self._as(),
        )

    def _as(self) -> dict[str, object]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}


def run_sql(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        for sql in statements:
            admin.execute(sql.encode())


def name_of(url: str) -> str:
    """Return the database's name in one of this server's URLs."""
    return url.partition("@/")[2].partition("?")[0]


def _user() -> pwd.struct_passwd | None:
    """Return whom the server runs as: root may not run it."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is neither a user postgres nor nobody")
