"""Runs the sample store on one machine: broker, central, the line, the hub, simulated devices.

It must never do for the demo what a store does not do: every part is the real one, in a process
of its own, and whoever dies is started again.
"""

import secrets
import shutil
import threading
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from hub import broker, ports, sample, settings
from hub.database import Lock
from hub.fleet import actions as fleet
from hub.fleet import queries as fleet_queries
from hub.init import change, init, write
from hub.journal import Transaction
from hub.pickup import staging
from hub.ports import Ports
from hub.shelf import actions as shelf
from hub.staff import actions as staff
from hub.staff import pins
from hub.staff import queries as staff_queries
from hub.stock import actions as stock
from hub.store import Store, files
from hub.supervisor import Child, Supervisor, end_strays, storehub
from sync import central, headoffice
from sync.line import LineProxy

STORE: Final = "store-1"
DEMO: Final = "demo.json"
# Written when the sample assortment has reached central.
SAMPLE: Final = "sample.done"
CHUNK: Final = 1000
# The sample store's devices: what stands in it, and where.
DEVICES: Final = (
    ("scanner-1", "scanner", "floor"),
    ("scanner-2", "scanner", "floor"),
    ("till-1", "till", "counter"),
    ("shelf-1", "shelf", "3-1"),
    ("shelf-2", "shelf", "5-1"),
    ("kiosk-1", "kiosk", "entrance"),
    ("printer-1", "printer", "counter"),
    ("alert-1", "alert", "counter"),
)
# Orders that find room on one of the sample's staging shelves.
SHELF_ORDERS: Final = 6
# The scanner that no simulated associate carries: yours, for the tour.
TOUR_SCANNER: Final = "scanner-2"


class Person(msgspec.Struct, frozen=True):
    name: str
    role: str
    pin: str
    staff_id: str = ""
    badge: str = ""


class Credentials(msgspec.Struct, frozen=True):
    id: str
    username: str
    password: str


class State(msgspec.Struct):
    """`demo.json`: what a newcomer and a test need to know of the running demo."""

    store: str
    urls: dict[str, str]
    staff: list[Person]
    tokens: dict[str, str]
    devices: list[Credentials]
    pids: dict[str, int]


class Demo:
    """The sample store. `open` starts it, `stay` keeps it, leaving the block stops it."""

    def __init__(
        self, directory: Path, *, port_base: int | None, devices: bool, speed: float
    ) -> None:
        self.directory = directory
        self._port_base = port_base
        self._devices = devices
        self._speed = speed
        self._stop = threading.Event()
        self._supervisor = Supervisor(self._tell)
        self._line: LineProxy | None = None
        self._state: State | None = None
        self._lock = Lock(directory / "demo.lock")
        self._settings = settings.load(directory)

    def __enter__(self) -> Self:
        self._lock.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._supervisor.stop()
        if self._line is not None:
            self._line.stop()
        self._lock.__exit__(kind, error, trace)

    def stop(self) -> None:
        self._stop.set()

    def stay(self) -> None:
        self._supervisor.watch(self._stop)

    def open(self, *, reset: bool) -> None:
        """Start everything in order. Raises Unavailable with the log of what does not start."""
        known = _known(self.directory)
        if known is not None:
            end_strays(known.pids, self.directory)
        if reset:
            self._empty()
            known = None
        chosen = (
            ports.usual_or_free() if self._port_base is None else ports.from_base(self._port_base)
        )
        if known is None or not (self.directory / SAMPLE).exists():
            known = self._furnish()
        # In the store's file, so that a command in another terminal finds central and the broker.
        change(self.directory, _doors(chosen))
        self._settings = settings.load(self.directory)
        self._state = known
        known.urls = {
            "hub": f"http://127.0.0.1:{chosen.http}",
            "hub_https": f"https://127.0.0.1:{chosen.https}",
            "central": f"http://127.0.0.1:{chosen.central}",
            "mqtt": f"mqtt://127.0.0.1:{chosen.mqtt}",
            "mqtts": f"mqtts://127.0.0.1:{chosen.mqtts}",
        }
        known.pids = {}
        self._tell()
        self._start(chosen)

    def greeting(self) -> list[str]:
        """Return what a newcomer wants to know first."""
        state = self._state
        assert state is not None
        people = [f"    {p.name:16} {p.role:10} PIN {p.pin}" for p in state.staff]
        return [
            "",
            f"  Store Hub runs the sample store {state.store}.",
            "",
            f"    this floor       {state.urls['hub']}/",
            f"    pickup counter   {state.urls['hub']}/counter",
            f"    associate        {state.urls['hub']}/associate    a phone's width",
            f"    lobby            {state.urls['hub']}/lobby        the wall screen",
            f"    IT console       {state.urls['hub']}/console",
            f"    order page       {state.urls['central']}/    head office: place an order here",
            f"    over TLS         {state.urls['hub_https']}/    CA: {self.directory}/tls/ca.pem",
            f"    MQTT             {state.urls['mqtt']}     credentials: {self.directory / DEMO}",
            "",
            *people,
            "",
            "  Try: place an order at the order page and watch it arrive at the counter.",
            "       In another terminal, after `. .venv/bin/activate`:",
            f"       storehub line down --data {self.directory}   … go on; then line up,",
            f"       storehub verify --data {self.directory}",
            "",
            "  Ctrl-C stops it; the data stay.",
        ]

    def _start(self, chosen: Ports) -> None:
        # Resolved, so that a stray of this demo is known by its command line.
        directory, add = self.directory.resolve(), self._add
        (directory / "log").mkdir(exist_ok=True)
        database = files(directory)
        with database.reader() as connection:
            accounts = fleet_queries.accounts(connection)
        database.close()
        prepared = broker.prepare(directory, self._settings, accounts)
        if prepared:
            add("broker", prepared, lambda: broker.answers("127.0.0.1", chosen.mqtt))
        place = ["--data", str(directory), "--port", str(chosen.central)]
        add("central", storehub("central", *place), _answers(chosen.central, "/readyz"))
        self._fill_catalog(chosen)
        self._line = LineProxy(
            directory, listen=("127.0.0.1", chosen.line), target=("127.0.0.1", chosen.central)
        )
        here = ["--data", str(directory)]
        add("hub", storehub("run", *here), _answers(chosen.http, "/readyz"))
        if self._devices:
            speed = ["--speed", str(self._speed)]
            add("devices", storehub("simulate", *here, *speed), lambda: True)

    def _add(self, name: str, arguments: Sequence[str], ready: Callable[[], bool]) -> None:
        log = self.directory / "log" / f"{name}.log"
        self._supervisor.add(Child(name, arguments, log, ready=ready))

    def _furnish(self) -> State:
        """Make the sample store: people, tokens, devices, stock. Done again when it was cut off."""
        directory = self.directory
        if not (directory / "hub.db").exists():
            credential = central.add_store(directory, STORE, "Sample store")
            init(directory, STORE, central_token=credential)
        tokens = {"central": central.create_token(directory, "demo", "admin")}
        people = []
        with Store(directory, settings.load(directory)) as store:
            run = store.writer.run
            for person in sample.staff():
                people.append(_employ(store, person))
            text = "sht_" + secrets.token_urlsafe(32)
            run(lambda tx: staff.put_token(tx, "demo", "it", text))
            tokens["hub"] = text
            machines = [_enrol(store, *device) for device in DEVICES]
            _fill_shelves(store)
            _plan_floor(store)
        return State(STORE, {}, people, tokens, machines, {})

    def _fill_catalog(self, chosen: Ports) -> None:
        marker = self.directory / SAMPLE
        if marker.exists():
            return
        assert self._state is not None
        rows = sample.catalog_rows()
        url = f"http://127.0.0.1:{chosen.central}"
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            chunk = {"cause": f"sample:{start}", "lines": len(part), "rows": part}
            headoffice.import_catalog(url, self._state.tokens["central"], chunk)
        write(marker, "The sample assortment is at central.\n", 0o600)

    def _tell(self) -> None:
        """Write demo.json: after each start of a process its pids are others."""
        if self._state is not None:
            self._state.pids = {child.name: child.pid for child in self._supervisor.children}
            text = msgspec.json.format(msgspec.json.encode(self._state)).decode()
            write(self.directory / DEMO, text, 0o600)

    def _empty(self) -> None:
        for path in self.directory.iterdir():
            if path.name == "demo.lock":
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _doors(chosen: Ports) -> dict[str, str | int]:
    return {
        "http_port": chosen.http,
        "https_port": chosen.https,
        "mqtt_port": chosen.mqtt,
        "mqtts_port": chosen.mqtts,
        "central_url": f"http://127.0.0.1:{chosen.line}",
    }


def central_url(directory: Path) -> str:
    """Return where the demo's central answers; "" where no demo lies in `directory`."""
    known = _known(directory)
    return "" if known is None else known.urls["central"]


def central_token(directory: Path) -> str:
    """Return the demo's token of central's API; "" where no demo lies in `directory`."""
    known = _known(directory)
    return "" if known is None else known.tokens["central"]


def _known(directory: Path) -> State | None:
    with suppress(FileNotFoundError):
        return msgspec.json.decode((directory / DEMO).read_bytes(), type=State)
    return None


def _employ(store: Store, person: sample.Person) -> Person:
    """Give a person of the sample a PIN and a badge; one who works here gets new ones."""
    pin = pins.drawn()
    hashed, badge = pins.hashed(pin), staff.new_badge()

    def work(tx: Transaction) -> None:
        if staff_queries.member(tx.conn, person.staff_id) is None:
            staff.add(tx, person.staff_id, person.name, person.role)
        staff.set_pin(tx, person.staff_id, hashed)
        staff.set_badge(tx, person.staff_id, badge)

    store.writer.run(work)
    return Person(person.name, person.role, pin, person.staff_id, badge)


def _enrol(store: Store, device: str, kind: str, place: str) -> Credentials:
    secret = store.writer.run(lambda tx: fleet.enroll(tx, device, kind=kind, place=place))
    return Credentials(device, device, secret)


def _fill_shelves(store: Store) -> None:
    """Count the sample's stock, once: the cause of a count is its SKU."""

    def work(tx: Transaction) -> None:
        for row in sample.stock_rows():
            cause = f"import:sample:{row['sku']}"
            if not tx.knows(cause):
                stock.count(tx, row["sku"], row["qty"], since=None, actor="hub", cause=cause)

    store.writer.run(work)


def _plan_floor(store: Store) -> None:
    """Plan the sample's floor, once."""

    def work(tx: Transaction) -> None:
        for lines in sample.floor_plan():
            cause = f"import:sample:place-{lines[0]['place']}"
            if not tx.knows(cause):
                shelf.plan(tx, lines, actor="hub", cause=cause)
        for number, kind in sample.staging_kinds().items():
            cause = f"import:sample:staging-{number}"
            if not tx.knows(cause):
                staging.plan_shelf(tx, number, SHELF_ORDERS, kind, actor="hub", cause=cause)

    store.writer.run(work)


def _answers(port: int, path: str) -> Callable[[], bool]:
    def ready() -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
            return True
        return False

    return ready
