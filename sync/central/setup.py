"""Prepares a central that is not running: its files, stores and tokens.

It must never run beside a serving central; that one has the admin API for it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hub.errors import Refusal

from . import store_access
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
    for name in ("pickup.key", "page.key"):
        write_secret(target / name, (source / name).read_text())
    copy(source / "central.db", target / "central.db")


def create_enrolment(directory: Path, store_id: str) -> str:
    """Return a one-time enrolment token of a known store."""
    return _with(directory, lambda tx: store_access.create_enrolment(tx, store_id))


def create_token(directory: Path, name: str, role: str) -> str:
    """Return a new token of central's API: admin, orders, catalog or read."""
    return _with(directory, lambda tx: store_access.create_token(tx, name, role))


def _with(directory: Path, work: Callable[[Tx], T]) -> T:
    inventory = Inventory(directory)
    try:
        return inventory.store.run(work)
    finally:
        inventory.close()
