"""What its store can't fulfill goes to the named fallback, once, and no two stores hold it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.central import (
    intake,
    store_access,
    store_feed,
    store_journal,
    store_orders,
    store_reroute,
)
from sync.central.inventory import Inventory
from sync.protocol import Push
from tests.sync.pair import STORE, Central, entry, order_body

OTHER = "store-2"
LINES = [{"line_id": "L1", "sku": "4711", "qty": 2, "name": "Rye bread"}]


@pytest.fixture(scope="module")
def head_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    made = Inventory(tmp_path_factory.mktemp("head-office"))
    yield made
    made.close()


class Chain:
    """Two stores of one central: facts are pushed as hubs push them."""

    def __init__(self, central: Inventory, *stores: str) -> None:
        self.central = central
        for store in stores:
            central.store.run(lambda tx, store=store: store_access.add_store(tx, store, store))

    def place(self, order_id: str, store: str = STORE, **more: Any) -> dict[str, Any]:
        body = msgspec.json.encode(order_body(order_id, {"4711": 2}, store=store) | more)
        order = intake.read_order(body)
        return self.central.store.run(lambda tx: self.central.place(tx, order))[0]

    def say(self, store: str, *contents: bytes) -> None:
        with self.central.store.reader() as conn:
            head = store_journal.head(conn, store)
        push = Push(head, contents)
        generation = self.central.store.generation
        self.central.store.run(lambda tx: self.central.accept(tx, store, push, "i", generation))

    def shown(self, order_id: str) -> dict[str, Any]:
        with self.central.store.reader() as conn:
            return store_orders.order(conn, order_id)

    def sent(self, order_id: str) -> list[tuple[str, str]]:
        """Return (store, type) of the commands about an order, in order."""
        with self.central.store.reader() as conn:
            rows = conn.execute("SELECT store_id, row FROM command_feed ORDER BY position")
            commands = [(row[0], msgspec.json.decode(row[1])) for row in rows]
        return [
            (store, one["type"])
            for store, one in commands
            if one.get("order_id", one.get("order", {}).get("order_id")) == order_id
        ]

    def breaks(self) -> int:
        with self.central.store.reader() as conn:
            return store_reroute.counts(conn)[0]


def proposed(order_id: str, then: str, store: str, reason: str = "OUT_OF_STOCK") -> list[bytes]:
    """Return the facts by which a store takes an order, or rejects it."""
    body = {"order_id": order_id, "lines": LINES, "short_code": "H2FN", "channel": "web"}
    cause = f"central:place-{order_id}-{store}"
    ended = {"order_id": order_id} | ({"reason": reason} if then == "OrderRejected" else {})
    return [
        entry(cause, body, kind="OrderProposed", i=0, n=2),
        entry(cause, ended, kind=then, i=1, n=2),
    ]


def lend(chain: Chain, store: str, units: int, cause: str) -> None:
    """Lend central units of the article, as a store's hub does."""
    fact = {"sku": "4711", "granted": units}
    chain.say(store, entry(cause, fact, kind="RightsGranted"))


def test_a_rejected_order_goes_to_the_fallback_under_its_own_number(
    head_office: Inventory,
) -> None:
    chain = Chain(head_office, STORE, OTHER)
    first = chain.place("F-1", fallback=OTHER)
    assert chain.shown("F-1")["fallback"] == OTHER
    chain.say(STORE, *proposed("F-1", "OrderRejected", STORE))
    shown = chain.shown("F-1")
    assert (shown["store"], shown["state"], shown["rerouted_from"]) == (OTHER, "PROPOSED", STORE)
    assert shown["short_code"] == first["short_code"]
    assert shown["pickup_code"] != first["pickup_code"]
    assert shown["fallback"] is None
    told = [event.get("what") or event["state"] for event in shown["timeline"]]
    assert told == ["placed", "PROPOSED", "REJECTED", "rerouted"]
    assert chain.sent("F-1") == [(STORE, "order.place"), (OTHER, "order.place")]
    with head_office.store.reader() as conn:
        page = store_feed.page(conn, "commands", OTHER, store_feed.state(conn, "commands", 0), 0)
    sent = msgspec.json.decode(page.rows[-1].row)
    assert (sent["id"], sent["order"]["store"]) == ("fallback:F-1", OTHER)
    assert sent["order"]["personal"]["name"] == "Ida Probe"
    chain.say(OTHER, *proposed("F-1", "OrderRejected", OTHER))
    assert chain.shown("F-1")["state"] == "REJECTED"
    assert len(chain.sent("F-1")) == 2
    # Placing it again is the same order, and a fold again moves nothing.
    assert chain.place("F-1", fallback=OTHER)["pickup_code"] == shown["pickup_code"]
    for store in (STORE, OTHER):
        head_office.store.run(lambda tx, store=store: store_journal.refold_store(tx, store))
        chain.say(store)
    assert len(chain.sent("F-1")) == 2


def test_an_order_that_is_taken_or_closed_to_or_canceled_stays(head_office: Inventory) -> None:
    chain = Chain(head_office, STORE, OTHER)
    chain.place("F-2", fallback=OTHER)
    chain.say(STORE, *proposed("F-2", "OrderReserved", STORE))
    chain.place("F-3", fallback=OTHER)
    chain.say(STORE, *proposed("F-3", "OrderRejected", STORE, reason="STORE_CLOSED"))
    chain.place("F-4", fallback=OTHER)
    ask = store_orders.ask_to_cancel
    head_office.store.run(lambda tx: ask(tx, "F-4", "BUYER_REQUEST"))
    chain.say(STORE, *proposed("F-4", "OrderRejected", STORE))
    chain.place("F-5")
    chain.say(STORE, *proposed("F-5", "OrderRejected", STORE))
    for order_id in ("F-2", "F-3", "F-4", "F-5"):
        assert chain.shown(order_id)["store"] == STORE
        assert (OTHER, "order.place") not in chain.sent(order_id)


def test_a_rejection_after_rights_were_spent_is_a_broken_promise(head_office: Inventory) -> None:
    chain = Chain(head_office, "store-5", "store-6")
    lend(chain, "store-5", 10, "lent-5")
    lend(chain, "store-6", 10, "lent-6")
    before = chain.breaks()
    chain.place("F-6", "store-5", fallback="store-6")
    chain.say("store-5", *proposed("F-6", "OrderRejected", "store-5"))
    chain.say("store-5")
    assert chain.breaks() == before + 1
    # At the fallback rights were spent as well; a second rejection is a second broken promise.
    chain.say("store-6", *proposed("F-6", "OrderRejected", "store-6"))
    chain.say("store-6")
    assert chain.breaks() == before + 2
    chain.place("F-7", "store-5")
    chain.say("store-5", *proposed("F-7", "OrderReserved", "store-5"))
    assert chain.breaks() == before + 2


def test_without_rights_a_rejection_breaks_no_promise(head_office: Inventory) -> None:
    chain = Chain(head_office, "store-7", "store-8")
    before = chain.breaks()
    chain.place("F-8", "store-7", fallback="store-8")
    chain.say("store-7", *proposed("F-8", "OrderRejected", "store-7"))
    assert chain.breaks() == before


def test_a_fallback_is_another_store_that_is_known(central: Central) -> None:
    assert central.post("/orders", order_body("R-1", {"1": 1}, fallback=STORE)).status_code == 422
    assert central.post("/orders", order_body("R-1", {"1": 1}, fallback="mars")).status_code == 404


def test_who_is_forgotten_is_forgotten_at_both_stores(head_office: Inventory) -> None:
    chain = Chain(head_office, STORE, OTHER)
    chain.place("F-9", fallback=OTHER)
    chain.say(STORE, *proposed("F-9", "OrderRejected", STORE))
    ref = chain.shown("F-9")["customer_ref"]
    head_office.store.run(lambda tx: store_orders.erase(tx, ref))
    with head_office.store.reader() as conn:
        rows = conn.execute("SELECT store_id, row FROM command_feed").fetchall()
    told = {row[0] for row in rows if f'"erase-{ref}"' in row[1]}
    assert told == {STORE, OTHER}


def test_an_order_placed_by_an_older_release_is_still_the_same_order() -> None:
    order = intake.read_order(
        msgspec.json.encode(order_body("R-1", {"1": 1}, promise_at="2026-11-21T16:00:00+01:00"))
    )
    plain = msgspec.to_builtins(order)
    for name in ("fallback", "supply"):
        del plain[name]
    later = ("substitutes", "age_min")
    plain["lines"] = [
        {name: value for name, value in line.items() if name not in later}
        for line in plain["lines"]
    ]
    older = msgspec.defstruct("Older", [(name, Any) for name in plain], frozen=True)(
        **{name: getattr(order, name) for name in plain}
        | {"customer": {part: plain["customer"][part] for part in ("name", "email", "phone")}}
        | {"lines": plain["lines"]}
    )
    from hashlib import blake2b

    expected = blake2b(msgspec.json.encode(older, order="sorted"), digest_size=32).digest()
    assert store_orders._digest(order) == expected


def test_a_central_that_forgot_the_move_learns_it_from_the_fallback(tmp_path: Path) -> None:
    """Central was put back to a copy from before the move, and the first store forgot as well."""
    office = Inventory(tmp_path)
    try:
        chain = Chain(office, STORE, OTHER)
        chain.place("F-1", fallback=OTHER)
        chain.say(OTHER, *proposed("F-1", "OrderReserved", OTHER))
        shown = chain.shown("F-1")
        assert (shown["store"], shown["state"]) == (OTHER, "RESERVED")
        assert chain.sent("F-1") == [(STORE, "order.place"), (STORE, "order.cancel")]
        chain.say(OTHER)
        chain.say(STORE, *proposed("F-1", "OrderRejected", STORE))
        assert len(chain.sent("F-1")) == 2
    finally:
        office.close()


WORDS = st.lists(
    st.sampled_from(["reject", "reserve", "reject other", "reserve other", "refold", "beat",
                     "cancel", "again", "closed"]),
    min_size=1, max_size=8,
)  # fmt: skip
_made = iter(range(10**6))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=WORDS)
def test_never_do_two_stores_hold_one_order(head_office: Inventory, words: list[str]) -> None:
    """Stores speak only of what central sent them; whatever the order, one of them holds it."""
    n = next(_made)
    one, two, order_id = f"a{n}", f"b{n}", f"P-{n}"
    chain = Chain(head_office, one, two)
    chain.place(order_id, one, fallback=two)
    spoke: dict[str, str] = {}

    def speak(store: str, kind: str, reason: str = "OUT_OF_STOCK") -> None:
        got = {name for name, what in chain.sent(order_id) if what == "order.place"}
        if store in got and store not in spoke:
            chain.say(store, *proposed(order_id, kind, store, reason))
            spoke[store] = kind

    for word in words:
        match word.split():
            case ["reject"]:
                speak(one, "OrderRejected")
            case ["closed"]:
                speak(one, "OrderRejected", "STORE_CLOSED")
            case ["reserve"]:
                speak(one, "OrderReserved")
            case [kind, "other"]:
                speak(two, "OrderRejected" if kind == "reject" else "OrderReserved")
            case ["refold"]:
                for store in (one, two):
                    head_office.store.run(
                        lambda tx, store=store: store_journal.refold_store(tx, store)
                    )
            case ["beat"]:
                for store in (one, two):
                    chain.say(store)
            case ["cancel"]:
                if chain.shown(order_id)["state"] == "PROPOSED":
                    head_office.store.run(
                        lambda tx: store_orders.ask_to_cancel(tx, order_id, "BUYER_REQUEST")
                    )
            case ["again"]:
                chain.place(order_id, one, fallback=two)
        placed = [store for store, what in chain.sent(order_id) if what == "order.place"]
        assert placed in ([one], [one, two])
        if len(placed) == 2:
            assert spoke[one] == "OrderRejected"
        holding = [store for store in placed if spoke.get(store) != "OrderRejected"]
        assert len(holding) <= 1
        assert chain.shown(order_id)["store"] == placed[-1]
        assert chain.shown(order_id)["state"] == {
            None: "PROPOSED", "OrderRejected": "REJECTED", "OrderReserved": "RESERVED",
        }[spoke.get(placed[-1])]  # fmt: skip


def test_a_promise_that_breaks_later_moves_the_order_and_is_counted_once(
    head_office: Inventory,
) -> None:
    """The goods were reserved, and sold from a customer's hand: the store lets go of the order."""
    chain = Chain(head_office, "store-9", "store-10")
    before = chain.breaks()
    chain.place("F-10", "store-9", fallback="store-10")
    with head_office.store.reader() as conn:
        page = store_feed.page(
            conn, "commands", "store-9", store_feed.state(conn, "commands", 0), 0
        )
    assert msgspec.json.decode(page.rows[-1].row)["order"]["fallback"] == "store-10"
    chain.say("store-9", *proposed("F-10", "OrderReserved", "store-9"))
    assert chain.shown("F-10")["store"] == "store-9"
    broken = {"order_id": "F-10", "line_id": "L1", "qty": 1, "by": "SALE", "ref": "S-1"}
    ended = {"order_id": "F-10", "reason": "OUT_OF_STOCK"}
    chain.say(
        "store-9",
        entry("device:till:1", broken, kind="PromiseBroken", i=0, n=2),
        entry("device:till:1", ended, kind="OrderRejected", i=1, n=2),
    )
    shown = chain.shown("F-10")
    assert (shown["store"], shown["state"], shown["fallback"]) == ("store-10", "PROPOSED", None)
    assert chain.breaks() == before + 1
    head_office.store.run(lambda tx: store_journal.refold_store(tx, "store-9"))
    chain.say("store-9")
    assert chain.breaks() == before + 1
    assert chain.sent("F-10") == [("store-9", "order.place"), ("store-10", "order.place")]
    with head_office.store.reader() as conn:
        page = store_feed.page(
            conn, "commands", "store-10", store_feed.state(conn, "commands", 0), 0
        )
    assert msgspec.json.decode(page.rows[-1].row)["order"]["fallback"] is None


def test_an_order_that_is_short_stays_with_its_store_and_is_counted(
    head_office: Inventory,
) -> None:
    chain = Chain(head_office, "store-11", "store-12")
    before = chain.breaks()
    chain.place("F-11", "store-11", fallback="store-12")
    chain.say("store-11", *proposed("F-11", "OrderReserved", "store-11"))
    broken = {"order_id": "F-11", "line_id": "L1", "qty": 1, "by": "COUNT"}
    chain.say("store-11", entry("staff:count", broken, kind="PromiseBroken"))
    shown = chain.shown("F-11")
    assert (shown["store"], shown["state"], shown["lines"][0]["short"]) == (
        "store-11", "RESERVED", 1,
    )  # fmt: skip
    assert chain.breaks() == before + 1
