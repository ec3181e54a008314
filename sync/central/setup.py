"""Prepares central without its API: its files, stores and tokens.

On SQLite it must never run beside a serving central; that one has the admin API for it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hub.errors import Refusal

from . import (
    keys,
    store_access,
    store_journal,
    store_keys,
    store_life,
    store_rights,
    store_supply,
    stores,
)
from .inventory import FOLDER, Inventory
from .keys import write_secret
from .store_port import Tx
from .store_sqlite import copy

T = TypeVar("T")


def init(directory: Path, database: str | None = None) -> None:
    """Make central's files in DIR/central, with its keys; known ones stay."""
    _with(directory, database, lambda tx: None)


def add_store(directory: Path, store_id: str, name: str, database: str | None = None) -> str:
    """Make a store known and return a new credential for its hub."""

    def work(tx: Tx) -> str:
        store_access.add_store(tx, store_id, name)
        return store_access.create_credential(tx, store_id)

    return _with(directory, database, work)


def join(directory: Path, store_id: str, name: str, database: str | None = None) -> bool:
    """Make a store known; False when it was."""
    return _with(directory, database, lambda tx: store_access.add_store(tx, store_id, name))


def backup(directory: Path, target: Path, database: str | None = None) -> None:
    """Copy central's database, as of one commit, and its keys to `target`. Raises Refusal.

    Whoever is started on the copy is another life of central: it begins a new generation.
    """
    if stores.is_postgres(database):
        raise Refusal(
            "PostgreSQL has its own backup: pg_dump or pg_basebackup. The keys are in it.",
            slug="postgresql",
        )
    source = directory / FOLDER
    if not (source / "central.db").exists():
        raise Refusal(f"There is no central in {directory}.", slug="no-central")
    if (target / "central.db").exists():
        raise Refusal(f"There is a copy in {target} already.", slug="exists")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (*keys.files(source), source / "page.key"):
        write_secret(target / path.name, path.read_text())
    copy(source / "central.db", target / "central.db")


def create_enrolment(directory: Path, store_id: str, database: str | None = None) -> str:
    """Return a one-time enrolment token of a known store."""
    return _with(directory, database, lambda tx: store_access.create_enrolment(tx, store_id))


def revoke_store(directory: Path, store_id: str, database: str | None = None) -> int:
    """Make all credentials of a store worthless; return how many. Raises NotFound."""
    return _with(directory, database, lambda tx: store_access.revoke(tx, store_id))


def create_token(directory: Path, name: str, role: str, database: str | None = None) -> str:
    """Return a new token of central's API: admin, orders, catalog or read."""
    return _with(directory, database, lambda tx: store_access.create_token(tx, name, role))


def rotate_key(directory: Path, database: str | None = None) -> dict[str, Any]:
    """Draw a new key for pickup codes; it signs for a store once its hub has it."""
    return _open(directory, database, lambda central, tx: store_keys.rotate(tx, central.ring))


def revoke_key(directory: Path, key_id: str, database: str | None = None) -> dict[str, Any]:
    """Make a key's codes worthless and sign open orders anew. Raises NotFound, Refusal."""
    return _open(
        directory, database, lambda central, tx: store_keys.revoke(tx, key_id, central.ring)
    )


def list_keys(directory: Path, database: str | None = None) -> list[dict[str, Any]]:
    """Return the keys, newest first."""
    return _with(directory, database, lambda tx: store_keys.keys(tx.conn))


def rights(directory: Path, store_id: str, database: str | None = None) -> dict[str, Any]:
    """Return the rights between central and a store, both ways. Raises NotFound."""

    def work(tx: Tx) -> dict[str, Any]:
        store_journal.store(tx.conn, store_id)
        return {
            "store": store_id,
            "of_the_store": store_rights.of_store(tx.conn, store_id),
            "of_the_distribution_centre": store_supply.lent_to(tx.conn, store_id),
        }

    return _with(directory, database, work)


def return_rights(
    directory: Path, store_id: str, database: str | None = None
) -> list[dict[str, Any]]:
    """Give a store its rights back: central sells nothing more of it. Raises NotFound."""

    def work(tx: Tx) -> list[dict[str, Any]]:
        store_journal.store(tx.conn, store_id)
        return store_rights.give_all_back(tx, store_id)

    return _with(directory, database, work)


def reclaim_rights(
    directory: Path, store_id: str, database: str | None = None
) -> list[dict[str, Any]]:
    """Take back what a dead store was lent of the distribution centre. Raises NotFound."""
    return _with(
        directory,
        database,
        lambda tx: store_supply.reclaim(tx, store_id, store_life.generation(tx.conn)),
    )


def _with(directory: Path, database: str | None, work: Callable[[Tx], T]) -> T:
    return _open(directory, database, lambda _, tx: work(tx))


def _open(directory: Path, database: str | None, work: Callable[[Inventory, Tx], T]) -> T:
    inventory = Inventory(directory, database=database)
    try:
        return inventory.store.run(lambda tx: work(inventory, tx))
    finally:
        inventory.close()
