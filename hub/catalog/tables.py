"""The catalogue's tables in replica.db and the one way in which feed rows get into them.

It must never be written by anything but the replica's own writer, never commit, and never stop
at a row that it can't read: it says why and goes on.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.catalog import rows, words
from hub.catalog.rows import BarcodeRow, PickupKeyRow, PriceRow, ProductRow, SupplyRow
from hub.database import TableClass
from hub.errors import Invalid

REPLICA: Final = Migrations("catalog")
TABLES: Final[dict[str, TableClass]] = {
    "product": "replica",
    "product_care": "replica",
    "product_search": "replica",
    "word": "replica",
    "word_part": "replica",
    "external_id": "replica",
    "barcode": "replica",
    "price": "replica",
    "pickup_key": "replica",
    "supply": "replica",
}

# A product's id carries its rank, because FTS5 answers in the order of ids without sorting:
# popular tiers first, then in the order of arrival.
_TIERS: Final = 31
_TIER_BITS: Final = 40
# Where `_columns` keeps them.
_EXTERNAL_IDS: Final = 7

_SCHEMA: Final = (
    """CREATE TABLE product (
        id INTEGER PRIMARY KEY,
        sku TEXT NOT NULL UNIQUE,
        names TEXT NOT NULL,
        descriptions TEXT NOT NULL,
        brand TEXT,
        category TEXT,
        unit TEXT NOT NULL,
        image TEXT,
        popularity INTEGER NOT NULL,
        external_ids TEXT NOT NULL,
        words TEXT NOT NULL
    )""",
    # The words are folded and cut by hub.catalog.words; `ascii` only splits at the spaces.
    # Nothing here asks where a word stands, so detail=none keeps the index a third of the size.
    """CREATE VIRTUAL TABLE product_search USING fts5(
        words, content='product', content_rowid='id', tokenize='ascii',
        prefix='1 2 3 4 5', detail=none, columnsize=0
    )""",
    "CREATE TABLE word (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE, uses INTEGER NOT NULL)",
    """CREATE VIRTUAL TABLE word_part USING fts5(
        word, content='word', content_rowid='id', tokenize='trigram', columnsize=0
    )""",
    """CREATE TRIGGER word_added AFTER INSERT ON word BEGIN
        INSERT INTO word_part (rowid, word) VALUES (new.id, new.word);
    END""",
    """CREATE TRIGGER word_gone AFTER DELETE ON word BEGIN
        INSERT INTO word_part (word_part, rowid, word) VALUES ('delete', old.id, old.word);
    END""",
    """CREATE TABLE external_id (
        value TEXT NOT NULL, system TEXT NOT NULL, sku TEXT NOT NULL,
        PRIMARY KEY (value, system, sku)
    ) WITHOUT ROWID""",
    "CREATE TABLE barcode (gtin TEXT PRIMARY KEY, sku TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX barcode_sku ON barcode (sku)",
    """CREATE TABLE price (
        sku TEXT NOT NULL,
        valid_from TEXT NOT NULL,
        valid_until TEXT,
        amount_minor INTEGER NOT NULL,
        currency TEXT NOT NULL,
        tax_rate_bp INTEGER NOT NULL,
        tax_included INTEGER NOT NULL,
        per_qty INTEGER NOT NULL,
        PRIMARY KEY (sku, valid_from)
    ) WITHOUT ROWID""",
    "CREATE TABLE pickup_key (key_id TEXT PRIMARY KEY, public_key TEXT NOT NULL) WITHOUT ROWID",
)


@REPLICA()
def m001_catalog(db: sqlite_utils.Database) -> None:
    """Products with their search, barcodes, prices and the keys of pickup codes."""
    for statement in _SCHEMA:
        db.execute(statement)


@REPLICA()
def m002_supply(db: sqlite_utils.Database) -> None:
    """Whether the distribution centre has units of a SKU, by central's word."""
    db.execute("CREATE TABLE supply (sku TEXT PRIMARY KEY, word TEXT NOT NULL) WITHOUT ROWID")


@REPLICA()
def m003_care(db: sqlite_utils.Database) -> None:
    """How goods are kept and who may have them. A table of its own: release N−1 writes products."""
    db.execute(
        "CREATE TABLE product_care (sku TEXT PRIMARY KEY, storage TEXT NOT NULL,"
        " age_min INTEGER NOT NULL) WITHOUT ROWID"
    )


def upsert(connection: sqlite3.Connection, row: Mapping[str, Any]) -> str | None:
    """Apply one feed row; return None, or the sentence why it can't be applied."""
    refused = upsert_many(connection, (row,))
    return refused[0][1] if refused else None


def upsert_many(
    connection: sqlite3.Connection, feed: Iterable[Mapping[str, Any]]
) -> list[tuple[int, str]]:
    """Apply feed rows in the caller's transaction; the last row of a key wins.

    Returns (index, sentence) of each row that can't be applied; all others are. Applying the
    same rows again changes nothing. A thousand rows a call keep it fast.
    """
    products: dict[str, ProductRow] = {}
    barcodes: dict[str, BarcodeRow] = {}
    prices: dict[tuple[str, str], PriceRow] = {}
    keys: dict[str, PickupKeyRow] = {}
    supplies: dict[str, SupplyRow] = {}
    refused: list[tuple[int, str]] = []
    for index, item in enumerate(feed):
        try:
            row = rows.read(item)
        except Invalid as error:
            refused.append((index, error.sentence))
            continue
        if isinstance(row, ProductRow):
            products[row.sku] = row
        elif isinstance(row, BarcodeRow):
            barcodes[row.gtin] = row
        elif isinstance(row, PriceRow):
            prices[row.sku, row.valid_from or ""] = row
        elif isinstance(row, SupplyRow):
            supplies[row.sku] = row
        else:
            keys[row.key_id] = row
    _put_products(connection, products)
    _put_care(connection, products.values())
    _put_barcodes(connection, barcodes.values())
    _put_prices(connection, prices.values())
    _put_pickup_keys(connection, keys.values())
    _put_supplies(connection, supplies.values())
    return refused


def tidy(connection: sqlite3.Connection) -> None:
    """Join the search index into one piece: after a bulk load, before a snapshot. Takes seconds."""
    connection.execute("INSERT INTO product_search (product_search) VALUES ('optimize')")
    connection.execute("INSERT INTO word_part (word_part) VALUES ('optimize')")


def _put_products(connection: sqlite3.Connection, wanted: Mapping[str, ProductRow]) -> None:
    if not wanted:
        return
    stored = _stored(connection, wanted)
    new = {sku: _columns(row) for sku, row in wanted.items() if not row.deleted}
    gone = {sku: old for sku, old in stored.items() if new.get(sku) != old[1]}
    # Ids are drawn while the old rows still stand, so none is given to two products.
    fresh = _Ranks(connection)
    inserts: list[tuple[Any, ...]] = []
    for sku, columns in new.items():
        known = stored.get(sku)
        if known is not None and sku not in gone:
            continue
        tier = _tier(wanted[sku].popularity)
        same_rank = known is not None and known[0] >> _TIER_BITS == tier
        inserts.append((known[0] if known and same_rank else fresh.next(tier), sku, *columns))
    _remove(connection, gone)
    _insert(connection, inserts)


def _put_care(connection: sqlite3.Connection, wanted: Iterable[ProductRow]) -> None:
    """Keep what is out of the ordinary; ambient goods for everybody have no row."""
    listed = list(wanted)
    special = [
        (row.sku, row.storage, row.age_min)
        for row in listed
        if not row.deleted and (row.storage != "ambient" or row.age_min)
    ]
    connection.executemany("DELETE FROM product_care WHERE sku = ?", [(row.sku,) for row in listed])
    connection.executemany(
        "INSERT INTO product_care (sku, storage, age_min) VALUES (?, ?, ?)", special
    )


def _stored(
    connection: sqlite3.Connection, skus: Iterable[str]
) -> dict[str, tuple[int, tuple[Any, ...]]]:
    found = connection.execute(
        "SELECT sku, id, names, descriptions, brand, category, unit, image, popularity,"
        " external_ids, words FROM product WHERE sku IN (SELECT value FROM json_each(?))",
        (_json(list(skus)),),
    )
    return {row[0]: (row[1], tuple(row)[2:]) for row in found}


def _columns(row: ProductRow) -> tuple[Any, ...]:
    said = " ".join((*row.names.values(), row.brand or "", row.category or ""))
    distinct = list(dict.fromkeys(words.words(said)))[: words.MOST]
    return (
        _json(row.names),
        _json(row.descriptions),
        row.brand,
        row.category,
        row.unit,
        row.image,
        row.popularity,
        _json(row.external_ids),
        " ".join(distinct),
    )


def _remove(
    connection: sqlite3.Connection, gone: Mapping[str, tuple[int, tuple[Any, ...]]]
) -> None:
    if not gone:
        return
    # FTS5 with outside content must be told the words that the row had.
    connection.executemany(
        "INSERT INTO product_search (product_search, rowid, words) VALUES ('delete', ?, ?)",
        [(number, columns[-1]) for number, columns in gone.values()],
    )
    connection.executemany(
        "DELETE FROM product WHERE id = ?", [(number,) for number, _ in gone.values()]
    )
    connection.executemany(
        "DELETE FROM external_id WHERE value = ? AND system = ? AND sku = ?",
        [
            (value, system, sku)
            for sku, (_, columns) in gone.items()
            for system, value in msgspec.json.decode(columns[_EXTERNAL_IDS]).items()
        ],
    )
    lost = Counter(word for _, columns in gone.values() for word in columns[-1].split())
    connection.executemany(
        "UPDATE word SET uses = uses - ? WHERE word = ?",
        [(count, word) for word, count in lost.items()],
    )
    connection.executemany(
        "DELETE FROM word WHERE word = ? AND uses <= 0", [(word,) for word in lost]
    )


def _insert(connection: sqlite3.Connection, inserts: Sequence[tuple[Any, ...]]) -> None:
    connection.executemany(f"INSERT INTO product VALUES ({', '.join('?' * 11)})", inserts)
    connection.executemany(
        "INSERT INTO product_search (rowid, words) VALUES (?, ?)",
        [(row[0], row[-1]) for row in inserts],
    )
    connection.executemany(
        "INSERT INTO external_id VALUES (?, ?, ?)",
        [
            (value, system, row[1])
            for row in inserts
            for system, value in msgspec.json.decode(row[2 + _EXTERNAL_IDS]).items()
        ],
    )
    used = Counter(word for row in inserts for word in row[-1].split())
    connection.executemany(
        "INSERT INTO word (word, uses) VALUES (?, ?)"
        " ON CONFLICT (word) DO UPDATE SET uses = uses + excluded.uses",
        used.items(),
    )


class _Ranks:
    """Hands out free product ids, tier by tier."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._last: dict[int, int] = {}

    def next(self, tier: int) -> int:
        if tier not in self._last:
            low = tier << _TIER_BITS
            (last,) = self._connection.execute(
                "SELECT max(id) FROM product WHERE id >= ? AND id < ?",
                (low, low + (1 << _TIER_BITS)),
            ).fetchone()
            self._last[tier] = low if last is None else last
        self._last[tier] += 1
        return self._last[tier]


def _tier(popularity: int) -> int:
    """Twice as popular is one tier further to the front."""
    return _TIERS - min(popularity.bit_length(), _TIERS)


def _put_barcodes(connection: sqlite3.Connection, feed: Iterable[BarcodeRow]) -> None:
    pairs = [(row.gtin, None if row.deleted else row.sku) for row in feed]
    connection.executemany(
        "DELETE FROM barcode WHERE gtin = ?", [(gtin,) for gtin, sku in pairs if sku is None]
    )
    connection.executemany(
        "INSERT INTO barcode VALUES (?, ?) ON CONFLICT (gtin) DO UPDATE SET sku = excluded.sku",
        [pair for pair in pairs if pair[1] is not None],
    )


def _put_prices(connection: sqlite3.Connection, feed: Iterable[PriceRow]) -> None:
    dead, live = [], []
    for row in feed:
        begins = row.valid_from or ""
        if row.deleted:
            dead.append((row.sku, begins))
            continue
        live.append(
            (
                row.sku,
                begins,
                row.valid_until,
                row.amount_minor,
                row.currency,
                row.tax_rate_bp,
                row.tax_included,
                row.per_qty,
            )
        )
    connection.executemany("DELETE FROM price WHERE sku = ? AND valid_from = ?", dead)
    connection.executemany("INSERT OR REPLACE INTO price VALUES (?, ?, ?, ?, ?, ?, ?, ?)", live)


def _put_pickup_keys(connection: sqlite3.Connection, feed: Iterable[PickupKeyRow]) -> None:
    for row in feed:
        if row.deleted:
            connection.execute("DELETE FROM pickup_key WHERE key_id = ?", (row.key_id,))
        else:
            connection.execute(
                "INSERT OR REPLACE INTO pickup_key VALUES (?, ?)", (row.key_id, row.public_key)
            )


def _put_supplies(connection: sqlite3.Connection, feed: Iterable[SupplyRow]) -> None:
    for row in feed:
        connection.execute("DELETE FROM supply WHERE sku = ?", (row.sku,))
        if not row.deleted:
            connection.execute("INSERT INTO supply (sku, word) VALUES (?, ?)", (row.sku, row.word))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
