"""Opens central's data where its URL says; it must never fall back to another place than named."""

from pathlib import Path

from hub.clock import Clock
from hub.errors import Refusal

from . import store_postgres, store_sqlite

Store = store_sqlite.Store | store_postgres.Store
SQLITE = "sqlite"


def is_postgres(database: str | None) -> bool:
    """Is this a PostgreSQL URL? Raises Refusal for one that is nothing known."""
    if database in (None, "", SQLITE):
        return False
    if database.startswith(("postgresql://", "postgres://")):
        return True
    raise Refusal(
        "The database is `sqlite` or a URL that begins with postgresql://.", slug="database"
    )


def opened(directory: Path, database: str | None, clock: Clock | None = None) -> Store:
    """Open central's data: in `directory`, or in the PostgreSQL database at a URL."""
    if database is not None and is_postgres(database):
        return store_postgres.Store(directory, database, clock)
    return store_sqlite.Store(directory, clock)
