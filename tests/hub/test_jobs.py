"""What the store does by itself: it waits for a person who was faster."""

import errno
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from hub import broker, jobs, operations
from hub.errors import Unavailable
from hub.fleet import actions as fleet
from hub.fleet.watch import queries as watch
from hub.fleet.watch import tables
from hub.pickup import actions as pickup
from hub.stock import queries as stock
from hub.stock.rights import Quota
from tests.hub.shop import Shop


def expire(shop: Shop) -> None:
    jobs._expire(shop.store)


def test_an_order_that_nobody_collects_expires(shop: Shop) -> None:
    shop.receive("MILK", 1)
    shop.made_ready("R-1", ("MILK", 1))
    shop.clock.advance(timedelta(days=shop.store.settings.pickup_days, seconds=1))
    expire(shop)
    assert shop.state("R-1") == "EXPIRED"


def test_an_order_that_is_put_on_hold_at_the_last_moment_does_not_expire(
    shop: Shop,
) -> None:
    shop.receive("MILK", 1)
    shop.made_ready("R-1", ("MILK", 1))
    shop.clock.advance(timedelta(days=shop.store.settings.pickup_days, seconds=1))
    found = shop.run(lambda tx: pickup.overdue(tx, timedelta(days=shop.store.settings.pickup_days)))
    assert found == ["R-1"]
    run = shop.store.writer.run

    def slow(work):  # type: ignore[no-untyped-def]
        done = run(work)
        if done == ["R-1"]:
            shop.do(pickup.hold, "R-1", "BUYER_REQUEST")
        return done

    shop.store.writer.run = slow  # type: ignore[method-assign]
    expire(shop)
    assert shop.state("R-1") == "ON_HOLD"


def test_what_the_hub_did_not_hear_while_it_was_deaf_is_nobody_s_silence(shop: Shop) -> None:
    now_ms = round(shop.clock.now().timestamp() * 1000)
    shop.run(lambda tx: fleet.enroll(tx, "till-1", kind="till", place="counter"))
    heard: dict[str, Any] = {"online": True, "live": True, "firmware": None, "battery_pct": None}
    shop.run(lambda tx: tables.status(tx.conn, "till-1", at_ms=now_ms, **heard))
    ingest: Any = SimpleNamespace(connected=False)
    work, limits = jobs._watch(shop.store, ingest), jobs.limits_of(shop.store.settings)

    def state(later: timedelta) -> str:
        shop.clock.advance(later)
        work(shop.clock.now())
        now_ms = round(shop.clock.now().timestamp() * 1000)
        return str(shop.store.read(watch.device, "till-1", now_ms, limits).state)

    state(timedelta(hours=3))
    ingest.connected = True
    assert state(timedelta(seconds=5)) == "online"
    assert state(timedelta(minutes=9)) == "online"
    assert state(timedelta(minutes=2)) == "away"


def test_rights_are_looked_at_beside_the_writer_and_written_only_where_they_change(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.receive("MILK", 20)
    shop.place("R-1", ("MILK", 2), channel="web")
    lend = jobs._lend(shop.store, Quota(outage_h=720))
    monkeypatch.setattr(shop.clock, "quality", lambda: "unknown")
    lend(shop.clock.now())
    assert lent(shop) == 0, "whose demand is of this week, nobody knows"
    monkeypatch.undo()
    lend(shop.clock.now())
    assert lent(shop) > 0
    monkeypatch.setattr(shop.store.writer, "run", lambda work: pytest.fail("nothing to write"))
    lend(shop.clock.now())


def lent(shop: Shop) -> int:
    return int(shop.store.read(stock.rights, "MILK").held)


def test_the_broker_hears_of_a_device_s_end_that_nobody_told_it_of(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights, there = shop.store.directory / "broker" / "acl", [False]
    look = operations.keep_accounts(shop.store, lambda: there[0])
    shop.run(lambda tx: fleet.enroll(tx, "till-1", kind="till", place="counter"))
    look(shop.clock.now())
    assert not rights.exists(), "a broker that starts reads its files itself"
    there[0] = True
    look(shop.clock.now())
    assert "user till-1" in rights.read_text()
    # As after a kill that came before the files, or a repair of the journal.
    shop.run(lambda tx: fleet.revoke(tx, "till-1"))
    files = sorted(rights.parent.iterdir())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("hub.broker.os.fsync", full)
        for _ in range(3):
            with pytest.raises(Unavailable, match="cannot be written"):
                look(shop.clock.now())
    assert sorted(rights.parent.iterdir()) == files, "a try leaves nothing behind"
    look(shop.clock.now())
    assert "user till-1" not in rights.read_text()
    monkeypatch.setattr(broker, "_write", full)
    look(shop.clock.now())
