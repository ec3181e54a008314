"""A whole store on temporary files, without network: what the tests of rooms stand on."""

import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.catalog import tables as catalog
from hub.clock import FixedClock
from hub.journal import Transaction
from hub.pickup import actions as pickup
from hub.pickup import queries as orders
from hub.settings import Settings
from hub.staff import actions as staff
from hub.stock import actions as stock
from hub.stock import queries as ledger
from hub.store import Store
from hub.tasks import queries as tasks
from tests.empty import lay_files

T = TypeVar("T")

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANNA, BEN, LENA = "staff:anna", "staff:ben", "staff:lena"
BADGE = {"anna": "SH1:B:" + "A" * 26, "ben": "SH1:B:" + "B" * 26}
MILK, BREAD = "04006381333931", "00614141000036"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


class Shop:
    """Anna and Ben pick, Lena leads; MILK and BREAD are in the catalogue with their barcodes."""

    def __init__(self, directory: Path) -> None:
        lay_files(directory)
        self.clock = FixedClock(NOON)
        self.store = Store(directory, Settings(store="s1", ballast_mib=1), clock=self.clock)
        self._causes = 0
        self._fill_replica()
        for who, name, role in (
            ("anna", "Anna", "associate"),
            ("ben", "Ben", "associate"),
            ("lena", "Lena", "lead"),
        ):
            self.run(lambda tx, who=who, name=name, role=role: staff.add(tx, who, name, role))
        for who, badge in BADGE.items():
            self.run(lambda tx, who=who, badge=badge: staff.set_badge(tx, who, badge))

    def _fill_replica(self) -> None:
        public = urlsafe_b64encode(KEY.public_key().public_bytes_raw()).decode()
        rows: list[dict[str, Any]] = [
            {"kind": "product", "sku": "MILK", "names": {"en": "Milk"}, "unit": "piece"},
            {"kind": "product", "sku": "BREAD", "names": {"en": "Bread"}, "unit": "piece"},
            {"kind": "barcode", "gtin": MILK, "sku": "MILK"},
            {"kind": "barcode", "gtin": BREAD, "sku": "BREAD"},
            {"kind": "pickup_key", "key_id": "k1", "public_key": public},
        ]
        self.describe(*rows)

    def describe(self, *rows: dict[str, Any]) -> None:
        """Add rows of central's feed to the catalogue."""
        connection = sqlite3.connect(self.store.database.replica)
        with connection:
            assert catalog.upsert_many(connection, rows) == []
        connection.close()

    def run(self, work: Callable[[Transaction], T]) -> T:
        return self.store.writer.run(work)

    def cause(self) -> str:
        self._causes += 1
        return f"test:{self._causes}"

    def do(self, action: Callable[..., T], *args: Any, actor: str = ANNA, **named: Any) -> T:
        """Run an action as `actor` with a cause of its own."""
        cause = self.cause()
        return self.run(lambda tx: action(tx, *args, actor=actor, cause=cause, **named))

    # -- the usual beginnings

    def receive(self, sku: str, qty: int) -> None:
        cause = self.cause()
        self.do(stock.receive, f"R-{cause}", [{"sku": sku, "qty": qty}])

    def place(self, order_id: str, *lines: tuple[str, int], **extra: Any) -> dict[str, Any]:
        """Place an order of (SKU, units) lines L1, L2, …; return it as it stands."""
        listed = [
            {"line_id": f"L{n}", "sku": sku, "qty": qty, "unit_price_minor": 100}
            for n, (sku, qty) in enumerate(lines, start=1)
        ]
        order = {"order_id": order_id, "lines": listed, "currency": "EUR", **extra}
        self.do(pickup.place, order, actor="central")
        return self.order(order_id)

    def picked(self, order_id: str, *lines: tuple[str, int], **extra: Any) -> None:
        self.place(order_id, *lines, **extra)
        self.do(pickup.claim, order_id)
        for n, (_, qty) in enumerate(lines, start=1):
            self.do(pickup.pick, order_id, f"L{n}", qty)

    def made_ready(self, order_id: str, *lines: tuple[str, int], **extra: Any) -> None:
        self.picked(order_id, *lines, **extra)
        self.do(pickup.stage, order_id, "A1")
        self.do(pickup.ready, order_id)

    # -- looking

    def order(self, order_id: str) -> dict[str, Any]:
        return self.store.read(orders.order, order_id)

    def state(self, order_id: str) -> str:
        return str(self.order(order_id)["state"])

    def stock(self, sku: str) -> dict[str, Any]:
        return self.store.read(ledger.stock, sku, self.clock.now())

    def buckets(self, sku: str) -> dict[str, int]:
        """The buckets that are not empty."""
        return {bucket: qty for bucket, qty in self.stock(sku)["buckets"].items() if qty}

    def promise(self, sku: str, channel: str = "web") -> int:
        return self.store.read(ledger.promise, sku, channel, self.clock.now()).qty

    def tasks(self, *kinds: str) -> list[tuple[str, str, str]]:
        """Unfinished work: (kind, subject, reason)."""
        found = self.store.read(tasks.board, kinds=kinds or None)
        return [(task["kind"], task["subject"], task["reason"]) for task in found]

    def last_entry(self) -> str:
        return str(self.store.read(ledger.last_entry))

    def length(self) -> int:
        return self.store.journal.head.seq

    def is_sound(self) -> None:
        """What every test may claim at its end: balances recomputed, rebuild = live."""

        def check(connection: sqlite3.Connection) -> list[str]:
            return ledger.verify(connection, journal_facts(self.store, connection))

        assert self.store.read(check) == []
        before = self._rows()
        self.store.rebuild()
        assert self._rows() == before

    def _rows(self) -> dict[str, list[tuple[Any, ...]]]:
        tables = [t for made in self.store.journal.projections.tables.values() for t in made]
        with self.store.database.reader() as connection:
            return {
                table: sorted(
                    (tuple(row) for row in connection.execute(f"SELECT * FROM {table}")), key=repr
                )
                for table in tables
            }


def journal_facts(store: Store, connection: sqlite3.Connection) -> Any:
    return store.journal.facts(connection)


@contextmanager
def opened(directory: Path) -> Iterator[Shop]:
    shop = Shop(directory)
    try:
        yield shop
    finally:
        shop.store.close()


__all__ = ["ANNA", "BADGE", "BEN", "BREAD", "KEY", "LENA", "MILK", "NOON", "Shop", "opened"]
