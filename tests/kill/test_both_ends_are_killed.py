"""Hub and central on real files are killed at drawn places: nothing is lost, nothing is doubled.

A seed draws where each life ends; what the processes do meanwhile is theirs, so a seed that fails
names a plan, not a replay.
"""

import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from hub import database, journal
from hub.stock import queries as stock
from hub.store import facts
from sync.compare import compare
from tests.floor import free_ports
from tests.kill.ends import (
    ANY,
    BROKEN,
    CENTRAL,
    FORKS,
    HUB,
    REBASE,
    Death,
    central_end,
    hub_end,
    noted,
)
from tests.sync.pair import STORE, Central, StoreSide, order_body, until

pytestmark = [pytest.mark.slow, pytest.mark.kill]
LIVES = 3
# A world costs about 2.3 s of a core; the others are the soak's.
SEEDS = range(10, 20)
MANY = int(os.environ.get("KILLED_SEEDS", "200"))
# A place that is not passed by then will not be: its life ends all the same (s).
PATIENCE_S = 20.0


class End:
    """One end: its lives one after the other, and where each of them is to end."""

    def __init__(self, deaths: list[Death], begin: Callable[[Death | None, Any], Any]) -> None:
        self.deaths, self._begin = deaths, begin
        self.life: Any = None
        self.start()

    def start(self) -> None:
        self.death = self.deaths.pop(0) if self.deaths else None
        listening, self.told = Pipe(duplex=False)
        self.life = self._begin(self.death, listening)
        listening.close()
        at_any = self.death is not None and self.death.place == ANY
        wait = self.death.passing / 50 if self.death and at_any else PATIENCE_S
        self._end_at = time.monotonic() + wait

    def over(self) -> bool:
        """Has this life ended? One that is to end at any moment is ended here."""
        if self.death is not None and self.life.is_alive() and time.monotonic() > self._end_at:
            self.life.kill()
            self.life.join()
        return not self.life.is_alive()

    def bury(self) -> None:
        self.life.kill()
        self.life.join()
        self.told.close()


class World:
    """A hub's and a central's files, who runs on them, and what people were told."""

    def __init__(self, first: Path, directory: Path, seed: int, broken: str | None = None) -> None:
        shutil.copytree(first, directory)
        self.directory, self.broken = directory, broken
        self.hub_files, self.office = directory / "hub", directory / "head-office"
        self.credential, self.token = (directory / "secrets").read_text().split()
        self.rng = random.Random(seed)
        self.port = free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.web = requests.Session()
        self.web.headers["Authorization"] = f"Bearer {self.token}"
        self.kills = 0
        self.lost: set[str] = set()
        self.placed: list[str] = []
        self.central = End(self.plan(CENTRAL, seed), self.open_central)
        self.hub = End(self.plan(HUB, seed), self.open_hub)

    def plan(self, places: tuple[str, ...], seed: int) -> list[Death]:
        """Go through the places from seed to seed, so that each has its share."""
        turn = [places[(seed * LIVES + life) % len(places)] for life in range(LIVES)]
        # A rebase needs a life before it, which told central something.
        turn.sort(key=lambda place: place == REBASE)
        return [Death(place, 1 if place == REBASE else self.rng.randint(1, 6)) for place in turn]

    def open_central(self, death: Death | None, told: Any) -> Any:
        life = FORKS.Process(
            target=central_end, args=(self.office, self.port, death, told), daemon=True
        )
        life.start()
        return life

    def open_hub(self, death: Death | None, told: Any) -> Any:
        if death is not None and death.place == REBASE:
            self.put_back(told)
        return self.begin_hub(death, told)

    def begin_hub(self, death: Death | None, told: Any) -> Any:
        given = (self.hub_files, self.url, self.credential, death, told, self.broken)
        life = FORKS.Process(target=hub_end, args=given, daemon=True)
        life.start()
        return life

    def put_back(self, told: Any) -> None:
        """The card died: the hub begins again with the image of its first day."""
        before = self.begin_hub(None, told)
        until(lambda: self.tend(self.central) or self.there(), "central has what the image has not")
        before.kill()
        before.join()
        self.kills += 1
        acked = set(noted(self.directory / "acked"))
        self.lost |= acked - self.causes(self.there())
        shutil.rmtree(self.hub_files)
        shutil.copytree(self.directory / "first-day", self.hub_files)

    def tend(self, end: End) -> None:
        """Begin the next life of an end that died."""
        if end.over():
            assert end.life.exitcode == -9, f"it ended by itself: {end.life.exitcode}"
            self.kills += 1
            end.bury()
            end.start()

    def play(self) -> None:
        waiting = ""
        while True:
            self.tend(self.central)
            self.tend(self.hub)
            if self.central.death is None and self.hub.death is None:
                return
            waiting = waiting or f"R-{len(self.placed)}"
            if self.place(waiting):
                self.placed.append(waiting)
                waiting = ""
            time.sleep(0.01)

    def place(self, order_id: str) -> bool:
        """Order once, with the same key until central answers."""
        body = order_body(order_id, {"S0": 1})
        key = {"Idempotency-Key": order_id}
        try:
            answer = self.web.post(f"{self.url}/api/v1/orders", json=body, headers=key, timeout=10)
        except requests.RequestException:
            return False
        assert answer.status_code in (201, 429, 503), answer.text
        return answer.status_code == 201

    def check(self) -> None:
        self.hub.told.send("rest")
        agree = "what was meant is acknowledged, and both ends have one history and all orders"
        until(self.rests, agree, 60 if self.broken is None else 20)
        here, there = self.here(), self.there()
        assert here == there, "the same bytes"
        meant = noted(self.directory / "meant")
        tills = Counter(one["cause"] for one in map(msgspec.json.decode, here))
        assert set(meant) - self.lost <= set(tills), "a sale is lost"
        for cause in meant:
            wanted = 1 + int(cause.removeprefix("till:")) % 3
            assert tills[cause] in ((0, wanted) if cause in self.lost else (wanted,)), cause
        with self.hub_reader() as conn:
            orders = [row[0] for row in conn.execute("SELECT order_id FROM pickup_order")]
            assert set(self.placed) <= set(orders), "an order is lost"
            assert journal.verify(conn).seq == len(here)
            assert stock.verify(conn, facts().facts(conn)) == []
            found = compare(lambda query: query(conn), self.url, STORE, self.credential)
            assert found == []

    def rests(self) -> bool:
        """Nothing more is to come: all that was meant is acknowledged, all orders are there."""
        if set(noted(self.directory / "acked")) != set(noted(self.directory / "meant")):
            return False
        with self.hub_reader() as conn:
            head = journal.head(conn)
            orders = conn.execute("SELECT count(*) FROM pickup_order").fetchone()[0]
        with self.office_reader() as conn:
            theirs = conn.execute("SELECT seq, hash FROM journal ORDER BY seq DESC").fetchone()
        agreed = theirs and (theirs["seq"], bytes(theirs["hash"]).hex()) == (head.seq, head.hash)
        return bool(agreed and orders >= len(self.placed))

    def hub_reader(self) -> Any:
        return _Reader(self.hub_files / "hub.db", self.hub_files / "replica.db")

    def here(self) -> list[bytes]:
        with self.hub_reader() as conn:
            return [content for _, content in journal.entries(conn, 0, 10**6)]

    def office_reader(self) -> Any:
        return _Reader(self.office / "central" / "central.db")

    def there(self) -> list[bytes]:
        with self.office_reader() as conn:
            rows = conn.execute("SELECT entry FROM journal ORDER BY seq")
            return [bytes(row[0]) for row in rows]

    def causes(self, contents: list[bytes]) -> set[str]:
        return {msgspec.json.decode(one)["cause"] for one in contents}

    def close(self) -> None:
        self.web.close()
        self.hub.bury()
        self.central.bury()

    def deaths(self) -> Counter[str]:
        """Where lives ended, as they noted it themselves; the others ended at any moment."""
        places = Counter(noted(self.directory / "deaths"))
        places[ANY] = self.kills - places.total()
        return places


class _Reader:
    """One view of a file that another process writes."""

    def __init__(self, *files: Path) -> None:
        self._files = files

    def __enter__(self) -> Any:
        self._conn = database.open_reader(*self._files)
        return self._conn

    def __exit__(self, *_: object) -> None:
        self._conn.close()


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store and its central before their first day."""
    directory = tmp_path_factory.mktemp("first") / "world"
    central = Central(directory / "head-office")
    StoreSide(directory / "hub", central.url, central.credential).close()
    central.stop()
    (directory / "secrets").write_text(f"{central.credential} {central.token}")
    shutil.copytree(directory / "hub", directory / "first-day")
    return directory


def live(first: Path, directory: Path, seed: int, broken: str | None = None) -> Counter[str]:
    world = World(first, directory, seed, broken)
    try:
        world.play()
        world.check()
        return world.deaths()
    finally:
        world.close()


def many(first: Path, directory: Path, seeds: range) -> Counter[str]:
    places: Counter[str] = Counter()
    for seed in seeds:
        places += live(first, directory / str(seed), seed)
    print(f"\n{len(seeds)} worlds, {places.total()} kills:", *places.most_common(), sep="\n  ")
    return places


@pytest.mark.timeout(600)
def test_wherever_both_ends_are_killed_nothing_is_lost_or_doubled(
    first: Path, tmp_path: Path
) -> None:
    places = many(first, tmp_path, SEEDS)
    assert places.total() >= len(SEEDS) * 2 * LIVES
    assert set(places) >= {*HUB, *CENTRAL}, "each place is one where somebody died"


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_hub_is_noticed(first: Path, tmp_path: Path, broken: str) -> None:
    seeds = iter(range(30))
    with pytest.raises(AssertionError, match=r"is lost|not within"):
        while True:
            live(first, tmp_path / str(seed := next(seeds)), seed, broken)
    print(f"\n{broken}: noticed with seed {seed}")


@pytest.mark.soak
@pytest.mark.timeout(MANY * 60)
def test_many_more_worlds_are_killed(first: Path, tmp_path: Path) -> None:
    many(first, tmp_path, range(SEEDS.stop, SEEDS.stop + MANY))
