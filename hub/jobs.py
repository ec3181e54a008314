"""Lists what a store does from time to time, each a short work on the writer; it never decides."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from hub import alerts, commands, foreign, outbox
from hub.clock import stamp
from hub.customers import actions as customers
from hub.fleet.watch import actions as watch
from hub.fleet.watch import queries as fleet
from hub.fleet.watch.rules import Limits
from hub.handlers import shelf_tuning
from hub.ingest import Ingest
from hub.ingest.retention import Retention
from hub.journal import Transaction
from hub.pickup import actions as pickup
from hub.pickup import calling
from hub.printing import actions as printing
from hub.printing import queries as papers
from hub.schedule import Job
from hub.settings import Settings
from hub.shelf import queries as shelf
from hub.shelf import sensing, sensors, tags
from hub.staff import actions as staff
from hub.stock import actions as stock
from hub.stock.rights import Quota
from hub.store import Store


def jobs(store: Store, ingest: Ingest, memory: tags.Watch) -> list[Job]:
    """Return the jobs of a running hub, with how often each is due (seconds)."""
    settings, writer = store.settings, store.writer
    tuning = shelf_tuning(settings)

    def work(action: Callable[..., object]) -> Callable[[datetime], object]:
        # Each run is an append of its own: a cause of 128 random bits.
        return lambda _: writer.run(lambda tx: action(tx, cause=_cause()))

    retention = Retention(writer, settings, full=lambda: not writer.has_room)
    return [
        Job("room on the disk", 5, lambda _: writer.make_room()),
        Job("expired holds", 5, work(stock.expire)),
        Job("orders not collected", 60, lambda _: _expire(store)),
        Job("orders nobody picks", 1, _call(store)),
        Job("lights that call", 0.5, alerts.tell(store)),
        Job("facts to ask about", 10, lambda _: writer.run(pickup.settle)),
        Job("balances below zero", 60, work(stock.mend)),
        Job("rights to promise", 60, _lend(store, quota(settings))),
        Job("doubtful records", 3600, work(stock.ask_for_counts)),
        Job("device commands", 0.5, lambda now: _send(store, ingest, now)),
        Job("whom each gateway serves", 0.5, foreign.tell_gateways(store)),
        Job("devices that went or came back", 5, _watch(store, ingest)),
        Job("shelves that came to rest", 1, _settle(store, tuning)),
        Job("shelves against the ledger", 60, work(partial(sensors.review, tuning=tuning))),
        Job("tags unheard", 10, _depart(store, ingest, memory)),
        Job("tags of last week", 3600, lambda _: writer.run(memory.forget)),
        Job("papers nobody waits for", 30, lambda _: writer.run(printing.settle)),
        Job("slips of new orders", 1, _print_slips(store)),
        Job("erasures that central knew", 60, lambda _: writer.run(customers.sweep)),
        Job("old signatures", 3600, lambda _: writer.run(customers.forget_signatures)),
        Job("old sign-ins", 3600, lambda _: writer.run(staff.forget_sign_ins)),
        Job("old observations", 10, retention.run),
        Job("old replies", 3600, lambda _: writer.run(commands.forget)),
    ]


def _print_slips(store: Store) -> Callable[[datetime], None]:
    def step(now: datetime) -> None:
        if store.read(papers.wait_for_slips, now):
            store.writer.run(printing.new_orders)

    return step


def quota(settings: Settings) -> Quota:
    """Return what the settings say about the rights that central is lent."""
    # A store that stands alone has nobody to lend to; what it lent before it asks for no more.
    hours = settings.web_quota_hours if settings.central_url else 0
    return Quota(hours, settings.web_quota_share, settings.web_quota_low)


def _lend(store: Store, lent: Quota) -> Callable[[datetime], None]:
    """Return the work that balances rights; nearly always all of them are."""

    def run(now: datetime) -> None:
        trusted = store.clock.quality() != "unknown"
        due = store.read(partial(stock.unbalanced, trusted=trusted), now, lent)
        if due:
            store.writer.run(lambda tx: stock.balance_rights(tx, lent, due, cause=_cause()))

    return run


def _call(store: Store) -> Callable[[datetime], None]:
    """Return the work that calls for orders nobody picks; most of the time nobody has to."""
    zone = ZoneInfo(store.settings.time_zone)

    def step(now: datetime) -> None:
        trusted = store.clock.quality() != "unknown"
        if store.read(partial(calling.due, trusted=trusted), now, zone):
            store.writer.run(partial(calling.call, zone=zone))

    return step


def _expire(store: Store) -> None:
    kept, zone = timedelta(days=store.settings.pickup_days), ZoneInfo(store.settings.time_zone)
    for order_id in store.writer.run(lambda tx: pickup.overdue(tx, kept, zone)):
        store.writer.run(partial(_expire_if_still_due, order_id=order_id, kept=kept, zone=zone))


def _expire_if_still_due(tx: Transaction, order_id: str, kept: timedelta, zone: ZoneInfo) -> None:
    # Somebody may have put it on hold, or handed it over, a moment ago.
    if order_id in pickup.overdue(tx, kept, zone):
        pickup.expire(tx, order_id, cause=_cause())


def _send(store: Store, ingest: Ingest, now: datetime) -> None:
    settings = store.settings
    with store.database.reader() as connection:
        keys = outbox.send_due(connection, stamp(now), settings.store, ingest.publish)
    if keys:
        store.writer.run(lambda tx: _sent(tx, keys, settings.outbox_retry_s, settings.outbox_hours))


def _watch(store: Store, ingest: Ingest) -> Callable[[datetime], None]:
    """Return the work that notices who went and who came back, while the hub hears at all."""
    limits, listening = limits_of(store.settings), False

    def run(now: datetime) -> None:
        nonlocal listening
        if not ingest.connected:
            listening = False
            return
        if not listening:
            store.writer.run(watch.listen)
            listening = True
        if store.read(watch.noticed, round(now.timestamp() * 1000), limits):
            store.writer.run(lambda tx: watch.watch(tx, limits))

    return run


def _settle(store: Store, tuning: sensing.Tuning) -> Callable[[datetime], None]:
    """Return the work that lets silence speak; most of the time there is nothing to write."""

    def run(now: datetime) -> None:
        if store.read(shelf.due_sensors, round(now.timestamp() * 1000), 1):
            store.writer.run(lambda tx: sensors.settle(tx, tuning, cause=_cause()))

    return run


def _depart(store: Store, ingest: Ingest, memory: tags.Watch) -> Callable[[datetime], None]:
    """Return the work that declares tags departed, but not for want of somebody who listens."""
    limits = limits_of(store.settings)

    def run(now: datetime) -> None:
        found = store.read(fleet.devices, round(now.timestamp() * 1000), limits)
        deaf = [
            one.id
            for one in found
            if not ingest.connected or one.reason in ("last_will", "gateway")
        ]
        store.writer.run(lambda tx: memory.depart(tx, deaf, cause=_cause()))

    return run


def limits_of(settings: Settings) -> Limits:
    """Return what the settings say about devices."""
    return Limits(
        settings.device_silent_s, settings.battery_silent_h * 3600, settings.battery_low_pct
    )


def _sent(tx: Transaction, keys: list[str], retry_s: float, hours: int) -> None:
    outbox.sent(tx, keys, retry_s=retry_s, give_up=timedelta(hours=hours))


def _cause() -> str:
    return f"hub:{secrets.token_hex(16)}"
