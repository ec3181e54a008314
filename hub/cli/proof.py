"""Gathers what `storehub verify` proves: the store's file, its sums, and that central agrees.

It must never need a running hub, and never repair what it finds.
"""

from pathlib import Path

from hub.cli.edge import read
from hub.errors import Unavailable
from hub.settings import Settings
from hub.stock import queries as stock
from hub.store import facts
from hub.verify import Report, verify
from sync.compare import compare
from sync.trust import trust_of


def verified(directory: Path, settings: Settings) -> Report:
    """Prove the store's file, and that central agrees when the line is up."""
    known = facts()

    def balances() -> list[str]:
        found: list[str] = read(
            directory, lambda connection: stock.verify(connection, known.facts(connection))
        )
        return found

    def central() -> list[str]:
        if not settings.central_url:
            raise Unavailable("this store has no central")
        return compare(
            lambda query: read(directory, query),
            settings.central_url,
            settings.store,
            settings.central_token,
            trust_of(settings, directory),
        )

    return verify(directory / "hub.db", known, {"balances": balances, "central": central})
