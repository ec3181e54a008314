"""Central's tables, for each engine; it must never drop a column that an older release reads.

Statements are SQLite's; `store_postgres_words` says them to PostgreSQL (types, `WITHOUT ROWID`).
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from sqlite_utils.migrations import Migrations


class Ddl(Protocol):
    """Where a step is carried out: `sqlite_utils.Database`, or PostgreSQL."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Any: ...


class Steps(Migrations):
    """Numbered steps; SQLite's are recorded by sqlite-utils, PostgreSQL's by `store_postgres`."""

    def named(self) -> list[tuple[str, Any]]:
        """Return each step, oldest first."""
        return [(one.name, one.fn) for one in self._migrations]


MIGRATIONS: Final = Steps("central")

_FIRST: Final = """
CREATE TABLE central (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE store (
    store_id TEXT PRIMARY KEY, name TEXT NOT NULL, added_at TEXT NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0, hash TEXT NOT NULL,
    heard_at TEXT, instance TEXT, pushed_at TEXT
) WITHOUT ROWID;
CREATE TABLE credential (
    digest BLOB PRIMARY KEY, store_id TEXT NOT NULL, made_at TEXT NOT NULL, revoked_at TEXT
) WITHOUT ROWID;
CREATE TABLE enrolment (
    digest BLOB PRIMARY KEY, store_id TEXT NOT NULL, until TEXT NOT NULL, used_at TEXT
) WITHOUT ROWID;
CREATE TABLE token (
    digest BLOB PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, made_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE journal (
    store_id TEXT NOT NULL, seq INTEGER NOT NULL, entry BLOB NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (store_id, seq)
) WITHOUT ROWID;
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, store_id TEXT NOT NULL, seq INTEGER NOT NULL, reason TEXT NOT NULL,
    at TEXT NOT NULL, UNIQUE (store_id, seq)
);
CREATE TABLE stock (
    store_id TEXT NOT NULL, sku TEXT NOT NULL, bucket TEXT NOT NULL, qty INTEGER NOT NULL,
    PRIMARY KEY (store_id, sku, bucket)
) WITHOUT ROWID;
CREATE TABLE pickup (
    order_id TEXT NOT NULL, store_id TEXT NOT NULL, state TEXT NOT NULL, folded BLOB NOT NULL,
    timeline TEXT NOT NULL, PRIMARY KEY (store_id, order_id)
) WITHOUT ROWID;

CREATE TABLE command_feed (
    position INTEGER PRIMARY KEY AUTOINCREMENT, store_id TEXT NOT NULL, row TEXT NOT NULL,
    customer_ref TEXT, at TEXT NOT NULL
);
CREATE INDEX command_feed_store ON command_feed (store_id, position);
CREATE TABLE replica_feed (
    position INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, row TEXT NOT NULL
);

CREATE TABLE placed (
    order_id TEXT PRIMARY KEY, store_id TEXT NOT NULL, request BLOB NOT NULL,
    customer_ref TEXT NOT NULL, short_code TEXT NOT NULL, pickup_code TEXT NOT NULL,
    body TEXT NOT NULL, at TEXT NOT NULL, cancel_asked_at TEXT
) WITHOUT ROWID;
CREATE INDEX placed_store ON placed (store_id, short_code);
CREATE INDEX placed_customer ON placed (customer_ref);
CREATE TABLE reply (
    key TEXT PRIMARY KEY, request BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX reply_at ON reply (at);
"""


@MIGRATIONS()
def m001_central(db: Ddl) -> None:
    """Stores and their journals, what they fold to, both feeds, orders, people, access."""
    for statement in _FIRST.split(";"):
        if statement.strip():
            db.execute(statement)


@MIGRATIONS()
def m002_person(db: Ddl) -> None:
    """Customers in the order in which they came; `store_people` says why."""
    db.execute(
        "CREATE TABLE person (id INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, name TEXT,"
        " email TEXT, phone TEXT, made_at TEXT NOT NULL, erased_at TEXT NOT NULL)"
    )


@MIGRATIONS()
def m003_pickup_by_order(db: Ddl) -> None:
    """An order is asked for by its number alone."""
    db.execute("CREATE INDEX pickup_order ON pickup (order_id)")


@MIGRATIONS()
def m004_fence(db: Ddl) -> None:
    """What central knows of a store's processes, as JSON (`sync.protocol.fence.Fence`)."""
    db.execute("ALTER TABLE store ADD COLUMN fence TEXT")


@MIGRATIONS()
def m005_feed_mark(db: Ddl) -> None:
    """Chance beside the positions that a commit took: a copy that is written on has another."""
    db.execute(
        "CREATE TABLE feed_mark (stream TEXT NOT NULL, position INTEGER NOT NULL,"
        " mark TEXT NOT NULL, PRIMARY KEY (stream, position)) WITHOUT ROWID"
    )


@MIGRATIONS()
def m005_rights(db: Ddl) -> None:
    """What stores lent central to promise; `agreed`: the generation a store last pushed in."""
    db.execute(
        "CREATE TABLE rights (store_id TEXT NOT NULL, sku TEXT NOT NULL, granted INTEGER NOT NULL,"
        " asked INTEGER NOT NULL, returned INTEGER NOT NULL, spent INTEGER NOT NULL,"
        " PRIMARY KEY (store_id, sku)) WITHOUT ROWID"
    )
    db.execute("ALTER TABLE store ADD COLUMN agreed TEXT")


@MIGRATIONS()
def m006_fleet(db: Ddl) -> None:
    """What a hub last said of itself (`sync.protocol.About`), and since when it is refused."""
    for column in ("told", "told_at", "newest_at", "refused", "refused_since", "refused_at"):
        db.execute(f"ALTER TABLE store ADD COLUMN {column} TEXT")


@MIGRATIONS()
def m007_fallback(db: Ddl) -> None:
    """Where an order goes that its store can't fulfill; `watched`: central waits for its end."""
    db.execute("ALTER TABLE placed ADD COLUMN fallback TEXT")
    db.execute("ALTER TABLE placed ADD COLUMN watched INTEGER NOT NULL DEFAULT 0")
    db.execute("CREATE INDEX placed_watched ON placed (store_id) WHERE watched = 1")
    db.execute("CREATE INDEX placed_fallback ON placed (fallback) WHERE watched = 1")
    db.execute(
        "CREATE TABLE rerouted (order_id TEXT PRIMARY KEY, from_store TEXT NOT NULL,"
        " to_store TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE promise_break (order_id TEXT NOT NULL, store_id TEXT NOT NULL,"
        " at TEXT NOT NULL, PRIMARY KEY (order_id, store_id)) WITHOUT ROWID"
    )


@MIGRATIONS()
def m008_rights_by_sku(db: Ddl) -> None:
    """Who holds rights to an article is asked across all stores."""
    db.execute("CREATE INDEX rights_sku ON rights (sku)")


@MIGRATIONS()
def m009_signing_key(db: Ddl) -> None:
    """The keys that sign pickup codes; `store.key_id`: the newest that a store's hub has."""
    db.execute(
        "CREATE TABLE signing_key (key_id TEXT PRIMARY KEY, made_at TEXT NOT NULL,"
        " revoked_at TEXT) WITHOUT ROWID"
    )
    db.execute("ALTER TABLE store ADD COLUMN key_id TEXT")


@MIGRATIONS()
def m010_feed_end(db: Ddl) -> None:
    """The newest position that a stream gave out; its row is the lock of the next one."""
    db.execute("CREATE TABLE feed_end (stream TEXT PRIMARY KEY, position INTEGER NOT NULL)")
    for stream, table in (("commands", "command_feed"), ("replica", "replica_feed")):
        db.execute(
            "INSERT INTO feed_end (stream, position) SELECT ?, coalesce("
            f" (SELECT max(position) FROM feed_mark WHERE stream = ?),"
            f" (SELECT max(position) FROM {table}), 0)",
            (stream, stream),
        )


@MIGRATIONS()
def m011_customer(db: Ddl) -> None:
    """What customers say on their page; their words are kept apart, `store_words` says how."""
    db.execute(
        "CREATE TABLE customer_word (id INTEGER PRIMARY KEY, ref TEXT NOT NULL, kind TEXT NOT NULL,"
        " text TEXT NOT NULL, at TEXT NOT NULL, erased_at TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX customer_word_ref ON customer_word (ref)")
    db.execute("ALTER TABLE placed ADD COLUMN consent INTEGER NOT NULL DEFAULT 0")
    db.execute(
        "CREATE TABLE buyer (order_id TEXT PRIMARY KEY, said TEXT NOT NULL, eta_minutes INTEGER,"
        " stall TEXT, at TEXT NOT NULL) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE feedback_said (order_id TEXT PRIMARY KEY, score INTEGER NOT NULL,"
        " felt TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE feedback (store_id TEXT NOT NULL, order_id TEXT NOT NULL,"
        " score INTEGER NOT NULL, felt TEXT NOT NULL, at TEXT NOT NULL,"
        " PRIMARY KEY (store_id, order_id)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX feedback_at ON feedback (store_id, at)")


@MIGRATIONS()
def m012_reclaimed(db: Ddl) -> None:
    """What a store took back of its rights without central's word: a person said so."""
    db.execute("ALTER TABLE rights ADD COLUMN reclaimed INTEGER NOT NULL DEFAULT 0")


@MIGRATIONS()
def m013_distribution(db: Ddl) -> None:
    """The distribution centre's units, what hubs were lent of them, and endless-aisle orders.

    `due`: the store's rights to this SKU are to be balanced with its next push. `waived`: the
    generation in which a person said that nobody waits for what this store was lent.
    """
    db.execute(
        "CREATE TABLE distribution_stock (sku TEXT PRIMARY KEY, on_hand INTEGER NOT NULL,"
        " promised INTEGER NOT NULL DEFAULT 0, broken INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE distribution_move (sku TEXT NOT NULL, n INTEGER NOT NULL,"
        " qty INTEGER NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL, at TEXT NOT NULL,"
        " PRIMARY KEY (sku, n)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE distribution_right (sku TEXT NOT NULL, store_id TEXT NOT NULL,"
        " granted INTEGER NOT NULL DEFAULT 0, reclaimed INTEGER NOT NULL DEFAULT 0,"
        " asked INTEGER NOT NULL DEFAULT 0, answered INTEGER NOT NULL DEFAULT 0,"
        " returned INTEGER NOT NULL DEFAULT 0, spent INTEGER NOT NULL DEFAULT 0,"
        " due INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (sku, store_id)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX distribution_right_due ON distribution_right (store_id) WHERE due = 1")
    db.execute(
        "CREATE TABLE aisle_order (store_id TEXT NOT NULL, order_id TEXT NOT NULL,"
        " state TEXT NOT NULL, deliver TEXT NOT NULL, conditional INTEGER NOT NULL,"
        " customer_ref TEXT, reason TEXT, placed_at TEXT NOT NULL, changed_at TEXT NOT NULL,"
        " PRIMARY KEY (store_id, order_id)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE INDEX aisle_order_open ON aisle_order (store_id) WHERE state = 'CONDITIONAL'"
    )
    db.execute(
        "CREATE TABLE aisle_line (store_id TEXT NOT NULL, order_id TEXT NOT NULL,"
        " line_id TEXT NOT NULL, sku TEXT NOT NULL, qty INTEGER NOT NULL, name TEXT NOT NULL,"
        " unit_price_minor INTEGER, currency TEXT, day TEXT NOT NULL,"
        " PRIMARY KEY (store_id, order_id, line_id)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX aisle_line_sku ON aisle_line (sku, store_id, day)")
    db.execute("ALTER TABLE store ADD COLUMN waived TEXT")


@MIGRATIONS()
def m014_notices(db: Ddl) -> None:
    """What customers have to be told, and each message of it on its way."""
    db.execute(
        "CREATE TABLE notice (id TEXT PRIMARY KEY, order_id TEXT NOT NULL, kind TEXT NOT NULL,"
        " at TEXT NOT NULL, due_at TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX notice_due ON notice (state, due_at)")
    db.execute("CREATE INDEX notice_order ON notice (order_id)")
    db.execute(
        "CREATE TABLE message (id TEXT PRIMARY KEY, notice TEXT NOT NULL, order_id TEXT NOT NULL,"
        " kind TEXT NOT NULL, channel TEXT NOT NULL, state TEXT NOT NULL,"
        " attempts INTEGER NOT NULL, at TEXT NOT NULL, made_at TEXT NOT NULL,"
        " due_at TEXT NOT NULL, done_at TEXT, error TEXT, doubtful INTEGER NOT NULL) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX message_due ON message (state, due_at)")
    db.execute("CREATE INDEX message_order ON message (order_id)")


@MIGRATIONS()
def m015_secret(db: Ddl) -> None:
    """Central's own secrets by the name of their file, for workers on other machines."""
    db.execute("CREATE TABLE secret (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID")


@MIGRATIONS()
def m016_telemetry(db: Ddl) -> None:
    """How a store's devices were when its hub said so last."""
    db.execute(
        "CREATE TABLE telemetry (store_id TEXT NOT NULL, device TEXT NOT NULL, at TEXT NOT NULL,"
        " body TEXT NOT NULL, PRIMARY KEY (store_id, device)) WITHOUT ROWID"
    )
    db.execute("ALTER TABLE store ADD COLUMN telemetry_skipped INTEGER NOT NULL DEFAULT 0")


@MIGRATIONS()
def m017_sealed_heads(db: Ddl) -> None:
    """The key that signs a store's heads, and what the last signature was worth."""
    db.execute("ALTER TABLE store ADD COLUMN head_key TEXT")
    db.execute("ALTER TABLE store ADD COLUMN sealed TEXT NOT NULL DEFAULT 'none'")


@MIGRATIONS()
def m018_goods_return(db: Ddl) -> None:
    """What comes back of orders at any store. `word`: central's; `awaits`: the store that has to
    speak before it, None when nobody has."""
    db.execute(
        "CREATE TABLE goods_return (store_id TEXT NOT NULL, return_id TEXT NOT NULL,"
        " order_id TEXT NOT NULL, state TEXT NOT NULL, word TEXT NOT NULL, reason TEXT NOT NULL,"
        " own INTEGER NOT NULL, awaits TEXT, at TEXT NOT NULL, paid INTEGER NOT NULL DEFAULT 0,"
        " PRIMARY KEY (store_id, return_id)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX goods_return_order ON goods_return (order_id)")
    db.execute("CREATE INDEX goods_return_awaits ON goods_return (awaits) WHERE awaits IS NOT NULL")
    db.execute(
        "CREATE TABLE goods_return_line (store_id TEXT NOT NULL, return_id TEXT NOT NULL,"
        " part TEXT NOT NULL, sku TEXT NOT NULL, qty INTEGER NOT NULL, line_id TEXT,"
        " missing INTEGER NOT NULL, PRIMARY KEY (store_id, return_id, part)) WITHOUT ROWID"
    )


@MIGRATIONS()
def m019_shipments(db: Ddl) -> None:
    """The parcels that orders were sent to their stores in; without a code the parcel is empty."""
    db.execute(
        "CREATE TABLE shipment (order_id TEXT NOT NULL, parcel TEXT NOT NULL, carrier TEXT,"
        " tracking TEXT, at TEXT NOT NULL, PRIMARY KEY (order_id, parcel)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX shipment_parcel ON shipment (parcel)")


@MIGRATIONS()
def m020_points(db: Ddl) -> None:
    """Which facts moved goods of orders to customers and back: points are derived from them.

    `points_order`: the rate that an order began with; it outlives a fold again.
    """
    db.execute(
        "CREATE TABLE points_order (order_id TEXT PRIMARY KEY, rate INTEGER NOT NULL) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE points_entry (store_id TEXT NOT NULL, entry_id TEXT NOT NULL,"
        " line_id TEXT NOT NULL, order_id TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL,"
        " qty INTEGER NOT NULL, PRIMARY KEY (store_id, entry_id, line_id)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX points_entry_order ON points_entry (order_id)")
    db.execute(
        "CREATE TABLE points_return (store_id TEXT NOT NULL, return_id TEXT NOT NULL,"
        " part TEXT NOT NULL, order_id TEXT NOT NULL, line_id TEXT, qty INTEGER NOT NULL,"
        " missing INTEGER NOT NULL, closed INTEGER NOT NULL,"
        " PRIMARY KEY (store_id, return_id, part)) WITHOUT ROWID"
    )


@MIGRATIONS()
def m021_delegate(db: Ddl) -> None:
    """Which word names who else collects this order, as its store was told."""
    db.execute("ALTER TABLE placed ADD COLUMN delegate_word INTEGER")
