"""An empty replica in memory."""

import sqlite3
from collections.abc import Iterator

import pytest
import sqlite_utils

from hub.catalog import tables


@pytest.fixture
def replica() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    tables.REPLICA.apply(sqlite_utils.Database(connection, execute_plugins=False))
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()
