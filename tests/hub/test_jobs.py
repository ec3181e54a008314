"""What the store does by itself: it waits for a person who was faster."""

from datetime import timedelta

from hub import jobs
from hub.pickup import actions as pickup
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
