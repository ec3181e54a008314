"""What central counts for Prometheus; it must never name a person or an order."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Numbers:
    """What central counts, in its own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.pushed = Counter(
            "central_facts_pushed", "Facts taken in.", ["store"], registry=self.registry
        )
        self.pushes = Counter(
            "central_pushes", "Pushes by answer.", ["status"], registry=self.registry
        )
        self.orders = Counter("central_orders", "Orders taken in.", registry=self.registry)
        self.seconds = Histogram(
            "central_request_seconds",
            "Time to answer.",
            ["endpoint", "status"],
            registry=self.registry,
        )
        self.head = Gauge(
            "central_store_seq",
            "How far a store's journal is here.",
            ["store"],
            registry=self.registry,
        )
        self.quarantine = Gauge(
            "central_store_quarantine",
            "Entries that could not be folded.",
            ["store"],
            registry=self.registry,
        )
