"""Central's use cases on one store of data: what the API, the page and the hubs' doors call.

It must never hold state of its own; two of them on one database would give the same answers.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from hub.catalog import queries as catalog
from hub.catalog import rows as catalog_rows
from hub.clock import Clock
from hub.errors import Invalid
from hub.stock.facts import ON_HAND
from sync.protocol import Push, Received

from . import (
    intake,
    keys,
    store_aisle,
    store_feed,
    store_journal,
    store_keys,
    store_life,
    store_orders,
    store_people,
    store_reroute,
    store_returns,
    store_rights,
    store_secrets,
    store_words,
    stores,
)
from .store_port import Tx

IMPORT_ROWS: Final = 1000
FOLDER: Final = "central"


class Inventory:
    """Central inventory in the folder `central` of a data directory."""

    def __init__(
        self, directory: Path, clock: Clock | None = None, database: str | None = None
    ) -> None:
        self.store = stores.opened(directory / FOLDER, database, clock)
        own, drawn = keys.own(self.store.directory), keys.drawn()
        shared = self.store.run(lambda tx: store_secrets.share(tx, own, drawn))
        keys.save(self.store.directory, shared)
        self.ring = keys.Keyring(self.store.directory)
        self.page_secret = shared[keys.PAGE]
        self.store.run(store_feed.catch_up)
        self.store.run(store_journal.refold)
        self.store.run(store_people.prepare)
        self.store.run(store_words.prepare)
        self.store.run(lambda tx: store_keys.publish(tx, self.ring.first))
        self.store.follow()
        self.store.run(store_feed.forget_deleted)

    def place(self, tx: Tx, order: intake.Order) -> tuple[dict[str, Any], bool]:
        """Take in an order; returns (answer, was it there already)."""
        # The catalogue is read on its own connection: names may be a moment older than the order.
        with self.store.catalog.reader() as conn:
            skus = {line.sku for line in order.lines}
            names = {sku: catalog.name(conn, sku) for sku in skus}
        sign = partial(store_keys.sign, tx, self.ring)
        generation = store_life.generation(tx.conn)
        return store_orders.place(tx, order, names.get, sign, generation)

    def accept(
        self, tx: Tx, store: str, push: Push, instance: str, generation: str
    ) -> Received | None:
        """Take a push in, and settle what it says of orders that central watches."""
        judged = store_journal.accept(tx, store, push, instance, generation)
        taken = judged is not None and judged.answer.status == "taken"
        if judged is not None and taken and store_journal.unsettled(tx.conn, store):
            sign = partial(store_keys.sign, tx, self.ring)
            store_reroute.settle(tx, store, sign, generation)
            store_returns.settle(tx, store, generation, heard=_told_all(push, judged))
            store_aisle.settle(tx, store, generation)
        return judged

    def import_catalog(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Publish catalogue rows; rows that no hub could read are refused, each with why."""
        if len(rows) > IMPORT_ROWS:
            raise Invalid(f"At most {IMPORT_ROWS} rows at a time.", field="rows")
        good: list[catalog_rows.Row] = []
        refused: list[dict[str, Any]] = []
        for index, row in enumerate(rows):
            try:
                good.append(catalog_rows.read(row))
            except Invalid as error:
                refused.append({"index": index, "detail": error.sentence, "field": error.field})
        changed = store_feed.import_rows(tx, good)
        return {"accepted": len(good), "changed": changed, "refused": refused}

    def stock(self, store_id: str, sku: str) -> dict[str, Any]:
        """Return a SKU's units at a store by the store's own facts, and as of when.

        `rights`: units that central may promise without asking the store.
        """
        with self.store.reader() as conn:
            shown = store_journal.store(conn, store_id)
            buckets = store_journal.stock(conn, store_id, sku)
            promisable = store_rights.held(conn, store_id, sku)
        units = {bucket: qty for bucket, qty in sorted(buckets.items()) if qty}
        return {
            "store": store_id,
            "sku": sku,
            "on_hand": sum(buckets.get(bucket, 0) for bucket in ON_HAND),
            "buckets": units,
            "rights": promisable,
            "as_of": shown["as_of"],
        }

    def close(self) -> None:
        self.store.close()


def _told_all(push: Push, judged: Received) -> bool:
    """Has the hub nothing left that it knew when it pushed? An empty push alone does not say so:
    the first one after an outage is empty."""
    return push.about is not None and push.about.head == judged.answer.head.seq
