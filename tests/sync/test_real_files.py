"""Worlds on real SQLite and real sockets: backups, old centrals and cuts, drawn from a seed."""

import os
import random
import shutil
from pathlib import Path

import pytest

from hub import database, journal
from hub.pickup import queries as pickup
from sync.compare import compare
from tests.sync.pair import STORE, Both, StoreSide, until

SEEDS = range(4)
MANY = range(4, 4 + int(os.environ.get("REAL_SEEDS", "60")))


class Files:
    """One store and its central on disk; what each was told to keep."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.directory = directory
        self.rng = random.Random(seed)
        self.both = Both(directory)
        self.both.hub.agent.start()
        self.acked: set[str] = set()
        self.lost: set[str] = set()
        self.images: list[Path] = []
        self.copies: list[Path] = []
        self.n = 0

    def sell(self) -> None:
        for _ in range(self.rng.randint(1, 6)):
            self.n += 1
            cause = f"till:{self.n}"
            self.both.hub.receive(f"S{self.n % 5}", self.rng.randint(1, 4), cause)
            self.acked.add(cause)

    def order(self) -> None:
        self.n += 1
        self.both.central.place(f"R-{self.n}", {f"S{self.n % 5}": 1})

    def cut(self) -> None:
        self.both.line.down()

    def join(self) -> None:
        self.both.line.up()

    def wait(self) -> None:
        self.both.line.up()
        self.both.in_step()

    def image(self) -> None:
        target = self.directory / f"image-{len(self.images)}"
        target.mkdir()
        for name in ("hub.db", "replica.db"):
            database.copy(self.hub_directory() / name, target / name)
        self.images.append(target)

    def hub_directory(self) -> Path:
        return self.both.hub.store.directory

    def restore(self) -> None:
        if self.images:
            self.both.hub.close()
            self.n += 1
            target = self.directory / f"hub-{self.n}"
            shutil.copytree(self.rng.choice(self.images), target)
            url = f"http://127.0.0.1:{self.both.line.address[1]}"
            self.both.hub = StoreSide(target, url, self.both.central.credential)
            self.count_losses()
            self.sell()
            self.both.hub.agent.start()

    def copy_central(self) -> None:
        target = self.directory / f"central-{len(self.copies)}.db"
        database.copy(self.office() / "central.db", target)
        self.copies.append(target)

    def office(self) -> Path:
        return self.directory / "head-office" / "central"

    def fail_over(self) -> None:
        if self.copies:
            self.both.central.stop()
            for old in self.office().glob("central.db-*"):
                old.unlink()
            shutil.copy(self.rng.choice(self.copies), self.office() / "central.db")
            self.both.central.serve()
            self.both.line.target = ("127.0.0.1", self.both.central.port)
            self.count_losses()

    def count_losses(self) -> None:
        self.lost |= self.acked - set(self.here()) - set(self.there())

    def here(self) -> list[str]:
        return self.both.hub.read(lambda conn: _causes(conn, "journal ORDER BY seq"))

    def there(self) -> list[str]:
        with self.both.central.running.inventory.store.reader() as conn:
            return _causes(conn, "journal ORDER BY seq")

    def play(self) -> None:
        steps = [self.sell, self.sell, self.order, self.cut, self.join, self.wait, self.image,
                 self.copy_central, self.restore, self.fail_over]  # fmt: skip
        for _ in range(self.rng.randint(8, 16)):
            self.rng.choice(steps)()

    def check(self) -> None:
        both = self.both
        both.line.up()
        until(lambda: self._settled(), "hub and central have one history")
        assert self.here() == self.there()
        causes = [cause for cause in self.here() if cause.startswith("till:")]
        assert len(causes) == len(set(causes))
        assert self.acked - self.lost <= set(causes)
        assert both.hub.read(journal.verify) == both.hub.head()
        assert compare(both.hub.store.read, both.central.url, STORE, both.central.credential) == []

    def _settled(self) -> bool:
        both = self.both
        both.hub.agent.nudge()
        with both.central.running.inventory.store.reader() as conn:
            placed = [row["order_id"] for row in conn.execute("SELECT order_id FROM placed")]
        # First: an order that is still to come would be a fact more.
        arrived = all(both.hub.read(pickup.find, order_id) for order_id in placed)
        agreed = arrived and both.central.head() == both.hub.head()
        return agreed and both.hub.agent.state()["state"] == "online"


def _causes(conn, what: str) -> list[str]:  # type: ignore[no-untyped-def]
    rows = conn.execute(f"SELECT json_extract(CAST(entry AS TEXT), '$.cause') FROM {what}")
    return [row[0] for row in rows]


def play(directory: Path, seed: int) -> None:
    files = Files(directory, seed)
    try:
        files.play()
        files.check()
    finally:
        files.both.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_was_put_back_both_ends_agree_again(tmp_path: Path, seed: int) -> None:
    play(tmp_path, seed)


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_many_worlds_on_real_files(tmp_path: Path, seed: int) -> None:
    play(tmp_path, seed)
