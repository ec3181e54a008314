"""Which stores have what a customer wants: by rights held, and never more than is true."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from hub.chain import Pair
from hub.clock import parse, stamp
from hub.house import hours
from sync.central import promise_rules
from tests.sync.pair import PUSH, Central, entry, order_body, received

UNITS = st.dictionaries(st.sampled_from("ABC"), st.integers(0, 5), max_size=3)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WANTED = st.dictionaries(st.sampled_from("ABC"), st.integers(1, 5), min_size=1, max_size=3)
STORES = st.dictionaries(st.sampled_from(["s1", "s2", "s3", "s4"]), UNITS, max_size=4)


@given(WANTED, STORES, st.sampled_from([None, "s2", "mars"]))
def test_an_offer_is_within_the_rights_and_whole_ones_come_first(
    wanted: dict[str, int], held: dict[str, dict[str, int]], near: str | None
) -> None:
    found = promise_rules.offers(wanted, held, near)
    for one in found:
        assert all(one.units[sku] <= held[one.store].get(sku, 0) for sku in wanted)
        assert one.whole == all(held[one.store].get(sku, 0) >= qty for sku, qty in wanted.items())
        assert any(one.units.values())
    assert [one.whole for one in found] == sorted((one.whole for one in found), reverse=True)
    offered = {one.store for one in found}
    assert offered == {name for name, units in held.items() if any(units.get(s) for s in wanted)}
    whole = [one.store for one in found if one.whole]
    assert "s2" not in whole or near != "s2" or whole[0] == "s2"


def test_most_lines_come_before_most_units_and_near_only_among_equals() -> None:
    held = {"s1": {"A": 9, "B": 1}, "s2": {"A": 2, "B": 2}, "s3": {"A": 3, "B": 0}}
    wanted = {"A": 3, "B": 3}
    order = [one.store for one in promise_rules.offers(wanted, held, near="s2")]
    assert order == ["s1", "s3", "s2"]
    equal = {"s1": {"A": 3}, "s2": {"A": 3}}
    order = [one.store for one in promise_rules.offers({"A": 3}, equal, near="s2")]
    assert order == ["s2", "s1"]


def test_a_store_lacks_what_it_has_no_unit_of_and_else_is_asked() -> None:
    said = promise_rules.words(
        {"A": 2}, {"s1": {"A": 2}, "s2": {"A": 1}, "s3": {"A": 1}},
        {"s1": {"A"}, "s2": (), "s3": {"A"}, "s4": (), "s5": {"B"}},
    )  # fmt: skip
    assert said == {"s1": "has", "s2": "asks", "s3": "lacks", "s4": "asks", "s5": "asks"}


MINUTES = st.none() | st.integers(0, 600)


@given(MINUTES, st.integers(0, 3000), st.integers(0, 3000))
def test_a_longer_silence_never_brings_a_promise_nearer(
    told: int | None, one: int, more: int
) -> None:
    def ready(silent: int) -> promise_rules.Ready:
        return promise_rules.ready(told, NOON - timedelta(minutes=silent), NOON)

    soon, late = ready(one), ready(one + more)
    if not told:
        assert soon == late == (None, "paused" if told == 0 else "unknown")
        return
    assert soon.minutes is not None
    assert late.minutes is not None
    assert told <= soon.minutes <= late.minutes
    assert soon.minutes == told or soon.minutes >= told + max(60, one)
    assert promise_rules.ready(told, None, NOON) == (None, "unknown")


BERLIN = ZoneInfo("Europe/Berlin")
HOURS = st.sampled_from(
    [
        "",
        "mo-fr 08:00-20:00, sa 09:00-18:00",
        "mo-su 00:00-24:00",
        "mo-su 09:00-12:30, fr 18:00-23:00",
    ]
)
HALF_HOURS = st.integers(0, 400).map(lambda n: timedelta(minutes=30) * n)


@given(HALF_HOURS, st.integers(1, 40), HALF_HOURS, HALF_HOURS, HOURS)
def test_no_promise_lies_in_closed_hours_nor_before_the_hubs_own_work(
    since: timedelta, steps: int, silent: timedelta, more: timedelta, text: str
) -> None:
    """A hub tells what it would promise; head office promises by it, whenever it is asked."""
    at, told_at = promise_rules.opened(text, "Europe/Berlin"), NOON + since
    work = timedelta(minutes=30) * steps
    minutes = (hours.ready(at.week, told_at, work, BERLIN) - told_at) // timedelta(minutes=1)
    asked, later = told_at + silent, told_at + silent + more

    def due(now: datetime, opened: promise_rules.Open = at) -> datetime:
        found, _when = promise_rules.due(minutes, told_at, now, opened)
        assert found is not None
        return found

    assert hours.is_open(at.week, due(asked), BERLIN)
    assert due(asked) >= hours.ready(at.week, asked, work, BERLIN), "as the hub itself would"
    assert due(asked) <= due(later)
    if text in ("", "mo-su 00:00-24:00"):
        assert due(asked) == due(asked, promise_rules.ALWAYS)


def test_hours_that_this_release_cannot_read_count_as_always() -> None:
    for text, zone in (
        ("daily", "UTC"),
        ("mo 08:00-09:00", "Mars/Base"),
        ("mo 08:00-09:00", "../x"),
    ):
        assert promise_rules.opened(text, zone) == promise_rules.ALWAYS


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    """Mill Lane has 9 and keeps them; Harbour lent 5 of its 7; Hill was never heard."""
    central = Central(tmp_path_factory.mktemp("head-office"))
    say = _says(central)
    say("store-1", received("m", "4711", 9), received("m2", "4713", 1))
    for store, name in (("harbour", "Harbour Street"), ("hill", "Hill Road")):
        assert central.post("/stores", {"store": store, "name": name}).status_code == 201
    lent = entry("l", {"sku": "4711", "granted": 5}, kind="RightsGranted")
    also = entry("l2", {"sku": "4712", "granted": 1}, kind="RightsGranted")
    say("harbour", received("h", "4711", 7), lent, also)
    yield central
    central.stop()


def _says(central: Central) -> Callable[..., Any]:
    from sync import frames
    from sync.central import store_access, store_journal
    from sync.protocol import About, Push

    office = central.running.inventory.store

    def say(store: str, *contents: bytes, **said: Any) -> None:
        office.run(lambda tx: store_access.add_store(tx, store, store))
        credential = office.run(lambda tx: store_access.create_credential(tx, store))
        with office.reader() as conn:
            head = store_journal.head(conn, store)
        answer = requests.post(
            f"{central.url}/sync/v1/stores/{store}/journal",
            data=frames.pack_push(
                Push(Pair(*head), contents, about=About(**said))
            ),
            timeout=40,
            headers=PUSH | {"Authorization": f"Bearer {credential}", "X-StoreHub-Protocol": "1"},
        )  # fmt: skip
        assert answer.status_code == 200

    return say


def test_other_channels_hear_the_rights_and_never_the_stock(office: Central) -> None:
    shown = office.get("/stock/4711").json()
    assert shown["rights"] == 5
    (item,) = shown["items"]
    assert (item["store"], item["name"], item["rights"]) == ("harbour", "Harbour Street", 5)
    assert item["as_of"]
    assert set(item) == {"store", "name", "rights", "as_of"}
    assert "7" not in office.get("/stock/4711").text.replace("4711", "").split('"as_of"')[0]
    assert office.get("/stock/unknown").json()["items"] == []


def test_stores_that_can_give_all_are_named_and_a_part_is_said_to_be_one(office: Central) -> None:
    lines = [{"sku": "4711", "qty": 2}, {"sku": "4711", "qty": 3}]
    (item,) = office.post("/promise", {"lines": lines, "near": "store-1"}).json()["items"]
    assert (item["store"], item["whole"]) == ("harbour", True)
    assert item["lines"] == [{"sku": "4711", "qty": 5, "rights": 5}]
    (part,) = office.post("/promise", {"lines": [*lines, lines[0]]}).json()["items"]
    assert part["whole"] is False
    key = office.post("/promise", {"lines": lines}, key="k-1")
    again = office.post("/promise", {"lines": lines}, key="k-1")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (key.json(), "true")
    for wrong in (
        {"lines": []},
        {"lines": [{"sku": "", "qty": 1}]},
        {"lines": [{"sku": "a", "qty": 0}]},
    ):
        assert office.post("/promise", wrong).status_code == 422
    assert requests.post(f"{office.url}/api/v1/promise", json={}, timeout=40).status_code == 401


def test_rights_of_a_store_that_has_not_agreed_with_this_life_of_central_are_not_counted(
    central: Central,
) -> None:
    _says(central)("harbour", entry("l", {"sku": "4711", "granted": 5}, kind="RightsGranted"))
    wanted = {"lines": [{"sku": "4711", "qty": 1}]}
    assert len(central.post("/promise", wanted).json()["items"]) == 1
    central.running.inventory.store.renew(central.running.inventory.store.generation)
    assert central.post("/promise", wanted).json()["items"] == []
    assert central.get("/stock/4711").json()["rights"] == 0


def test_a_pickup_store_without_the_goods_is_not_offered(office: Central) -> None:
    """Defect 9. It is a yes or no: how many units there are cannot be found out by asking."""

    def said(**basket: int) -> dict[str, str]:
        found = requests.get(f"{office.url}/offers", params=basket, timeout=40).json()["stores"]
        assert isinstance(found, dict)
        return found

    assert said(**{"4711": 5}) == {"store-1": "asks", "harbour": "has", "hill": "asks"}
    assert said(**{"4711": 10}) == {"store-1": "asks", "harbour": "asks", "hill": "asks"}
    assert said(**{"4712": 1}) == {"store-1": "lacks", "harbour": "has", "hill": "asks"}
    assert said() == {}
    bad = requests.get(f"{office.url}/offers?4711=some", timeout=40)
    assert bad.status_code == 422


def test_the_order_page_names_a_store_that_has_the_goods(office: Central) -> None:
    rows = [{"kind": "product", "sku": "4712", "names": {"en": "Butter"}}]
    assert office.post("/catalog/import", {"rows": rows}).status_code == 200
    browser = requests.Session()
    page = browser.get(f"{office.url}/", timeout=40).text
    csrf = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": csrf, "qty:4712": "1", "name": "Ida", "store": "store-1"}
    head = {"Referer": office.url, "Accept": "text/html"}
    refused = browser.post(f"{office.url}/orders", data=form, headers=head, timeout=40)
    assert refused.status_code == 422
    assert "Harbour Street has it now" in refused.text
    assert 'name="asked" value="store-1"' in refused.text
    # Who insists has the store decide.
    placed = browser.post(
        f"{office.url}/orders", data=form | {"asked": "store-1"}, headers=head, timeout=40
    )
    assert "Thank you!" in placed.text
    # Where nobody is known to have it, the store decides as well.
    nobody = form | {"qty:4713": "1", "qty:4712": "0", "store": "harbour"}
    asked = browser.post(f"{office.url}/orders", data=nobody, headers=head, timeout=40)
    assert "Thank you!" in asked.text
    there = browser.post(
        f"{office.url}/orders", data=form | {"store": "harbour"}, headers=head, timeout=40
    )
    assert "Thank you!" in there.text


def test_an_order_names_its_fallback_on_the_customers_page(office: Central) -> None:
    from tests.sync.test_fallback import proposed

    assert (
        office.post("/orders", order_body("Q-1", {"4711": 2}, fallback="harbour")).status_code
        == 201
    )
    _says(office)("store-1", *proposed("Q-1", "OrderRejected", "store-1"))
    page = requests.get(f"{office.url}/orders/Q-1", timeout=40).text
    assert "Mill Lane could not fulfill your order, so Harbour Street has it now" in page


def test_head_office_promises_by_what_each_store_said_and_later_for_a_silent_one(
    central: Central,
) -> None:
    say, store = _says(central), central.running.inventory.store
    wanted = {"lines": [{"sku": "4711", "qty": 1}]}
    for name, units, minutes in (("a-paused", 9, 0), ("b-quick", 5, 30), ("c-old", 3, None)):
        lent = entry(f"l-{name}", {"sku": "4711", "granted": units}, kind="RightsGranted")
        say(name, lent, promise_minutes=minutes)

    def ready() -> list[tuple[str, int | None, str]]:
        items = central.post("/promise", wanted).json()["items"]
        return [(one["store"], one["ready"]["minutes"], one["ready"]["when"]) for one in items]

    assert ready() == [
        ("b-quick", 30, "told"), ("c-old", None, "unknown"), ("a-paused", None, "paused")
    ]  # fmt: skip

    def promised(order_id: str, promise_at: str | None = None) -> str | None:
        body = order_body(order_id, {"4711": 1}, store="b-quick", promise_at=promise_at)
        assert central.post("/orders", body).status_code == 201
        at: str | None = central.get(f"/orders/{order_id}").json()["promise_at"]
        return at

    assert promised("Q-1") is None, "the store says it itself"

    ago = stamp(store.clock.now() - timedelta(hours=3))
    silent = "UPDATE store SET told_at = ? WHERE store_id = 'b-quick'"
    store.run(lambda tx: tx.conn.execute(silent, (ago,)) and None)
    assert ready()[0] == ("b-quick", 215, "silent")
    before = store.clock.now()
    late = parse(promised("Q-2") or "") - before
    assert timedelta(minutes=214) < late < timedelta(minutes=216)
    assert (promised("Q-3", "2031-01-01T10:00:00Z") or "").startswith("2031-01-01T10:00")


def test_a_silent_store_is_promised_for_hours_in_which_it_is_open(central: Central) -> None:
    say, store = _says(central), central.running.inventory.store
    lent = entry("l-x", {"sku": "4711", "granted": 5}, kind="RightsGranted")
    now = store.clock.now().astimezone(BERLIN)
    tomorrow = hours.DAYS[(now.weekday() + 1) % 7]
    opens = f"{tomorrow} 10:00-18:00"
    say("b-quick", lent, promise_minutes=30, opening_hours=opens, time_zone="Europe/Berlin")
    ago = stamp(store.clock.now() - timedelta(days=8))
    silent = "UPDATE store SET told_at = ? WHERE store_id = 'b-quick'"
    store.run(lambda tx: tx.conn.execute(silent, (ago,)) and None)
    (item,) = central.post("/promise", {"lines": [{"sku": "4711", "qty": 1}]}).json()["items"]
    assert item["ready"]["when"] == "silent"
    body = order_body("Q-1", {"4711": 1}, store="b-quick")
    assert central.post("/orders", body).status_code == 201
    promised = parse(central.get("/orders/Q-1").json()["promise_at"]).astimezone(BERLIN)
    assert hours.is_open(hours.read(opens), promised, BERLIN)
    minutes = item["ready"]["minutes"]
    assert abs(promised - store.clock.now() - timedelta(minutes=minutes)) < timedelta(minutes=2)


def test_a_customer_who_waits_hears_of_a_store_that_is_busy_pauses_or_is_silent(
    central: Central,
) -> None:
    from tests.sync.test_fallback import proposed

    say, store = _says(central), central.running.inventory.store
    assert central.post("/orders", order_body("Q-1", {"4711": 2})).status_code == 201

    def shown(**headers: str) -> str:
        return requests.get(f"{central.url}/orders/Q-1", headers=headers, timeout=40).text

    def now() -> str:
        return str(central.get("/orders/Q-1").json()["store_now"])

    assert (now(), "store-now" in shown()) == ("unknown", False), "no hub has told of it yet"
    say("store-1", *proposed("Q-1", "OrderReserved", "store-1"), promise_minutes=60)
    assert now() == "unknown", "a hub of an older release tells no pace"
    for pace, german in (("slow", "ist viel los"), ("paused", "stellt im Moment nichts zusammen")):
        say("store-1", promise_minutes=60, pace=pace)
        assert now() == pace
        assert german in shown(**{"Accept-Language": "de"})
        assert "Ida" not in shown()
    assert "The store has paused picking for now" in shown()
    ago = stamp(store.clock.now() - timedelta(minutes=11))
    silent = "UPDATE store SET told_at = ? WHERE store_id = 'store-1'"
    store.run(lambda tx: tx.conn.execute(silent, (ago,)) and None)
    assert now() == "silent"
    assert "The store has no connection right now" in shown()
    say("store-1", promise_minutes=60, pace="normal")
    assert (now(), "store-now" in shown()) == ("normal", False)
    say("store-1", promise_minutes=60, pace="slow")
    ready = entry("ready", {"order_id": "Q-1"}, kind="OrderReady")
    taken = {"order_id": "Q-1", "by": "staff:ada"}
    staged = entry("staged", {"order_id": "Q-1", "shelf": "A-1"}, kind="OrderStaged")
    say("store-1", entry("claim", taken, kind="PickingClaimed"), staged, ready, pace="slow")
    assert central.get("/orders/Q-1").json()["state"] == "READY_FOR_PICKUP"
    assert "store-now" not in shown(), "who may come has nothing to wait for"


def test_an_order_says_what_its_store_promised_and_what_it_was_before(central: Central) -> None:
    from tests.sync.test_fallback import proposed

    say = _says(central)
    say("harbour")

    def by(store: str, then: str, at: str) -> list[bytes]:
        taken, ended = proposed("Q-1", then, store)
        return [taken.replace(b'"short_code"', f'"promise_at":"{at}","short_code"'.encode()), ended]

    body = order_body("Q-1", {"4711": 2}, fallback="harbour")
    assert central.post("/orders", body).status_code == 201
    first, later = "2031-01-01T10:00:00.000Z", "2031-01-01T14:30:00.000Z"
    say("store-1", *by("store-1", "OrderRejected", first))
    order = central.get("/orders/Q-1").json()
    assert (order["state"], order["promise_at"], order["promise_was"]) == ("PROPOSED", None, first)
    say("harbour", *by("harbour", "OrderReserved", later))
    order = central.get("/orders/Q-1").json()
    assert (order["promise_at"], order["promise_was"]) == (later, first)
    page = requests.get(f"{central.url}/orders/Q-1", timeout=40).text
    moved = page.split('id="promise-moved"')[1].split("</p>")[0]
    assert f'<time datetime="{first}">' in moved.split("and is now promised for")[0]
    assert f'<time datetime="{later}">' in moved.split("and is now promised for")[1]
    # One that never moved says its promise, and no more.
    body = order_body("Q-2", {"4711": 2}, promise_at=first)
    assert central.post("/orders", body).status_code == 201
    page = requests.get(f"{central.url}/orders/Q-2", timeout=40).text
    assert "Promised for" in page
    assert "promise-moved" not in page


def test_no_word_of_a_hub_makes_central_reckon_for_ever() -> None:
    opened = promise_rules.opened("mo-fr 08:00-20:00", "Europe/Berlin")
    most, _ = promise_rules.due(promise_rules.MOST_MIN, NOON, NOON, opened)
    assert promise_rules.due(10**12, NOON, NOON, opened) == (most, "told")
    assert promise_rules.opened("mo-fr 08:00-20:00", "Europe") == promise_rules.ALWAYS
