"""Brings the floor to life: every person and thing is a generator that says when it goes on.

It must never stop because a door is closed: who meets one comes back a little later.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import urlsplit

import msgspec

from devices.client import Account, DeviceClient
from devices.printing import sample
from devices.simulator import people, things
from devices.simulator.api import Api, Away
from devices.simulator.goods import Goods
from devices.simulator.people import Life, World

Begin = Callable[[], Life]

log = logging.getLogger(__name__)

# The scanner that is yours: no simulated person carries it.
YOURS: Final = "scanner-2"
PRINTER: Final = "printer"
BACK_S: Final = 5.0
# However fast the store runs, a device breathes between two messages.
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


def run(directory: Path, *, speed: float, stop: threading.Event, seed: int = 1) -> None:
    """Live on the floor of the demo in `directory` until `stop` is set."""
    demo = msgspec.json.decode((directory / "demo.json").read_bytes(), type=_Demo)
    world = World(
        demo.store,
        Api(demo.urls["hub"], demo.tokens["hub"]),
        Api(demo.urls["central"], demo.tokens["central"]),
        Goods(),
        Random(seed),
        {},
        set(),
    )
    if not _learned(world, stop):
        return
    with _clients(demo, directory / "devices", world, stop) as clients:
        _live(list(_lives(demo, world, clients, seed)), speed, stop)


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

    for one in demo.devices:
        account = Account(demo.store, one.id, host, port, one.username, one.password)
        if one.id.startswith(PRINTER):
            # It prints on its own: the real printer's side before a printer made of software.
            printers.append(
                threading.Thread(target=sample.run, args=(account, directory.parent, stop))
            )
        elif one.id != YOURS:
            heard = answered if one.id.startswith("scanner") else None
            clients[one.id] = DeviceClient(account, directory, on_ack=heard)
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


def _lives(
    demo: _Demo, world: World, clients: dict[str, DeviceClient], seed: int
) -> Iterator[Begin]:
    yield partial(people.shopper, world)
    yield partial(people.customers, world)
    yield partial(people.van, world)
    badges = [one.badge for one in demo.staff if one.role == "associate" and one.badge]
    for n, (name, client) in enumerate(clients.items()):
        yield partial(things.pulse, client, seed + n)
        match name.partition("-")[0]:
            case "scanner" if badges:
                yield partial(people.associate, world, client, badges[n % len(badges)])
            case "till":
                yield partial(things.till, world, client)
            case "shelf":
                yield partial(things.shelf, world, client, seed + n)
            case "kiosk":
                yield partial(things.kiosk, world, client)


def _live(begins: list[Begin], speed: float, stop: threading.Event) -> None:
    lives = [begin() for begin in begins]
    now = time.monotonic()
    due = [(now, n) for n in range(len(lives))]
    while not stop.is_set():
        at, n = due[0]
        if stop.wait(max(0.0, at - time.monotonic())):
            return
        try:
            delay = next(lives[n])
        except Away as why:
            log.debug("%s", why)
            # A life that met a closed door begins again; what it had in hand the world knows.
            lives[n], delay = begins[n](), BACK_S
        heapq.heapreplace(due, (time.monotonic() + max(SHORTEST_S, delay / speed), n))
