"""Prepares a central that is not running: its files, stores and tokens.

It must never run beside a serving central; that one has the admin API for it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hub.errors import Refusal

from . import keys, store_access, store_keys
from .inventory import FOLDER, Inventory
from .store_sqlite import copy, write_secret
from .store_writer import Tx

T = TypeVar("T")


def init(directory: Path) -> None:
    """Make central's files in DIR/central, with its keys; known ones stay."""
    _with(directory, lambda tx: None)


def add_store(directory: Path, store_id: str, name: str) -> str:
    """Make a store known and return a new credential for its hub."""

    def work(tx: Tx) -> str:
        store_access.add_store(tx, store_id, name)
        return store_access.create_credential(tx, store_id)

    return _with(directory, work)


def join(directory: Path, store_id: str, name: str) -> bool:
    """Make a store known; False when it was."""
    return _with(directory, lambda tx: store_access.add_store(tx, store_id, name))


def backup(directory: Path, target: Path) -> None:
    """Copy central's database, as of one commit, and its keys to `target`. Raises Refusal.

    Whoever is started on the copy is another life of central: it begins a new generation.
    """
    source = directory / FOLDER
    if not (source / "central.db").exists():
        raise Refusal(f"There is no central in {directory}.", slug="no-central")
    if (target / "central.db").exists():
        raise Refusal(f"There is a copy in {target} already.", slug="exists")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (*keys.files(source), source / "page.key"):
        write_secret(target / path.name, path.read_text())
    copy(source / "central.db", target / "central.db")


def create_enrolment(directory: Path, store_id: str) -> str:
    """Return a one-time enrolment token of a known store."""
    return _with(directory, lambda tx: store_access.create_enrolment(tx, store_id))


def create_token(directory: Path, name: str, role: str) -> str:
    """Return a new token of central's API: admin, orders, catalog or read."""
    return _with(directory, lambda tx: store_access.create_token(tx, name, role))


def rotate_key(directory: Path) -> dict[str, Any]:
    """Draw a new key for pickup codes; it signs for a store once its hub has it."""
    return _open(directory, lambda central, tx: store_keys.rotate(tx, central.ring))


def revoke_key(directory: Path, key_id: str) -> dict[str, Any]:
    """Make a key's codes worthless and sign open orders anew. Raises NotFound, Refusal."""
    return _open(directory, lambda central, tx: store_keys.revoke(tx, key_id, central.ring))


def list_keys(directory: Path) -> list[dict[str, Any]]:
    """Return the keys, newest first."""
    return _with(directory, lambda tx: store_keys.keys(tx.conn))


def _with(directory: Path, work: Callable[[Tx], T]) -> T:
    return _open(directory, lambda _, tx: work(tx))


def _open(directory: Path, work: Callable[[Inventory, Tx], T]) -> T:
    inventory = Inventory(directory)
    try:
        return inventory.store.run(lambda tx: work(inventory, tx))
    finally:
        inventory.close()
