"""What central counts for Prometheus; it must never name a person or an order.

The numbers of a store are bounded: eleven series each, so 22,000 for two thousand stores.
"""

from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from .fleet_rules import Fleet, Standing

INTAKE: Final = {
    "api.place": "orders",
    "api.cancel": "cancel",
    "pages.place": "order_page",
    "fleet_api.promise": "promise",
    "hub_doors.push": "push",
    "hub_doors.enrol": "enrol",
}
"""The endpoints whose refusals are counted, as the metric names them."""


class Numbers:
    """What central counts, in its own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made = self.registry
        self.pushed = Counter("central_facts_pushed", "Facts taken in.", ["store"], registry=made)
        self.pushes = Counter("central_pushes", "Pushes by answer.", ["status"], registry=made)
        self.orders = Counter("central_orders", "Orders taken in.", registry=made)
        self.refusals = Counter(
            "central_refusals", "What was not taken in.", ["door", "status"], registry=made
        )
        self.again = Counter(
            "central_works_again", "Works that met another and began anew.", ["why"], registry=made
        )
        self.seconds = Histogram(
            "central_request_seconds", "Time to answer.", ["endpoint", "status"], registry=made
        )
        self.breaks = Gauge(
            "central_promise_breaks",
            "Orders whose promise a store broke: rejected after all, or short of units.",
            registry=made,
        )
        self.messages = Gauge(
            "central_messages", "Messages to customers by state.", ["state"], registry=made
        )
        self.rerouted = Gauge(
            "central_orders_rerouted", "Orders that went to their fallback.", registry=made
        )
        self.stores = Gauge("central_stores", "Stores by condition.", ["condition"], registry=made)
        self.head = self._of_store("seq", "How far a store's journal is here.")
        self.quarantine = self._of_store("quarantine", "Entries that could not be folded.")
        self.hub_quarantine = self._of_store("hub_quarantine", "Messages that wait at the hub.")
        self.silent = self._of_store("silent_seconds", "Since the hub was heard.")
        self.lag = self._of_store("lag_seconds", "Age of the newest fact that central has.")
        self.backlog = self._of_store("backlog", "Facts that the hub has and central has not.")
        self.oldest = self._of_store("oldest_unsent_seconds", "Age of the oldest of them.")
        self.failed = self._of_store("failed", "1: heard, and refused or held.")
        self.aisle_breaks = Gauge(
            "central_aisle_breaks",
            "Endless-aisle orders declined after they were confirmed.",
            registry=made,
        )
        self.lent = self._of_store("rights_lent", "Units of the distribution centre that it holds.")
        self.rights = self._of_store("rights_held", "Units that central may promise.")

    def _of_store(self, name: str, told: str) -> Gauge:
        return Gauge(f"central_store_{name}", told, ["store"], registry=self.registry)

    def show(self, fleet: Fleet, rights: dict[str, int], now: datetime) -> None:
        """Set the numbers of the fleet as it stands."""
        for condition, count in fleet.counts.items():
            self.stores.labels(condition).set(count)
        for one in fleet.standings:
            store = one.seen.store
            self.head.labels(store).set(one.seen.seq)
            self.rights.labels(store).set(rights.get(store, 0))
            self._show(one, now)

    def _show(self, one: Standing, now: datetime) -> None:
        seen, store = one.seen, one.seen.store
        self.quarantine.labels(store).set(seen.quarantine_central)
        self.hub_quarantine.labels(store).set(seen.quarantine_hub)
        self.failed.labels(store).set(one.condition in ("failed", "held"))
        if seen.heard_at is not None:
            self.silent.labels(store).set((now - seen.heard_at).total_seconds())
        if seen.backlog is not None and seen.told_at is not None:
            waited = (now - seen.told_at).total_seconds()
            self.backlog.labels(store).set(seen.backlog)
            self.oldest.labels(store).set((seen.oldest_s or 0) + waited if seen.backlog else 0)
            if seen.newest_s is not None:
                self.lag.labels(store).set(seen.newest_s + waited)
