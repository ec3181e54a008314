"""What ingest hears becomes what the console says: clock, outbox, numbers, the last events."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.clock import stamp
from hub.fleet.watch import queries
from hub.fleet.watch.queries import Device
from hub.fleet.watch.rules import Limits
from hub.ingest import queries as observed
from tests.hub.ingesting import Fake, body, scan, spine
from tests.hub.kernel import NOON


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Fake]:
    with spine(tmp_path) as made:
        yield Fake(made)


def till(hub: Fake) -> Device:
    hub.settle()
    with hub.spine.database.reader() as reader:
        return queries.device(reader, "till", round(NOON.timestamp() * 1000), Limits())


def test_a_heartbeat_tells_what_waits_in_the_device(hub: Fake) -> None:
    told = {"outbox": 7, "oldest_s": 900, "dropped": 2, "offline_hours_left": 5.5}
    hub.send("till", "heartbeat", body(told))
    found = till(hub)
    assert (found.outbox, found.oldest_s, found.dropped) == (7, 900, 2)
    assert found.needs == ("unknown", "waiting", "dropped")
    hub.send("till", "heartbeat", body({"outbox": 0, "dropped": 0}))
    assert till(hub).needs == ("unknown",)


def test_a_clock_is_judged_by_uptime_so_that_a_late_event_is_not_off(hub: Fake) -> None:
    hub.send("till", "scan", scan(at=stamp(NOON), uptime_ms=3_600_000))
    hub.settle()
    half = stamp(NOON - timedelta(minutes=30))
    hub.send("till", "scan", scan(at=half, uptime_ms=1_800_000))
    assert till(hub).drift_ms == 0
    ahead = stamp(NOON + timedelta(minutes=2))
    hub.send("till", "scan", scan(at=ahead, uptime_ms=3_600_000))
    found = till(hub)
    assert (found.drift_ms, found.needs) == (120_000, ("unknown", "clock"))


def test_missing_numbers_are_named_and_the_last_events_shown(hub: Fake) -> None:
    for seq in (3, 4, 8, 12):
        hub.send("till", "scan", scan(str(seq), seq=seq))
    hub.send("till", "heartbeat", body({}, seq=9))
    hub.send("other", "scan", scan("x", seq=5))
    found = till(hub)
    assert (found.missing, found.high_seq) == (5, 12)
    with hub.spine.database.reader() as reader:
        assert observed.gaps(reader, "till", 12) == [(10, 11), (5, 7)]
        latest = observed.latest(reader, "till", 3)
    assert [(one.seq, one.kind) for one in latest] == [
        (12, "scan"),
        (9, "heartbeat"),
        (8, "scan"),
    ]
    assert '"12"' in latest[0].body
