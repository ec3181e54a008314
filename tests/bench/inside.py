"""Figures of the spine without its doors: facts appended, and search on a large catalogue."""

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from hub import database
from hub.catalog import search, tables
from hub.clock import SystemClock
from hub.journal import Transaction
from hub.settings import Settings
from hub.stock.facts import StockMoved
from hub.store import Store
from tests.bench.figures import Row, middle, percentile, spread

ROUNDS = 3
FACTS = 30_000
TOGETHER = 20
PRODUCTS = 1_000_000


def append() -> list[Row]:
    """One writer, works of 20 facts as a receipt has, against executemany of the same bytes."""
    ours, theirs, one_each = [], [], []
    for number in range(ROUNDS):
        with tempfile.TemporaryDirectory() as directory:
            place = Path(directory)
            with Store(place, Settings()) as store:
                ours.append(append_round(store, number, TOGETHER))
                one_each.append(append_round(store, number + ROUNDS, 1))
                with store.database.reader() as reader:
                    rows = reader.execute("SELECT seq, entry, hash FROM journal").fetchall()
            theirs.append(bare_round(place / "bare.db", [tuple(row) for row in rows][:FACTS]))
    rate, bare, single = middle(ours), middle(theirs), middle(one_each)
    return [
        Row(
            f"facts appended with projections, {TOGETHER} an append", f"{rate:,.0f}/s",
            "≥ 30,000/s", rate >= 30_000,
            f"executemany of the same entries, 500 a commit, FULL: {bare:,.0f}/s",
            f"{rate / bare:.2f}",
            "Each fact is encoded, hashed and folded into the ledger's rows in Python.",
        ),
        Row(
            "facts appended with projections, 1 an append", f"{single:,.0f}/s",
            "", None, f"the same: {bare:,.0f}/s", f"{single / bare:.2f}",
        ),
    ]  # fmt: skip


def append_round(store: Store, number: int, together: int) -> float:
    moves = [
        StockMoved(
            sku=f"SKU-{n % 5000}", qty=1 + n % 9, source="supplier", target="available",
            kind="RECEIVE", ref=f"R-{number}-{n // together}",
        )
        for n in range(FACTS)
    ]  # fmt: skip

    def work(begin: int) -> Callable[[Transaction], Any]:
        facts = moves[begin : begin + together]
        cause = f"bench:{number}-{together}-{begin}"
        return lambda tx: tx.append(facts, cause=cause, actor="hub")

    began = time.perf_counter()
    waiting: list[Future[Any]] = [
        store.writer.submit(work(begin)) for begin in range(0, FACTS, together)
    ]
    for future in waiting:
        future.result()
    return FACTS / (time.perf_counter() - began)


def bare_round(path: Path, rows: list[tuple[Any, ...]]) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE journal (seq INTEGER PRIMARY KEY, entry BLOB, hash BLOB)")
    began = time.perf_counter()
    for begin in range(0, len(rows), 500):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO journal VALUES (?, ?, ?)", rows[begin : begin + 500])
        connection.execute("COMMIT")
    rate = len(rows) / (time.perf_counter() - began)
    connection.close()
    return rate


FIRST = (
    "organic fresh crunchy smoked light dark whole sweet salted spicy creamy roasted mild classic "
    "family mini royal alpine coastal rustic golden green red blue black white"
).split()
SECOND = (
    "milk bread butter cheese tea coffee chocolate juice soap rice pasta tomato apple banana "
    "yogurt honey biscuit water lemonade salad soup sauce cereal muesli nuts almonds olives "
    "shampoo detergent candle batteries napkins"
).split()
MAKERS = [f"{a}{b}" for a in ("nor", "sel", "vit", "bel", "mar", "tor", "lun") for b in
          ("dia", "ona", "eta", "ivo", "asa", "uma", "ello")]  # fmt: skip


def catalogue() -> list[Row]:
    chance = random.Random(4711)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        database.create(place / "hub.db", ()).close()
        connection = database.create(place / "replica.db", (tables.REPLICA,))
        began = time.perf_counter()
        for begin in range(0, PRODUCTS, 20_000):
            connection.execute("BEGIN IMMEDIATE")
            tables.upsert_many(
                connection, [product(n, chance) for n in range(begin, begin + 20_000)]
            )
            connection.execute("COMMIT")
        filled = time.perf_counter() - began
        connection.close()
        size = (place / "replica.db").stat().st_size / 2**20
        files = database.Database(place / "hub.db", place / "replica.db")
        right, wrong = [], []
        for n in range(600):
            text = query(n, chance)
            right.append(asked(files, text))
            wrong.append(asked(files, slip(text, chance)))
        files.close()
    return [
        Row("catalogue search, 1,000,000 products, right words", spread(right), "p99 ≤ 20 ms",
            percentile(right, 0.99) <= 20),
        Row("the same with one typing error", spread(wrong), "p99 ≤ 20 ms",
            percentile(wrong, 0.99) <= 20, why="A slip is looked for only where no word fits."),
        Row("1,000,000 products filled row by row from feed rows",
            f"{filled:.0f} s, {size:.0f} MiB", "(snapshot, a later issue: ≤ 60 s, 200 MiB)", None),
    ]  # fmt: skip


def product(n: int, chance: random.Random) -> dict[str, Any]:
    name = f"{chance.choice(FIRST)} {chance.choice(SECOND)} {chance.choice(MAKERS)} {n % 977} g"
    return {
        "kind": "product", "sku": f"P{n:07d}", "names": {"en": name},
        "brand": chance.choice(MAKERS), "category": "grocery", "unit": "piece",
        "popularity": chance.randrange(1000),
    }  # fmt: skip


def query(n: int, chance: random.Random) -> str:
    words = [chance.choice(FIRST), chance.choice(SECOND), chance.choice(MAKERS)]
    return (words[1], " ".join(words[:2]), words[1][:4], " ".join(words))[n % 4]


def slip(text: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(text))
    return text[:at] + chance.choice("aeinrst") + text[at + 1 :]


def asked(files: database.Database, text: str) -> float:
    began = time.perf_counter()
    with files.reader() as reader:
        search.search(reader, text, 20, at=SystemClock().now())
    return (time.perf_counter() - began) * 1000
