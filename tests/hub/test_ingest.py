"""Nothing is acknowledged before it is on disk; nothing counts twice; poison blocks nobody."""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import outbox, quarantine
from hub.clock import stamp
from hub.errors import Invalid, NotFound, Refusal, Unavailable
from hub.fleet.watch import queries as fleet
from hub.fleet.watch.rules import Limits
from hub.ingest import Retention, loop
from hub.ingest.record import Recorder
from hub.journal import Transaction
from hub.settings import Settings
from hub.wire import Observation
from tests.hub.ingesting import Fake, Spine, body, count_scan, scan, spine
from tests.hub.kernel import NOON

DEEP = "[" * 20_000 + "]" * 20_000


def nested(shown: str, deep: str) -> bytes:
    """A scan in which `deep` stands where `shown` was: deeper than json.dumps goes."""
    data = None if shown == '"data":null' else {"code": "1", "context": None}
    whole = json.dumps(scan() | {"data": data}, separators=(",", ":"))
    assert shown in whole
    return whole.replace(shown, deep).encode()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Fake]:
    with spine(tmp_path) as made:
        yield Fake(made)


def total(hub: Fake, code: str = "4006381333931") -> int:
    return sum(row[0] for row in hub.spine.rows("SELECT total FROM tally WHERE what = ?", code))


def waiting(hub: Fake) -> list[quarantine.Row]:
    with hub.spine.database.reader() as reader:
        return quarantine.waiting(reader)


class Slow:
    """A writer whose commits the test ends."""

    def __init__(self, spine: Spine) -> None:
        self.spine = spine
        self.held: list[tuple[Any, Future[Any]]] = []

    def submit(self, work: Any, *, bulk: bool = False) -> Future[Any]:
        future: Future[Any] = Future()
        self.held.append((work, future))
        return future

    def commit(self) -> None:
        work, future = self.held.pop(0)
        future.set_result(self.spine.writer.run(work))

    def fail(self, error: Exception) -> None:
        self.held.pop(0)[1].set_exception(error)


@pytest.fixture
def slow(hub: Fake) -> Slow:
    writer = Slow(hub.spine)
    hub.ingest._writer = writer
    return writer


def test_nothing_is_acknowledged_before_the_commit(hub: Fake, slow: Slow) -> None:
    first = scan()
    hub.send("till", "scan", first)
    for _ in range(5):
        hub.ingest.step(0.0)
    assert hub.broker.unacknowledged == 1
    assert hub.acks() == []
    slow.commit()
    hub.ingest.step(0.0)
    assert hub.broker.unacknowledged == 0
    assert hub.acks() == [(first["id"], "committed", None)]
    assert total(hub) == 1


def test_a_late_ack_never_reaches_a_message_of_the_next_connection(hub: Fake, slow: Slow) -> None:
    hub.send("till", "scan", scan())
    hub.ingest.step(0.0)
    hub.broker.drop()
    other = scan("2")
    hub.send("till", "scan", other)
    hub.ingest.step(0.0)
    assert hub.broker.unacknowledged == 2
    slow.commit()
    hub.ingest.step(0.0)
    # The commit acknowledged its own message only, and that one is of a connection that is gone.
    assert hub.broker.unacknowledged == 2
    assert hub.ingest.counters.stale_acks == 1
    slow.commit()
    hub.settle()
    assert (total(hub), total(hub, "2")) == (1, 1)


def test_the_same_observation_again_changes_nothing_and_is_answered(hub: Fake) -> None:
    one = scan()
    hub.send("till", "scan", one, one)
    hub.settle()
    hub.send("till", "scan", one)
    hub.settle()
    assert total(hub) == 1
    assert [status for _, status, _ in hub.acks()] == ["committed", "duplicate", "duplicate"]


def test_the_same_id_with_another_body_is_quarantined(hub: Fake) -> None:
    one = scan()
    hub.send("till", "scan", one, one | {"data": {"code": "other"}})
    hub.settle()
    assert hub.acks()[1] == (one["id"], "quarantined", "id_reused")
    assert [row.reason for row in waiting(hub)] == ["id_reused"]
    assert total(hub, "other") == 0


def test_the_same_id_with_a_better_clock_is_a_repetition(hub: Fake) -> None:
    one = scan(time_quality="unknown", at=None)
    hub.send("till", "scan", one, one | {"at": stamp(NOON), "time_quality": "synced"})
    hub.settle()
    assert hub.acks()[1][1] == "duplicate"


def test_a_batch_is_committed_and_acked_whole(hub: Fake) -> None:
    batch = [body({"grams": n}, kind="weight") for n in range(400)]
    hub.send("shelf", "batch", json.dumps(batch).encode())
    hub.settle()
    assert [one[1] for one in hub.acks("shelf")] == ["committed"] * 400
    assert len(hub.broker.published) == 2
    assert hub.spine.rows("SELECT count(*) FROM telemetry") == [(400,)]


def test_one_bad_element_of_a_batch_spoils_no_other(hub: Fake) -> None:
    good, bad = body({"grams": 1}, kind="weight"), body({"grams": "x"}, kind="weight")
    hub.send("shelf", "batch", json.dumps([good, bad, 7, good | {"id": "g2"}]).encode())
    hub.settle()
    assert hub.acks("shelf") == [
        (bad["id"], "quarantined", "bad_data"),
        (good["id"], "committed", None),
        ("g2", "committed", None),
    ] or sorted(hub.acks("shelf")) == sorted(
        [
            (bad["id"], "quarantined", "bad_data"),
            (good["id"], "committed", None),
            ("g2", "committed", None),
        ]
    )
    assert sorted(row.reason for row in waiting(hub)) == ["bad_data", "bad_envelope"]


def test_a_refused_scan_undoes_no_neighbour_and_keeps_its_answer(tmp_path: Path) -> None:
    def handle(tx: Transaction, seen: Observation, at: datetime) -> None:
        count_scan(tx, seen, at)
        if seen.data.code == "no":
            raise Refusal("This order is on hold.")

    with spine(tmp_path) as made:
        hub = Fake(made, {"scan": handle})
        refused = scan("no")
        hub.send("till", "scan", scan("a"), refused, scan("b"))
        hub.settle()
        hub.send("till", "scan", refused)
        hub.settle()
        expected = (refused["id"], "refused", "This order is on hold.")
        assert hub.acks()[1] == hub.acks()[3] == expected
        assert (total(hub, "a"), total(hub, "no"), total(hub, "b")) == (1, 0, 1)
        assert waiting(hub) == []


def test_what_a_handler_cannot_read_is_quarantined_and_can_be_replayed(tmp_path: Path) -> None:
    broken = True

    def handle(tx: Transaction, seen: Observation, at: datetime) -> None:
        if broken:
            raise Invalid("No such carrier.", slug="unknown_carrier")
        count_scan(tx, seen, at)

    with spine(tmp_path) as made:
        hub = Fake(made, {"scan": handle})
        hub.send("till", "scan", scan("x"))
        hub.settle()
        (row,) = waiting(hub)
        assert row.reason == "unknown_carrier"
        broken = False
        sources = {"mqtt": hub.ingest.replay}
        outcome = made.writer.run(lambda tx: quarantine.replay(tx, row.id, sources))
        assert (outcome, total(hub, "x"), waiting(hub)) == ("committed", 1, [])
        with pytest.raises(NotFound):
            made.writer.run(lambda tx: quarantine.replay(tx, 999, sources))


def test_a_bug_in_a_handler_condemns_one_observation_and_no_other(tmp_path: Path) -> None:
    def handle(tx: Transaction, seen: Observation, at: datetime) -> None:
        count_scan(tx, seen, at)
        if seen.data.code == "poison":
            raise ZeroDivisionError

    with spine(tmp_path) as made:
        hub = Fake(made, {"scan": handle})
        poison = scan("poison")
        hub.send("till", "scan", scan("a"), poison, scan("b"))
        hub.settle()
        assert (total(hub, "a"), total(hub, "b"), total(hub, "poison")) == (1, 1, 0)
        assert (poison["id"], "quarantined", "bug") in hub.acks()
        assert "ZeroDivisionError" in waiting(hub)[0].detail


@pytest.mark.parametrize(
    ("kind", "raw", "reason"),
    [
        ("scan", b"", "not_json"),
        ("scan", b"{", "not_json"),
        ("scan", b"\xff\xfe\x00", "not_json"),
        ("scan", b"[1]", "bad_envelope"),
        ("scan", b'{"id":"a"}', "bad_envelope"),
        ("weight", json.dumps(body({"grams": 1})).replace("1}}", "NaN}}").encode(), "not_json"),
        ("weight", json.dumps(body({"grams": 1}, extra=1)).encode(), "bad_envelope"),
        ("weight", json.dumps(body({"grams": 1, "oz": 1})).encode(), "bad_data"),
        ("weight", json.dumps(body({"grams": 1}, id="a b")).encode(), "bad_envelope"),
        ("weight", json.dumps(body({"grams": 1}, id="a" * 65)).encode(), "bad_envelope"),
        ("weight", json.dumps(body({"grams": 1}, seq=-1)).encode(), "bad_envelope"),
        ("weight", json.dumps(body({"grams": 1}, time_quality="ntp")).encode(), "bad_envelope"),
        ("weight", json.dumps(body({"grams": 1}, kind="scan")).encode(), "unknown_kind"),
        ("dance", json.dumps(body({})).encode(), "unknown_kind"),
        ("sale", json.dumps(body({"sale_id": "1", "lines": []})).encode(), "bad_data"),
        ("sale", json.dumps(body({"sale_id": "1", "lines": [{"qty": 1}]})).encode(), "bad_data"),
        ("batch", b"{}", "bad_batch"),
        ("batch", b"[" + b",".join([b"1"] * 501) + b"]", "bad_batch"),
        ("scan", b" " * 5_000_000, "too_large"),
        ("a/b", b"{}", "bad_topic"),
        ("\u2603", b"{}", "bad_topic"),
        ("scan", b"[" * 60_000, "bad_envelope"),
        ("scan", b'{"id":' + b"[" * 60_000, "bad_envelope"),
        ("batch", b"[" * 60_000, "bad_batch"),
        ("scan", nested('"data":null', f'"data":{DEEP}'), "not_json"),
        ("scan", nested('"context":null', f'"context":{{"a":{DEEP}}}'), "not_json"),
        ("scan", json.dumps(scan(at="0001-01-01T00:00:00+14:00")).encode(), "bad_envelope"),
        ("scan", json.dumps(scan(at="9999-12-31T23:59:59-14:00")).encode(), "bad_envelope"),
    ],
)
def test_garbage_is_quarantined_with_its_reason_and_disturbs_nobody(
    hub: Fake, kind: str, raw: bytes, reason: str
) -> None:
    hub.send("till", kind, raw)
    hub.send("till", "scan", scan())
    hub.settle()
    assert [row.reason for row in waiting(hub)] == [reason]
    assert waiting(hub)[0].device == "till"
    assert total(hub) == 1


@pytest.mark.parametrize("depth", [300, 500, 800, 950, 990, 1000])
def test_json_of_any_depth_is_kept_or_quarantined_and_never_comes_back(
    hub: Fake, depth: int
) -> None:
    deep = f'"context":{{"a":{"[" * depth + "]" * depth}}}'
    one = nested('"context":null', deep)
    hub.send("till", "scan", one, one.replace(b'"code":"1"', b'"code":"2"'))
    hub.settle()
    # The first is kept or unreadable; the second has its id and another body, or is unreadable.
    assert 1 <= len(waiting(hub)) <= 2


def test_a_status_that_nobody_can_read_stays_at_the_broker_and_disturbs_nobody(hub: Fake) -> None:
    topic = "storehub/v1/store-1/till/status"
    hub.broker.send(topic, b'{"online":true,"x":' + DEEP.encode() + b"}", retain=True)
    hub.send("till", "scan", scan())
    hub.settle()
    assert [row.reason for row in waiting(hub)] == ["bad_status"]
    assert total(hub) == 1


def test_an_uptime_that_was_wrong_once_spoils_nothing_that_follows(hub: Fake) -> None:
    at: dict[str, Any] = {"time_quality": "unknown", "at": None}
    hub.send("till", "scan", scan(uptime_ms=2**63 - 1, **at), scan(uptime_ms=60_000, **at))
    hub.settle()
    assert [status for _, status, _ in hub.acks()] == ["committed", "committed"]
    received = round(NOON.timestamp() * 1000)
    assert hub.spine.rows("SELECT occurred_ms FROM observation") == [(received,), (received,)]
    # Nor do both ends of the calendar.
    far = scan(uptime_ms=0, at="9999-12-31T23:59:59Z", time_quality="synced")
    hub.send("till", "scan", scan(uptime_ms=60_000, time_quality="synced"), far)
    hub.settle()
    assert [status for _, status, _ in hub.acks()][-2:] == ["committed", "committed"]


def test_sql_and_html_are_text_like_any_other(hub: Fake) -> None:
    code = "'; DROP TABLE seen; --<script>alert(1)</script>"
    hub.send("till", "scan", scan(code))
    hub.settle()
    assert total(hub, code) == 1


def test_a_retained_observation_is_no_new_event(hub: Fake) -> None:
    hub.send("till", "scan", scan(), retain=True)
    hub.settle()
    assert (total(hub), hub.ingest.counters.retained) == (0, 1)


def test_a_badge_code_is_stored_nowhere(hub: Fake, tmp_path: Path) -> None:
    seen: list[str] = []

    def handle(tx: Transaction, scanned: Observation, at: datetime) -> None:
        seen.append(scanned.data.code)
        if len(seen) == 2:
            raise Refusal("Unknown badge.")
        if len(seen) == 3:
            raise Invalid("Not a badge.")

    hub.ingest._recorder.handlers = {"scan": handle}
    code = "SH1:B:TOPSECRET42"
    escaped = json.dumps(scan(code)).replace("SH1:", "\\u0053H1\\u003a").encode()
    hub.send("till", "scan", scan(code), scan(code), scan(code), escaped)
    hub.send("till", "scan", b"garbage SH1:B:TOPSECRET42", escaped.replace(b'"boot"', b'"boat"'))
    hub.settle()
    assert seen == [code] * 4
    hub.spine.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"TOPSECRET42" not in (tmp_path / "hub.db").read_bytes()


def test_a_clock_of_1970_is_accepted_and_its_time_estimated_from_the_boot(hub: Fake) -> None:
    hub.broker.send(
        "storehub/v1/store-1/till/status",
        b'{"online":true,"boot":"b1","uptime_ms":100000}',
    )
    old = scan(at="1970-01-01T00:01:10Z", time_quality="unknown", uptime_ms=70_000)
    other = scan(at=None, time_quality="unknown", boot="b2", uptime_ms=10**9)
    hub.send("till", "scan", old, other)
    hub.settle()
    times = hub.spine.rows("SELECT occurred_ms FROM observation ORDER BY n")
    noon = round(NOON.timestamp() * 1000)
    assert times == [(noon - 30_000,), (noon,)]
    assert [status for _, status, _ in hub.acks()] == ["committed", "committed"]


@pytest.mark.parametrize(("days", "status"), [(399, "committed"), (401, "quarantined")])
def test_what_is_older_than_400_days_by_a_good_clock_is_too_old(
    hub: Fake, days: int, status: str
) -> None:
    hub.send("till", "scan", scan(at=stamp(NOON - timedelta(days=days))))
    hub.settle()
    assert hub.acks()[0][1] == status
    if status == "quarantined":
        assert hub.acks()[0][2] == "too_old"


def test_a_full_disk_delays_the_ack_and_loses_nothing(hub: Fake, slow: Slow) -> None:
    hub.send("till", "scan", scan())
    hub.ingest.step(0.0)
    slow.fail(Unavailable("The disk of the hub is full.", retry_after_s=0.05))
    hub.ingest.step(0.0)
    assert (hub.broker.unacknowledged, hub.acks(), slow.held) == (1, [], [])
    for _ in range(20):
        hub.ingest.step(0.01)
    slow.commit()
    hub.settle()
    assert total(hub) == 1


def test_a_work_that_is_run_twice_by_the_writer_counts_once(
    hub: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The writer repeats a group once the ballast has made room.
    real = hub.ingest._recorder.record

    def twice(tx: Transaction, items: Any) -> None:
        with pytest.raises(sqlite3.OperationalError), tx.savepoint():
            real(tx, items)
            raise sqlite3.OperationalError
        real(tx, items)

    monkeypatch.setattr(Recorder, "record", lambda _, tx, items: twice(tx, items))
    hub.send("till", "scan", scan())
    hub.settle()
    assert (total(hub), hub.acks()[0][1]) == (1, "committed")
    (device,) = devices(hub)
    assert device.received == 1


def devices(hub: Fake) -> list[fleet.Device]:
    with hub.spine.database.reader() as reader:
        return fleet.devices(reader, round(NOON.timestamp() * 1000), Limits())


def test_gaps_in_a_device_s_numbers_are_seen_and_close_when_the_rest_arrives(hub: Fake) -> None:
    first, second, third = (scan(str(n), seq=n) for n in (5, 6, 7))
    hub.send("till", "scan", first, third)
    hub.settle()
    assert devices(hub)[0].missing == 1
    hub.send("till", "scan", second, second)
    hub.settle()
    assert (devices(hub)[0].missing, devices(hub)[0].received) == (0, 3)


def test_a_last_will_shows_the_device_away_and_a_retained_status_is_no_sign_of_life(
    hub: Fake,
) -> None:
    name = "storehub/v1/store-1/till/status"
    hub.broker.send(name, b'{"online":true}', retain=True)
    hub.settle()
    assert devices(hub)[0].last_ms is None
    hub.send("till", "heartbeat", body({"battery_pct": 81, "firmware": "1.2"}))
    hub.broker.send(name, b"offline")
    hub.settle()
    (device,) = devices(hub)
    assert (device.state, device.battery_pct, device.firmware) == ("unknown", 81, "1.2")
    assert hub.spine.rows("SELECT online FROM device_seen") == [(0,)]


def test_a_command_is_sent_until_the_device_says_done(hub: Fake) -> None:
    writer = hub.spine.writer
    for _ in range(2):
        writer.run(
            lambda tx: outbox.enqueue(tx, device="p1", name="print", payload={"x": 1}, key="k1")
        )
    hub.ingest.step(0.0)

    def send() -> list[str]:
        with hub.spine.database.reader() as reader:
            keys = outbox.send_due(
                reader, stamp(hub.spine.clock.now()), "store-1", hub.ingest.publish
            )
        give_up = timedelta(hours=1)
        writer.run(lambda tx: outbox.sent(tx, keys, retry_s=5, give_up=give_up))
        return keys

    assert send() == ["k1"]
    assert send() == []
    hub.spine.clock.advance(timedelta(seconds=6))
    assert send() == ["k1"]
    hub.settle()
    hub.ingest.step(0.0)
    sent = [one for one in hub.broker.published if "/cmd/" in one[0]]
    assert sent == [("storehub/v1/store-1/p1/cmd/print", b'{"key":"k1","x":1}')] * 2
    hub.send("p1", "printed", body({"job": "k1", "state": "no_paper"}))
    hub.settle()
    hub.spine.clock.advance(timedelta(seconds=600))
    assert send() == ["k1"], "nothing of it was done yet"
    hub.send("p1", "printed", body({"job": "k1", "state": "printed"}))
    hub.settle()
    hub.spine.clock.advance(timedelta(seconds=600))
    assert send() == []
    assert hub.spine.rows("SELECT outcome FROM outbox") == [("printed",)]


def test_telemetry_goes_first_and_by_age_and_size(hub: Fake) -> None:
    batch = [body({"grams": n}, kind="weight") for n in range(500)]
    hub.send("shelf", "batch", json.dumps(batch).encode())
    hub.send("till", "scan", scan())
    hub.settle()
    full = False
    retention = Retention(hub.spine.writer, Settings(), lambda: full)
    retention.run(NOON)
    assert hub.spine.rows("SELECT count(*) FROM telemetry") == [(500,)]
    retention.run(NOON + timedelta(days=15))
    assert hub.spine.rows("SELECT count(*) FROM telemetry") == [(0,)]
    assert hub.spine.rows("SELECT count(*) FROM seen") == [(501,)]
    hub.send("shelf", "weight", body({"grams": 1}))
    hub.settle()
    full = True
    retention.run(NOON)
    assert hub.spine.rows("SELECT count(*) FROM telemetry") == [(0,)]
    retention.run(NOON + timedelta(days=61))
    assert hub.spine.rows("SELECT count(*) FROM observation") == [(0,)]
    assert hub.spine.rows("SELECT device FROM seen") == [("till",)]
    retention.run(NOON + timedelta(days=401))
    assert hub.spine.rows("SELECT count(*) FROM seen") == [(0,)]


def test_the_way_of_one_scan_is_told_step_by_step(hub: Fake) -> None:
    one = scan()
    hub.send("till", "scan", one)
    hub.settle()
    (travel,) = hub.ingest.travels()
    assert (travel.id, travel.outcome, travel.sent_ms) == (one["id"], "committed", -1000)
    steps = [travel.writer_ms, travel.fact_ms, travel.commit_ms, travel.ack_ms]
    assert steps == sorted(steps)  # type: ignore[type-var]


def test_a_flood_of_scans_is_cut_into_commits_that_keep_no_command_waiting(
    hub: Fake, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However quick the machine is: what business does in the store takes as long as it takes.
    monkeypatch.setattr(loop, "WORK_S", 60.0)
    hub.send("till", "scan", *(scan() for _ in range(120)))
    for _ in range(3):
        hub.ingest.step(0.0)
        slow.commit()
    hub.settle()
    assert (hub.ingest.counters.commits, total(hub)) == (3, 120)


@pytest.mark.parametrize(("work_s", "commits"), [(60.0, range(4, 6)), (0.0, range(9, 11))])
def test_telemetry_that_waits_goes_in_larger_commits_while_the_machine_keeps_up(
    hub: Fake, slow: Slow, monkeypatch: pytest.MonkeyPatch, work_s: float, commits: range
) -> None:
    monkeypatch.setattr(loop, "WORK_S", work_s)
    hub.send("shelf", "weight", *(body({"grams": 1.0}) for _ in range(4_500)))
    for _ in range(12):
        hub.ingest.step(0.0)
    while hub.broker.unacknowledged:
        slow.commit()
        hub.ingest.step(0.0)
    # 500, 1,000, 2,000 and the rest, each at most twice the last one; or 500 each time.
    assert hub.ingest.counters.committed == 4_500
    assert hub.ingest.counters.commits in commits


def test_a_bug_that_no_observation_is_to_blame_for_ends_the_thread(hub: Fake, slow: Slow) -> None:
    hub.send("till", "scan", scan())
    hub.ingest.step(0.0)
    slow.fail(ZeroDivisionError())
    hub.ingest.step(0.0)
    slow.fail(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        hub.ingest.step(0.0)
    assert (hub.broker.unacknowledged, hub.acks()) == (1, [])
