"""Brings the floor to life: every person and thing is a generator that says when it goes on.

It must never stop because a door is closed: who meets one comes back a little later.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import IO, Final
from urllib.parse import urlsplit

import msgspec

from devices.client import Account, DeviceClient
from devices.lamp import Shown, lamp
from devices.printing import sample
from devices.simulator import people, things, visitors
from devices.simulator.api import Api, Away
from devices.simulator.goods import Goods
from devices.simulator.people import Life, World
from devices.simulator.recording import Recorder, Tape, play
from devices.simulator.things import Unit
from devices.simulator.truth import furnished
from devices.simulator.visitors import Way
from hub.errors import Unavailable

Begin = Callable[[], Life]

log = logging.getLogger(__name__)

# The scanner that is yours: no simulated person carries it.
YOURS: Final = "scanner-2"
PRINTER: Final = "printer"
# Accounts of the devices of a whole store, beside those of the sample: DIR/simulated/ID.json.
MORE: Final = "simulated"
BACK_S: Final = 5.0
DRAIN_S: Final = 60.0
# So many shoppers walk about for each till.
VISITORS: Final = 2
# A life that asks for no pause gets one, of the store's time: nobody acts twice in one instant.
SHORTEST_S: Final = 0.001


class _Person(msgspec.Struct):
    name: str
    role: str
    badge: str = ""


class _Device(msgspec.Struct):
    id: str
    username: str
    password: str


class _Demo(msgspec.Struct):
    """What the simulation needs of `demo.json`."""

    store: str
    urls: dict[str, str]
    staff: list[_Person]
    tokens: dict[str, str]
    devices: list[_Device]


def run(
    directory: Path,
    *,
    speed: float,
    stop: threading.Event,
    seed: int = 1,
    whole: bool = False,
    record: IO[bytes] | None = None,
) -> None:
    """Live on the floor of the demo in `directory` until `stop` is set.

    `whole`: a whole store's trouble too: lost links, people who are late or wrong. What all
    devices say is written to `record`.
    """
    demo = msgspec.json.decode((directory / "demo.json").read_bytes(), type=_Demo)
    world = _world(demo, seed)
    if not _learned(world, stop):
        return
    tape = None if record is None else Tape(record)
    with _clients(demo, directory / "devices", world, stop) as clients:
        units: dict[str, Unit] = dict(clients)
        if tape is not None:
            units = {name: Recorder(name, one, tape) for name, one in clients.items()}
        _live(list(_lives(demo, world, units, seed, whole)), speed, stop, tape)


def replay(directory: Path, file: Path, *, speed: float, stop: threading.Event) -> tuple[int, int]:
    """Let the devices of the demo in `directory` say again what `file` holds; return how much was
    said, and how much was left out because its device is not here.
    """
    demo = msgspec.json.decode((directory / "demo.json").read_bytes(), type=_Demo)
    world = _world(demo, 0)
    with _clients(demo, directory / "devices", world, stop) as clients:
        told = play(file, clients, speed, stop)
        for client in clients.values():
            client.drained(DRAIN_S)
    return told


def _world(demo: _Demo, seed: int) -> World:
    return World(
        demo.store,
        Api(demo.urls["hub"], demo.tokens["hub"]),
        Api(demo.urls["central"], demo.tokens["central"]),
        Goods(),
        Random(seed),
        {},
        set(),
    )


def _learned(world: World, stop: threading.Event) -> bool:
    """Wait until the catalogue has reached the hub; False when told to stop."""
    while not world.goods.all:
        try:
            world.goods.learn(world.hub)
        except Away as why:
            log.debug("%s", why)
        if not world.goods.all and stop.wait(1.0):
            return False
    return True


@contextmanager
def _clients(
    demo: _Demo, directory: Path, world: World, stop: threading.Event
) -> Iterator[dict[str, DeviceClient]]:
    address = urlsplit(demo.urls["mqtt"])
    host, port = address.hostname or "127.0.0.1", address.port or 1883
    clients: dict[str, DeviceClient] = {}
    printers: list[threading.Thread] = []

    def answered(name: str, status: str, reason: str | None) -> None:
        if len(world.answers) > 1000:
            world.answers.clear()
        world.answers[name] = (status, reason)

    accounts = [
        Account(demo.store, one.id, host, port, one.username, one.password) for one in demo.devices
    ]
    # Those that `storehub simulate --whole` let in beside the sample's.
    more = sorted((directory.parent / MORE).glob("*.json"))
    accounts += [Account.load(file) for file in more]
    for account in accounts:
        if account.device.startswith(PRINTER):
            # It prints on its own: the real printer's side before a printer made of software.
            printers.append(
                threading.Thread(target=sample.run, args=(account, directory.parent, stop))
            )
        elif account.device != YOURS:
            heard = answered if account.device.startswith("scanner") else None
            obeys = lamp(partial(_show, account.device)) if _is_lamp(account.device) else None
            clients[account.device] = DeviceClient(
                account, directory, on_ack=heard, on_command=obeys
            )
    for client in clients.values():
        client.start()
    for printer in printers:
        printer.start()
    try:
        yield clients
    finally:
        stop.set()
        for client in clients.values():
            client.stop()
        for printer in printers:
            printer.join()


def _is_lamp(device: str) -> bool:
    return device.partition("-")[0] == "alert"


def _show(device: str, shown: Shown) -> None:
    """The lamp of software lights up in the log, where a person sees it."""
    if shown.state == "on":
        log.warning("%s: on, nobody picks %s", device, ", ".join(shown.orders))
    else:
        log.warning("%s: off", device)


def _lives(
    demo: _Demo, world: World, units: Mapping[str, Unit], seed: int, whole: bool
) -> Iterator[Begin]:
    """Everybody has dice of their own: what one does changes nobody else's day."""

    def own(name: str) -> World:
        return replace(world, random=Random(f"{seed}/{name}"))

    def some(kind: str) -> list[str]:
        return sorted(name for name in units if name.partition("-")[0] == kind)

    truth = furnished(some("shelf"), world.goods.all, Random(f"{seed}/shelves"))
    way = Way(truth, [units[one] for one in some("till")], [units[one] for one in some("kiosk")])
    for life in (people.shopper, people.customers, people.van):
        yield partial(life, own(life.__name__))
    yield partial(visitors.stocker, own("stocker"), truth)
    for n in range(max(1, VISITORS * len(way.tills))):
        yield partial(visitors.visitor, own(f"visitor-{n}"), way)
    badges = [one.badge for one in demo.staff if one.role == "associate" and one.badge]
    habits = people.HUMAN if whole else people.CAREFUL
    for n, name in enumerate(some("scanner") if badges else []):
        badge = badges[n % len(badges)]
        yield partial(people.associate, own(name), units[name], badge, habits)
    for name in sorted(truth.shelves.keys() & units.keys()):
        yield partial(things.shelf, own(name), units[name], truth, name)
        yield partial(visitors.teacher, own(f"teacher-{name}"), truth, name)
    for name in some("door"):
        yield partial(things.door, own(name), units[name], truth)
    for name, unit in sorted(units.items()):
        yield partial(things.pulse, own(f"pulse-{name}"), unit)
        if whole:
            yield partial(things.link, own(f"link-{name}"), unit)


def _live(
    begins: list[Begin], speed: float, stop: threading.Event, tape: Tape | None = None
) -> None:
    """Let all lives go on in the order of the store's time, which runs `speed` times as fast."""
    lives = [begin() for begin in begins]
    due = [(0.0, n) for n in range(len(lives))]
    heapq.heapify(due)
    began = time.monotonic()
    while not stop.is_set():
        at, n = due[0]
        if stop.wait(max(0.0, began + at / speed - time.monotonic())):
            return
        if tape is not None:
            tape.now_s = at
        try:
            delay = next(lives[n])
        except Away as why:
            log.debug("%s", why)
            # A life that met a closed door begins again; what it had in hand the world knows.
            lives[n], delay = begins[n](), BACK_S * speed
        except Unavailable as full:
            log.warning("%s", full.sentence)
            lives[n], delay = begins[n](), BACK_S * speed
        heapq.heapreplace(due, (at + max(SHORTEST_S, delay), n))
