"""What the screens need from the hub, as one plain record that `hub.app` fills.

The screens must never reach round it: no file, no socket and no thread of the hub is opened here.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from hub.brand import Brand
from hub.clock import Clock
from hub.events import Ring
from hub.fleet.watch.rules import Limits
from hub.ingest.travels import Travel
from hub.journal import Transaction
from hub.printing.document import Document
from hub.returns.abroad import Claim, Handed
from hub.shelf.sensing import Tuning

T = TypeVar("T")


class Writes(Protocol):
    """The one writer. `run` returns after the commit, or raises what `work` raised."""

    def run(self, work: Callable[[Transaction], T]) -> T: ...


class Line(Protocol):
    """The real line to central (a proxy that can be cut). Absent in a store without one."""

    def up(self) -> None: ...
    def down(self) -> None: ...
    def status(self) -> str:
        """`up` or `down`."""
        ...


class Elsewhere(Protocol):
    """Central's word on goods of other stores, while somebody waits. Absent without a central.

    Each raises NotFound for an order that central does not know, Unavailable with the line down.
    """

    def look(self, order_id: str) -> Handed: ...
    def claim(self, return_id: str, order_id: str, lines: Sequence[tuple[str, int]]) -> Claim: ...
    def release(self, return_id: str) -> None:
        """Say that the return was not opened; never raises."""
        ...


class Paper(Protocol):
    """The sample store's printer, made of software. Absent in a real store."""

    def there(self) -> bool: ...
    def sheets(self) -> Sequence[str]: ...
    def sheet(self, name: str) -> bytes | None: ...
    def loaded(self) -> bool: ...
    def load(self, paper: bool) -> None: ...


@dataclass(frozen=True)
class Check:
    """One reason why the hub is ready or not; it is ready without what is not vital."""

    name: str
    ok: bool
    detail: str = ""
    vital: bool = True


@dataclass(frozen=True)
class Options:
    """Settings that only the screens read."""

    screens: int = 40
    signout_minutes: int = 10
    signin_limit: str = "20 per minute"
    stranger_limit: str = "600 per minute"  # of one address, without a session or token
    secure_cookies: bool = False
    timezone: str = "UTC"
    brand: Brand = field(default_factory=Brand)  # the retailer's look; empty: the product's own
    lobby_languages: str = "en"  # of the wall screen's titles: the large one, the small one
    currency: str = "EUR"
    device_limits: Limits = field(default_factory=Limits)
    column_cards: int = 24
    max_body_bytes: int = 1_048_576
    order_page: str = ""  # central's page for people, where the sample store has one
    shelf: Tuning = field(default_factory=Tuning)
    wave_orders: int = 3  # what one press on "pick the next" claims
    sweep_confirm: int = 2  # an inventory that differs by more waits for a person
    pins_shown: tuple[tuple[str, str, str], ...] = ()  # name, role, PIN: the sample store only


@dataclass(frozen=True)
class Trust:
    """How devices come to believe this hub, and where they reach its broker."""

    # the store's CA as PEM; raises Unavailable with a sentence when it is damaged
    ca: Callable[[], str]
    https_port: Callable[[], int]  # 0 = no HTTPS
    host: str = "127.0.0.1"  # by which devices reach it when nobody says otherwise
    mqtts_port: int = 0
    mqtt_port: int = 0
    mqtt_host: str = ""  # "" = the broker is where the hub is
    mqtt_plain: bool = False


@dataclass(frozen=True)
class Hub:
    """The hub as the screens see it."""

    store: str
    clock: Clock
    writer: Writes
    reader: Callable[[], AbstractContextManager[sqlite3.Connection]]
    ring: Ring
    secret_key: bytes
    # `storehub status --json` (CONTRACTS.md), cheap enough for each console refresh
    status: Callable[[], Mapping[str, Any]]
    # {"state": "online|offline|…", "pushed_seq", "lag_s", "as_of", "backlog"}
    sync_state: Callable[[], Mapping[str, Any]]
    # reasons for /readyz and the console's health list
    checks: Callable[[], Sequence[Check]]
    # the last observations, newest first
    travels: Callable[[], Sequence[Travel]] = lambda: ()
    # counters for tiles and /metrics: {"committed_total": n, "quarantined_total": n, …}
    counters: Callable[[], Mapping[str, float]] = dict
    # sends a quarantined message through its source's way again (hub.quarantine.replay)
    replay: Callable[[Transaction, int], str] | None = None
    # tells the broker, after a commit, who may connect from now on
    accounts_changed: Callable[[], None] = lambda: None
    line: Line | None = None
    elsewhere: Elsewhere | None = None
    # draws a paper of that width (mm) as PNG, exactly as it would be printed
    preview: Callable[[Document, int], bytes] | None = None
    paper: Paper | None = None
    trust: Trust | None = None
    instance: str = ""
    options: Options = field(default_factory=Options)
