"""Makes a catalogue of any size with words as uneven as real ones, and measures its search.

    python tests/hub/catalog/million.py [rows] [file to keep]

Not a test: it prints figures (docs/import.md and the decisions page quote them).
"""

import bisect
import itertools
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlite_utils

from hub import gs1
from hub.catalog import search, tables

_ONSETS = ["b", "ch", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "sch", "t", "v", "w", "z"]
_CORES = ["a", "e", "i", "o", "u", "ei", "au", "oo", "ea"]
_CODAS = ["", "", "l", "n", "r", "s", "ck", "nd", "rt", "m"]


class Words:
    """A vocabulary drawn from by Zipf's law."""

    def __init__(self, size: int, seed: int) -> None:
        pick = random.Random(seed)
        made: dict[str, None] = {}
        while len(made) < size:
            parts = [
                pick.choice(_ONSETS) + pick.choice(_CORES) + pick.choice(_CODAS)
                for _ in range(pick.choice((1, 2, 2, 3, 3, 4)))
            ]
            made["".join(parts)] = None
        self.words = list(made)
        self._steps = list(itertools.accumulate(1 / (rank + 8) for rank in range(size)))

    def draw(self, pick: random.Random) -> str:
        at = bisect.bisect(self._steps, pick.random() * self._steps[-1])
        return self.words[min(at, len(self.words) - 1)]


def feed(count: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Yield products (named in two languages), barcodes and prices."""
    pick = random.Random(seed)
    vocabularies = {"en": Words(200_000, 1), "de": Words(200_000, 2)}
    brands = Words(20_000, 3)
    sizes = ["250 g", "500 g", "1 kg", "1 l", "330 ml", "6 x 1 l", "XL", "M", "red", "blue"]
    for number in range(count):
        sku = f"SKU-{number:07d}"
        brand = brands.draw(pick).title()
        names = {
            lang: " ".join(
                [brand, *(known.draw(pick) for _ in range(pick.randint(2, 5))), pick.choice(sizes)]
            )
            for lang, known in vocabularies.items()
        }
        digits = f"952{number:09d}"
        yield {
            "kind": "product",
            "sku": sku,
            "names": names,
            "brand": brand,
            "category": f"category{number % 40}",
            "popularity": int(1000 / (1 + pick.random() * 200)),
        }
        yield {"kind": "barcode", "gtin": digits + gs1.check_digit(digits), "sku": sku}
        yield {
            "kind": "price",
            "sku": sku,
            "amount_minor": pick.randint(19, 9999),
            "currency": "EUR",
            "tax_rate_bp": 1900,
        }


def load(path: Path, count: int) -> float:
    """Fill `path` in feed pages of 1,000 rows; return the seconds."""
    connection = _writer(path)
    started = time.perf_counter()
    rows = feed(count)
    while page := list(itertools.islice(rows, 1000)):
        connection.execute("BEGIN IMMEDIATE")
        refused = tables.upsert_many(connection, page)
        assert not refused, refused
        connection.execute("COMMIT")
    connection.close()
    return time.perf_counter() - started


def _writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    tables.REPLICA.apply(sqlite_utils.Database(connection, execute_plugins=False))
    return connection


def typed(count: int, seed: int) -> list[tuple[str, str]]:
    """Queries as people type them: beginnings, whole words, slips, codes."""
    pick = random.Random(seed)
    known = Words(200_000, 1)
    queries = []
    for _ in range(count):
        word, other = known.draw(pick), known.draw(pick)
        at = pick.randrange(len(word))
        slip = word[:at] + pick.choice("abcdefghiklmnoprstuwz") + word[at + 1 :]
        queries += [
            ("one letter", word[0]),
            ("two letters", word[:2]),
            ("beginning", word[: pick.randint(3, 6)]),
            ("word", word),
            ("two words", f"{word} {other[: pick.randint(1, 4)]}"),
            ("slip", slip),
            ("slip in two words", f"{other} {slip}"),
            ("inside", word[1:] if len(word) > 5 else word),
            ("code", f"0952{pick.randrange(10**6):09d}"[: pick.randint(8, 13)]),
            ("sku", f"SKU-{pick.randrange(10**6):07d}"[: pick.randint(5, 11)]),
        ]
    return queries


Spent = dict[str, list[tuple[float, float]]]


def measure(path: Path, count: int, seed: int) -> Spent:
    """Time searches by kind on one read-only connection: (elapsed, of which CPU) milliseconds.

    On a machine that does other things too, the CPU's share is what can be compared.
    """
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    spent: Spent = {}
    for kind, query in typed(count, seed):
        started, worked = time.perf_counter(), time.thread_time()
        search.search(reader, query)
        elapsed, cpu = time.perf_counter() - started, time.thread_time() - worked
        spent.setdefault(kind, []).append((elapsed * 1000, cpu * 1000))
    reader.close()
    return spent


def write_on(path: Path, rows: Iterator[dict[str, Any]], stop: threading.Event) -> None:
    """Change 20 products a second while others search."""
    connection = _writer(path)
    while not stop.wait(0.05):
        connection.execute("BEGIN IMMEDIATE")
        tables.upsert_many(connection, list(itertools.islice(rows, 3)))
        connection.execute("COMMIT")
    connection.close()


def report(title: str, spent: Spent) -> None:
    print(title)
    everything = [one for times in spent.values() for one in times]
    for kind, times in [*spent.items(), ("ALL", everything)]:
        elapsed, cpu = (sorted(column) for column in zip(*times, strict=True))
        print(
            f"  {kind:18} n {len(times):6}  p50 {middle(elapsed):6.2f}  p99 {late(elapsed):6.2f} ms"
            f"  CPU p50 {middle(cpu):6.2f}  p99 {late(cpu):6.2f} ms"
        )


def middle(ordered: list[float]) -> float:
    return ordered[len(ordered) // 2]


def late(ordered: list[float]) -> float:
    return ordered[int(len(ordered) * 0.99)]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    given = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder:
        path = given or Path(folder) / "replica.db"
        if not path.exists():
            print(f"load: {load(path, count):.1f} s, {path.stat().st_size / 2**20:.0f} MiB")
        report("quiet", measure(path, 300, 1))
        stop = threading.Event()
        changes = feed(10**9, seed=99)
        next(changes)
        other = threading.Thread(target=write_on, args=(path, changes, stop))
        other.start()
        report("while another thread writes", measure(path, 300, 2))
        stop.set()
        other.join()
        if given is None:
            connection = _writer(path)
            started = time.perf_counter()
            tables.tidy(connection)
            print(f"tidy: {time.perf_counter() - started:.1f} s")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            report("after tidy", measure(path, 300, 3))


if __name__ == "__main__":
    main()
