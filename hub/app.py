"""Composes one store's hub: its files, its threads, its doors. It must never decide anything.

Each thread is one loop with a stop event. A thread that dies takes the process down, and whoever
supervises it starts it again: nothing that was acknowledged is in memory alone.
"""

import logging
import secrets
import sqlite3
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from devices.printing.tray import Tray
from hub import (
    brand,
    broker,
    foreign,
    handlers,
    identity,
    joining,
    journal,
    operations,
    quarantine,
)
from hub import settings as chosen
from hub.broker import LOG
from hub.broker.watch import Watch
from hub.control import Listener
from hub.errors import Invalid, Unavailable
from hub.fleet.watch import queries as fleet
from hub.house import actions as house
from hub.identity import Identity
from hub.ingest import Ingest, replayer
from hub.jobs import jobs, limits_of
from hub.journal import Transaction
from hub.pickup.day import queries as days
from hub.printing import actions as printing
from hub.printing.document import Document
from hub.schedule import Job, Schedule
from hub.settings import Settings
from hub.stock import actions as stock_actions
from hub.stock.ledger import Policy
from hub.store import Store
from kiosk_ui import ports as screens
from kiosk_ui import server
from sync import agent, line, seal
from sync import commands as sync_commands
from sync import hub as replicated
from sync import tables as sync_tables
from sync.hardware import hardware
from sync.replica import ReplicaStore
from sync.trust import trust_of

log = logging.getLogger(__name__)

# How often the process looks whether its threads live (seconds).
WATCH_S: Final = 0.5
RETIRED: Final = (
    "This hub was retired: head office chose another one of this store. It brings central what it"
    " has and stops."
)
# A store without central: what the sync state shows.
ALONE: Final = {"state": "alone", "pushed_seq": 0, "lag_s": None, "as_of": None, "backlog": 0}


def policy(settings: Settings) -> Policy:
    """Return what the settings say about promises."""
    return Policy(
        hold_seconds=settings.hold_seconds,
        safety_stock=settings.safety_stock,
        safety_stock_low=settings.safety_stock_low,
        channel_threshold=settings.channel_threshold,
        promise_minutes=settings.promise_minutes,
    )


class Hub:
    """A running store. `serve` returns when it is told to stop or when one of its threads died."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        self.instance = secrets.token_hex(8)
        self.store = Store(directory, settings, migrations=(sync_tables.MIGRATIONS,))
        self.store.writer.run(partial(stock_actions.set_policy, policy=policy(settings)))
        self.store.writer.run(partial(house.set_zone, zone=settings.time_zone))
        self.store.writer.run(partial(printing.set_choices, settings=settings))
        self.brand, self._unbranded = brand.chosen(directory, settings.brand_file)
        if self._unbranded:
            log.warning("%s The screens look as they do without a brand.", self._unbranded)
        self._stop = threading.Event()
        memory = handlers.watch(settings)
        self._threads: list[threading.Thread] = []
        self.ingest = Ingest(
            store=settings.store,
            address=broker.address(directory, settings),
            writer=self.store.writer,
            clock=self.store.clock,
            handlers=handlers.observations(settings.store),
            folds=handlers.telemetry(settings, memory),
            batch_cap=settings.batch_cap,
            quarantine_bound=settings.quarantine_per_device,
        )
        self.identity = Identity(directory, settings)
        known_jobs = jobs(self.store, self.ingest, memory)
        known_jobs.append(Job("the hub's certificate", identity.LOOK_S, self.identity.look))
        turned_away = partial(operations.count_turned_away, self.store, Watch(directory / LOG))
        may_connect = operations.keep_accounts(self.store, lambda: self.ingest.connected)
        known_jobs.append(Job("who may connect", 5, may_connect))
        known_jobs.append(Job("who was turned away", 5, lambda _: turned_away()))
        self.schedule = Schedule(known_jobs, self.store.clock)
        self.replica: ReplicaStore | None = None
        self.agent: agent.Agent | None = None
        if settings.central_url:
            self._replicate(settings)
        else:
            self.store.writer.run(lambda tx: journal.doubt(tx.conn, None))
        self.screens: server.Running | None = None
        self._sources = sources(settings.store)
        known = operations.of(self.store, self._sources)
        self.control = Listener(directory, {**known, "status": self.status})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def serve(self) -> None:
        """Open the doors and stay until `stop`. Raises Unavailable when a thread died."""
        settings = self.store.settings
        self._thread("ingest", lambda: self.ingest.loop(self._stop))
        self._thread("schedule", lambda: self.schedule.loop(self._stop))
        if self.agent is not None:
            self.agent.start()
        self.screens = server.serve(self._as_seen(), settings.http_host, settings.http_port)
        self.identity.open(self.screens.open_tls, self.screens.renew)
        self.control.start()
        log.info("The hub of %s serves on port %s", settings.store, self.screens.port)
        while not self._stop.wait(WATCH_S):
            dead = [name for name, alive in self._alive().items() if not alive]
            if dead:
                raise Unavailable(f"The hub ends: its {', '.join(dead)} thread died.")

    def stop(self) -> None:
        self._stop.set()

    def close(self) -> None:
        """Close the doors first, then commit what came through them."""
        self._stop.set()
        if self.screens is not None:
            self.screens.stop()
            self.control.stop()
        if self.agent is not None:
            self.agent.close()
        for thread in self._threads:
            thread.join(15)
        if self.replica is not None:
            self.replica.close()
        self.store.close()

    def status(self) -> dict[str, Any]:
        """Return `storehub status --json`."""
        with self.store.database.reader() as connection:
            return {
                **at_rest(connection, self.store.settings),
                "instance": self.instance,
                "epoch": self.store.ring.epoch,
                "sync": self.sync_state(),
            }

    def sync_state(self) -> dict[str, Any]:
        return dict(ALONE) if self.agent is None else self.agent.state()

    def checks(self) -> list[screens.Check]:
        """Return why the hub is ready, or not."""
        threads = [screens.Check(name, alive) for name, alive in self._alive().items()]
        connected = self.ingest.connected
        tls = not self.identity.note
        return [
            *threads,
            screens.Check("broker", connected, "" if connected else "not connected"),
            screens.Check(
                "disk",
                self.store.writer.has_room,
                "" if self.store.writer.has_room else "full: new orders are refused",
            ),
            screens.Check("tls", tls, self.identity.note, vital=False),
            screens.Check("brand", not self._unbranded, self._unbranded, vital=False),
        ]

    def _alive(self) -> dict[str, bool]:
        alive = {thread.name: thread.is_alive() for thread in self._threads}
        alive["writer"] = self.store.writer.failure is None
        if self.screens is not None:
            alive["screens"] = self.screens.alive()
        if self.agent is not None:
            alive["sync"] = self.agent.alive()
        return alive

    def _thread(self, name: str, loop: Callable[[], None]) -> None:
        def run() -> None:
            try:
                loop()
            except Exception:
                log.exception("The %s thread died", name)

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _replicate(self, settings: Settings) -> None:
        store = self.store
        self.replica = ReplicaStore(store.database.replica)
        hub = replicated.Hub(
            store=settings.store,
            instance=self.instance,
            hardware=hardware(store.directory),
            bytes_per_hour=settings.sync_mib_per_hour << 20,
            limits=limits_of(settings),
            seal=seal.opened(store.directory),
            reader=store.database.reader,
            writer=store.writer,
            ring=store.ring,
            clock=store.clock,
            replica=self.replica,
        )
        self.agent = agent.open(
            hub,
            central_url=settings.central_url,
            credential=self._credential,
            commands=handlers.COMMANDS,
            trust=trust_of(settings, store.directory, store.clock),
        )
        self.agent.on_retired(lambda: store.writer.close_doors(RETIRED), self.stop)
        # The state of the line is no fact: screens hear of it without a number.
        ring = store.ring
        self.agent.on_change(lambda: ring.publish(None, False, ("sync",)))

    def _credential(self) -> str:
        """Read it anew: `storehub credential` replaces it while this hub runs."""
        try:
            return chosen.load(self.store.directory).central_token
        except Invalid:
            return self.store.settings.central_token

    def _as_seen(self) -> screens.Hub:
        store, settings = self.store, self.store.settings
        has_line = (store.directory / line.SOCKET).exists()
        return screens.Hub(
            store=settings.store,
            clock=store.clock,
            writer=store.writer,
            reader=store.database.reader,
            ring=store.ring,
            secret_key=session_key(settings),
            status=self.status,
            sync_state=self.sync_state,
            checks=self.checks,
            travels=self.ingest.travels,
            counters=self._counters,
            replay=self._replay,
            accounts_changed=partial(operations.accounts_changed, store),
            line=_Line(store.directory) if has_line else None,
            elsewhere=None if self.agent is None else self.agent.elsewhere,
            preview=_drawn,
            paper=Tray(store.directory / "paper") if _sample(store.directory) else None,
            trust=self._trust(),
            instance=self.instance,
            options=screens.Options(
                signout_minutes=settings.idle_minutes,
                timezone=settings.time_zone,
                currency=settings.currency,
                brand=self.brand,
                lobby_languages=settings.lobby_languages,
                device_limits=limits_of(settings),
                shelf=handlers.shelf_tuning(settings),
                sweep_confirm=settings.sweep_confirm,
                wave_orders=settings.wave_orders,
                max_body_bytes=settings.request_kib << 10,
                order_page=_sample(store.directory).get("urls", {}).get("central", ""),
                pins_shown=_sample_pins(store.directory),
            ),
        )

    def _trust(self) -> screens.Trust:
        settings = self.store.settings
        return screens.Trust(
            ca=self.identity.ca,
            https_port=lambda: 0 if self.screens is None else self.screens.https_port,
            host=joining.host_of(settings),
            mqtts_port=settings.mqtts_port,
            mqtt_port=settings.mqtt_port,
            mqtt_host=settings.mqtt_host if settings.broker == "external" else "",
            mqtt_plain=settings.mqtt_plain,
        )

    def _counters(self) -> dict[str, float]:
        counted = msgspec.to_builtins(self.ingest.counters)
        broken = self.store.read(days.broken)
        return {f"{name}_total": value for name, value in counted.items()} | {
            "promises_broken": broken
        }

    def _replay(self, tx: Transaction, row_id: int) -> str:
        return quarantine.replay(tx, row_id, self._sources)


def _drawn(paper: Document, width_mm: int) -> bytes:
    # Pillow and its fonts are loaded by the first preview: 15 MiB that many stores never need.
    from devices.printing import render

    return render.png(paper, render.Paper(render.DOTS[width_mm]))


class _Line:
    """The switch on the start page: it drives the proxy, not the hub."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def up(self) -> None:
        line.control(self._directory, "up")

    def down(self) -> None:
        line.control(self._directory, "down")

    def status(self) -> str:
        return line.status(self._directory)


def sources(store: str) -> Mapping[str, quarantine.Replay]:
    """Return how a quarantined message of each source is tried again."""
    return {
        "mqtt": replayer(handlers.observations(store)),
        "sync": sync_commands.replay(handlers.COMMANDS),
        foreign.SOURCE: foreign.replay,
    }


def at_rest(connection: sqlite3.Connection, settings: Settings) -> dict[str, Any]:
    """Return the part of the status that the store's file alone can tell."""
    head = journal.head(connection)
    pushed, _ = sync_tables.pushed(connection)
    sync = {**ALONE, "state": "stopped", "pushed_seq": pushed.seq, "backlog": head.seq - pushed.seq}
    return {
        "store": settings.store,
        "instance": None,
        "epoch": None,
        "seq": head.seq,
        "hash": head.hash,
        "sync": sync,
        "quarantine": quarantine.count(connection),
        "devices": fleet.number(connection),
    }


def session_key(settings: Settings) -> bytes:
    """Return the key that signs sessions; a store without one signs everybody out at restart."""
    return settings.session_key.encode() or secrets.token_bytes(32)


def _sample_pins(directory: Path) -> tuple[tuple[str, str, str], ...]:
    """The sample store shows its PINs at the sign-in; a real store has no demo.json."""
    staff = _sample(directory).get("staff", ())
    return tuple((person["name"], person["role"], person["pin"]) for person in staff)


def _sample(directory: Path) -> dict[str, Any]:
    """Return `demo.json`; empty in a real store."""
    try:
        found: dict[str, Any] = msgspec.json.decode((directory / "demo.json").read_bytes())
    except FileNotFoundError:
        return {}
    return found
