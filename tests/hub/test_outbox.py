"""Device commands leave after the commit, come again until answered, and end some day."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub import outbox
from hub.clock import stamp
from hub.errors import Refusal
from hub.journal import Transaction
from tests.hub.ingesting import Spine, spine


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Spine]:
    with spine(tmp_path) as made:
        yield made


def enqueue(hub: Spine, key: str = "k1", device: str = "p1") -> None:
    hub.writer.run(lambda tx: outbox.enqueue(tx, device=device, name="print", payload={}, key=key))


def send(hub: Spine, *, connected: bool = True) -> list[str]:
    topics: list[str] = []

    def publish(topic: str, payload: bytes) -> bool:
        topics.append(topic)
        return connected

    with hub.database.reader() as reader:
        keys = outbox.send_due(reader, stamp(hub.clock.now()), "s1", publish)
    assert set(topics) <= {"storehub/v1/s1/p1/cmd/print"}
    hub.writer.run(lambda tx: outbox.sent(tx, keys, retry_s=5, give_up=timedelta(hours=1)))
    return keys


def test_a_command_of_a_refused_work_is_never_sent(hub: Spine) -> None:
    def refused(tx: Transaction) -> None:
        outbox.enqueue(tx, device="p1", name="print", payload={}, key="k1")
        raise Refusal("No.")

    with pytest.raises(Refusal):
        hub.writer.run(refused)
    assert send(hub) == []


def test_the_waits_between_two_tries_double(hub: Spine) -> None:
    enqueue(hub)
    sent_at = []
    for second in range(40):
        if send(hub):
            sent_at.append(second)
        hub.clock.advance(timedelta(seconds=1))
    assert sent_at == [0, 5, 15, 35]


def test_without_a_connection_it_is_tried_again_at_once(hub: Spine) -> None:
    enqueue(hub)
    assert send(hub, connected=False) == []
    assert send(hub) == ["k1"]


def test_after_its_time_it_is_given_up_and_never_sent_again(hub: Spine) -> None:
    enqueue(hub)
    hub.clock.advance(timedelta(hours=2))
    send(hub)
    assert hub.rows("SELECT outcome FROM outbox") == [("expired",)]
    hub.clock.advance(timedelta(hours=2))
    assert send(hub) == []


def test_only_the_device_itself_ends_its_command_and_only_once(hub: Spine) -> None:
    enqueue(hub)

    def close(device: str) -> bool:
        return hub.writer.run(
            lambda tx: outbox.close(tx, device=device, key="k1", outcome="printed")
        )

    assert [close("p2"), close("p1"), close("p1")] == [False, True, False]
    assert send(hub) == []
    with hub.database.reader() as reader:
        assert outbox.waiting(reader) == 0


def test_finished_commands_are_forgotten_and_waiting_ones_are_not(hub: Spine) -> None:
    enqueue(hub, "old")
    enqueue(hub, "open")
    hub.writer.run(lambda tx: outbox.close(tx, device="p1", key="old", outcome="printed"))
    hub.clock.advance(timedelta(days=1))
    later = stamp(hub.clock.now())
    hub.writer.run(lambda tx: outbox.forget(tx, later))
    assert hub.rows("SELECT key FROM outbox") == [("open",)]


def test_a_device_that_is_back_gets_at_once_what_waits_for_it_in_its_order(hub: Spine) -> None:
    for key in ("b", "a", "c"):
        enqueue(hub, key)
    for _ in range(200):
        send(hub)
        hub.clock.advance(timedelta(seconds=1))
    assert send(hub) == []
    hub.writer.run(lambda tx: outbox.hurry(tx.conn, "another", stamp(tx.now)))
    assert send(hub) == []
    hub.writer.run(lambda tx: outbox.hurry(tx.conn, "p1", stamp(tx.now)))
    assert send(hub) == ["b", "a", "c"]
    hub.clock.advance(timedelta(seconds=5))
    assert send(hub) == ["b", "a", "c"], "and it is asked again soon"
