"""An empty store's two files, made once by a process: what tests of rooms and screens begin with.

It must never be where a test is about making or migrating the files.
"""

import atexit
import shutil
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from hub.settings import Settings
from hub.store import Store

FILES: Final = ("hub.db", "replica.db")


def lay_files(directory: Path) -> None:
    """Put the files of a store in which nothing happened yet into `directory`, if none is there."""
    directory.mkdir(parents=True, exist_ok=True)
    if (directory / FILES[0]).exists():
        return
    for name in FILES:
        shutil.copyfile(_made() / name, directory / name)


@cache
def _made() -> Path:
    place = Path(tempfile.mkdtemp(prefix="storehub-empty-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    Store(place, Settings(ballast_mib=0)).close()
    for name in FILES:  # what a closed store leaves in the log comes into the file
        connection = sqlite3.connect(place / name)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    return place
