"""Six in the evening: 150 orders, no line, two kills; everybody goes home with their own goods."""

import json
import os
import secrets
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.floor import Floor
from tests.kill.peak import Hour, Wanted, associate, counter, line_cut

ORDERS = 150
SECONDS = float(os.environ.get("PEAK_SECONDS", "60"))


def customers_come(hour: Hour, known: list[Wanted], began: float) -> list[Wanted]:
    """Half of the orders stand here when the line is cut; the rest come with codes alone."""
    wanted = list(known)
    for n in range(ORDERS):
        due = began + n * SECONDS / ORDERS
        time.sleep(max(0.0, due - time.monotonic()))
        if n % 2:
            wanted.append(hour.order(known=False))
            hour.to_pick.put(wanted[-1])
        else:
            hour.to_pick.put(known[n // 2])
        if n == ORDERS // 3:
            hour.floor.kill("broker")
        if n == ORDERS * 2 // 3:
            hour.floor.kill("hub")
    return wanted


@pytest.mark.timeout(SECONDS + 400)
def test_at_the_peak_each_order_is_handed_over_exactly_once(
    new_floor: Callable[..., Floor],
) -> None:
    floor = new_floor("mosquitto")
    goods = floor.goods(12)
    floor.receive({one["sku"]: 300 for one in goods})
    had = {one["sku"]: floor.on_hand(one["sku"]) for one in goods}
    seed = int(os.environ.get("PEAK_SEED", secrets.randbelow(10**6)))
    hour = Hour(floor, goods, seed)
    known = [hour.order(known=True) for _ in range(ORDERS // 2)]
    for one in known:
        floor.arrived(one.order_id)
    staff = floor.facts()["staff"]
    people = [partial(associate, hour, "scanner-1", staff[0]["badge"]),
              partial(associate, hour, "scanner-2", staff[1]["badge"]),
              partial(counter, hour, staff[0]), partial(counter, hour, staff[1])]  # fmt: skip
    with line_cut(floor):
        began = time.monotonic()
        working = [hour.alone(one) for one in people]
        wanted = customers_come(hour, known, began)
        for _ in range(2):
            hour.to_pick.put(None)
        for one in working[:2]:
            one.join()
        for _ in range(2):
            hour.to_hand_over.put(None)
        for one in working[2:]:
            one.join()
        took = time.monotonic() - began
    if hour.troubles:
        raise AssertionError(f"seed {seed}") from hour.troubles[0]
    joined = time.monotonic()
    floor.in_step()
    for one in wanted:
        at_central = partial(floor.central.json, f"/orders/{one.order_id}")
        floor.until(
            lambda ask=at_central: ask()["state"] == "PICKED_UP", f"central has {one.order_id}", 60
        )
    told = time.monotonic() - joined
    judge(floor, wanted, had)
    assert set(hour.again) == {409}, "a second handover has to be refused"
    say(hour, took, told, seed)


def judge(floor: Floor, wanted: list[Wanted], had: dict[str, int]) -> None:
    """One handover an order, each unit gone once, each unheard order merged once."""
    rows = floor.storehub("export", "journal").stdout.splitlines()
    entries: list[dict[str, Any]] = [json.loads(row)["entry"] for row in rows]
    handed = Counter(
        fact["body"]["order_id"] for fact in entries if fact["type"] == "OrderHandedOver"
    )
    assert handed == dict.fromkeys((one.order_id for one in wanted), 1)
    matched = Counter(
        fact["body"]["order_id"] for fact in entries if fact["type"] == "OrderMatched"
    )
    assert matched == dict.fromkeys((one.order_id for one in wanted if not one.known), 1)
    sold: Counter[str] = Counter()
    for one in wanted:
        sold.update(one.units)
    assert {sku: floor.on_hand(sku) for sku in had} == {sku: had[sku] - sold[sku] for sku in had}
    report = floor.verify()
    assert report["ok"], report


def say(hour: Hour, took: float, told: float, seed: int) -> None:
    print(
        f"peak hour, seed {seed}: {ORDERS} orders in {took:.0f} s"
        f" ({3600 / SECONDS:.0f} times as fast), line down, broker and hub killed once each;"
        f" central had all {told:.1f} s after the line was back",
        file=sys.stderr,
    )
    for what, waits in hour.waits.items():
        print(
            f"  {what}: {len(waits)}, median {statistics.median(waits) * 1000:.0f} ms,"
            f" longest {max(waits) * 1000:.0f} ms",
            file=sys.stderr,
        )
