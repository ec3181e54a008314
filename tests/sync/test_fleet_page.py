"""Head office looks at its fleet: who is silent, who is refused, who does not drain; by HTTP."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from hub.chain import ORIGIN, Pair
from hub.clock import FixedClock, stamp
from sync import frames
from sync.central import Running, add_store, create_token, store_access
from sync.protocol import About, Badge, Push
from tests.sync.pair import PUSH, entry, received

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Office:
    """A central on a clock that the test moves, and its stores' hubs."""

    def __init__(self, directory: Path) -> None:
        self.credential = add_store(directory, "s-1", "Mill Lane")
        self.token = create_token(directory, "test", "read")
        self.clock = FixedClock(NOON)
        self.running = Running(directory, clock=self.clock)
        self.url = self.running.url

    def push(self, *contents: bytes, after: Pair = ORIGIN, **more: Any) -> requests.Response:
        body = frames.pack_push(Push(after, contents, **more))
        return self.send(body)

    def send(self, body: bytes, **headers: str) -> requests.Response:
        head = PUSH | {"Authorization": f"Bearer {self.credential}", "X-StoreHub-Protocol": "1"}
        url = f"{self.url}/sync/v1/stores/s-1/journal"
        return requests.post(url, data=body, headers=head | headers, timeout=40)

    def fleet(self, **query: str) -> dict[str, Any]:
        head = {"Authorization": f"Bearer {self.token}"}
        answer = requests.get(f"{self.url}/api/v1/fleet", params=query, headers=head, timeout=40)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def row(self) -> dict[str, Any]:
        (row,) = self.fleet(q="s-1")["items"]
        return dict(row)

    def page(self, **query: str) -> str:
        head = {"Authorization": f"Bearer {self.token}", "Accept": "text/html"}
        return requests.get(f"{self.url}/fleet", params=query, headers=head, timeout=40).text

    def pass_s(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.running.stop()


def about(**changes: Any) -> About:
    said = {"at": stamp(NOON), "release": "0.1.0", "schema": 1, "head": 1}
    return About(**said | changes)


def test_a_hub_is_shown_as_it_says_and_as_it_is_heard(office: Office) -> None:
    assert office.row()["condition"] == "new"
    # Facts are from 10:00 by the hub's clock, and so is what it says of itself: 12:00.
    told = about(head=41, oldest_s=30, quarantine=3)
    assert office.push(received("a", "4711", 1), about=told).status_code == 200
    row = office.row()
    assert (row["backlog"], row["oldest_s"], row["lag_s"]) == (40, 30, 7200)
    assert (row["release"], row["schema"], row["agreed"]) == ("0.1.0", 1, True)
    assert (row["condition"], row["quarantine"]) == ("quarantine", {"central": 0, "hub": 3})
    office.pass_s(100)
    assert (office.row()["silent_s"], office.row()["oldest_s"]) == (100, 130)
    office.pass_s(80)
    assert office.row()["condition"] == "unreachable"
    assert office.row()["since"] == stamp(NOON)
    head = office.push(after=ORIGIN).json()["head"]
    office.push(after=Pair(**head), about=about(head=1))
    row = office.row()
    assert (row["condition"], row["backlog"], row["oldest_s"]) == ("well", 0, 0)


def test_a_hubs_wrong_clock_makes_no_fact_late(office: Office) -> None:
    wrong = datetime(1970, 1, 1, 0, 10, tzinfo=UTC)
    at = "1970-01-01T00:00:00.000Z"
    fact = received("a", "4711", 1).replace(b"2026-11-21T10:00:00.000Z", at.encode())
    office.push(fact, about=about(at=stamp(wrong)))
    assert office.row()["lag_s"] == 600


def test_a_hub_of_an_older_release_says_nothing_and_is_as_good(office: Office) -> None:
    assert office.push(received("a", "4711", 1)).status_code == 200
    row = office.row()
    assert (row["condition"], row["backlog"], row["release"]) == ("well", None, None)


def test_a_newer_hub_may_say_more(office: Office) -> None:
    header = b'{"after":{"seq":0,"hash":"%s"},"about":{"head":9,"mood":"fine"},"more":[1]}\n'
    body = frames.compress(header % (b"00" * 32) + received("a", "4711", 1) + b"\n")
    assert office.send(body).status_code == 200
    assert office.row()["backlog"] == 8


REFUSED: dict[str, tuple[bytes, dict[str, str]]] = {
    "damaged": (frames.pack_push(Push(ORIGIN, (entry("a", {}, n=2),))), {}),
    "unparsable": (b"no zstd", {}),
    "media-type": (b"{}", {"Content-Type": "application/json"}),
    "protocol-version": (b"", {"X-StoreHub-Protocol": "99"}),
    "behind": (frames.pack_push(Push(Pair(7, "ab" * 32))), {}),
}


def test_who_is_heard_and_refused_failed(office: Office) -> None:
    for why, (body, headers) in REFUSED.items():
        assert office.push().status_code == 200
        began = office.clock.now()
        for _ in range(3):
            assert office.send(body, **headers).status_code >= 400
            office.pass_s(45)
        row = office.row()
        assert (row["condition"], row["refused"], row["since"]) == ("failed", why, stamp(began))
        assert row["silent_s"] == 45
        office.pass_s(700)
        assert office.row()["condition"] == "failed"
        office.pass_s(200)
        assert office.row()["condition"] == "unreachable"
        assert office.push().status_code == 200
        assert (office.row()["condition"], office.row()["refused"]) == ("well", None)


def test_whose_credential_was_revoked_is_heard_and_failed(office: Office) -> None:
    office.push(received("a", "4711", 1))
    office.running.inventory.store.run(lambda tx: store_access.revoke(tx, "s-1"))
    for _ in range(3):
        assert office.push().status_code == 401
        office.pass_s(45)
    assert (office.row()["condition"], office.row()["refused"]) == ("failed", "credential")


def test_two_hubs_on_line_come_first(office: Office) -> None:
    badges = [Badge(hardware=name) for name in ("one", "two")]
    numbers = [office.push(badge=badge).json()["number"] for badge in badges]
    # A hello is no refusal.
    assert office.row()["refused"] is None
    from sync.protocol import Number

    for n, told in ((1, 0), (0, 2)):
        number = Number(**numbers[n])
        office.push(badge=Badge(number, told, badges[n].hardware))
    assert office.row()["condition"] == "held"
    assert "two hubs" in office.page()


def test_the_page_is_for_those_with_a_token(office: Office) -> None:
    browser = requests.Session()
    head = {"Accept": "text/html", "Referer": office.url}
    closed = browser.get(f"{office.url}/fleet", headers=head, timeout=40)
    assert closed.status_code == 401
    assert "Mill Lane" not in closed.text
    assert requests.get(f"{office.url}/api/v1/fleet", timeout=40).status_code == 401
    csrf = closed.text.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": csrf, "token": "shc_wrong"}
    door = f"{office.url}/fleet/sign-in"
    assert browser.post(door, data=form, headers=head, timeout=40).status_code == 401
    assert (
        browser.post(door, data={"token": office.token}, headers=head, timeout=40).status_code
        == 400
    )
    opened = browser.post(door, data=form | {"token": office.token}, headers=head, timeout=40)
    assert (opened.status_code, opened.url) == (200, f"{office.url}/fleet")
    assert "Mill Lane" in opened.text
    assert office.token not in str(browser.cookies.get_dict())
    office.running.inventory.store.run(lambda tx: tx.conn.execute("DELETE FROM token"))
    assert browser.get(f"{office.url}/fleet", headers=head, timeout=40).status_code == 401


def many(office: Office, count: int) -> None:
    """Make a fleet: 37 stores silent since 11:50, one in fifty by itself, the others well."""
    told = '{"at":"2026-11-21T12:00:00.000Z","release":"0.1.0","schema":1,"head":100}'

    def work(tx: Any) -> None:
        for n in range(count):
            heard = NOON - timedelta(seconds=30 + n % 60)
            if n < 37:
                heard = NOON - timedelta(seconds=600 + n)
            elif n % 50 == 0:
                heard = NOON - timedelta(hours=2, seconds=n * 61)
            tx.conn.execute(
                "INSERT INTO store (store_id, name, added_at, hash, seq, heard_at, pushed_at,"
                " told, told_at, agreed) VALUES (?1, ?2, ?3, '', 100, ?4, ?4, ?5, ?4, 'x')",
                (f"n-{n:04}", f"Store & Sons number {n}", stamp(NOON), stamp(heard), told),
            )

    office.running.inventory.store.run(work)


def test_two_thousand_stores_are_a_light_page(office: Office) -> None:
    many(office, 2000)
    page = office.page()
    assert len(page.encode()) < 100_000
    assert page.count("<tr") == 101
    assert (
        re.sub(r"<[^>]+>", "", page).count("37 stores silent since 11:50: probably the network")
        == 1
    )
    assert "n-0001</small>" not in page
    found = office.fleet()
    assert found["counts"]["unreachable"] == 37 + 39
    assert [(one["stores"], one["since"]) for one in found["groups"]] == [
        (37, stamp(NOON - timedelta(seconds=600)))
    ]
    assert (len(found["items"]), found["next"]) == (100, 100)
    seen, after = set(), 0
    while after is not None:
        part = office.fleet(after=str(after))
        seen |= {one["store"] for one in part["items"]}
        after = part["next"]
    assert len(seen) == 2001
    last = office.page(after="1900")
    assert "Mill Lane" in last or "Store &amp; Sons" in last
    since = found["groups"][0]["since"]
    assert office.page(group=since).count("<tr") == 38
    assert "n-0100" in office.page(q="number 100")
    assert office.page(condition="failed").count("<tr") == 0
    assert len(office.page(q="no such store")) < 10_000


def test_prometheus_hears_of_each_store_in_bounded_numbers(office: Office) -> None:
    office.push(received("a", "4711", 1), about=about(head=5, oldest_s=7))
    lent = entry("l", {"sku": "4711", "granted": 5}, kind="RightsGranted")
    office.push(lent, after=Pair(**office.push().json()["head"]), about=about(head=5, oldest_s=7))
    office.send(b"no zstd")
    told = requests.get(f"{office.url}/metrics", timeout=40).text
    for line in (
        'central_store_backlog{store="s-1"} 3.0',
        'central_store_oldest_unsent_seconds{store="s-1"} 7.0',
        'central_store_rights_held{store="s-1"} 5.0',
        'central_store_silent_seconds{store="s-1"} 0.0',
        'central_stores{condition="well"} 1.0',
        'central_refusals_total{door="push",status="400"} 1.0',
        "central_promise_breaks 0.0",
    ):
        assert line in told, line
    each = {line.split("{")[0] for line in told.splitlines() if 'store="s-1"' in line}
    assert len(each) <= 12
