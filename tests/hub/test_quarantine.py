"""Quarantine keeps what cannot be used, within bounds, and nothing personal."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub import quarantine
from hub.clock import stamp
from hub.errors import Refusal
from hub.journal import Transaction
from tests.hub.ingesting import Spine, spine
from tests.hub.kernel import NOON


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Spine]:
    with spine(tmp_path) as made:
        yield made


def put(hub: Spine, body: bytes, device: str = "d1", bound: int = 10) -> None:
    hub.writer.run(
        lambda tx: quarantine.put(
            tx, source="mqtt", device=device, topic="t", reason="not_json", detail="why",
            body=body, bound=bound,
        )
    )  # fmt: skip


def waiting(hub: Spine) -> list[quarantine.Row]:
    with hub.database.reader() as reader:
        assert quarantine.count(reader) == len(quarantine.waiting(reader))
        return quarantine.waiting(reader)


def test_one_message_sent_often_is_one_row_that_counts(hub: Spine) -> None:
    for _ in range(3):
        put(hub, b"{")
    (row,) = waiting(hub)
    assert (row.times, row.body, row.reason) == (3, b"{", "not_json")


def test_one_device_fills_no_more_than_its_bound_and_the_rest_is_counted(hub: Spine) -> None:
    for n in range(15):
        put(hub, f"{n}{{".encode())
    put(hub, b"other", device="d2")
    assert [row.body for row in waiting(hub)][:3] == [b"other", b"14{", b"13{"]
    assert len(waiting(hub)) == 11
    with hub.database.reader() as reader:
        assert quarantine.dropped(reader) == {"d1": 5}


def test_of_a_huge_message_only_the_beginning_is_kept_and_it_cannot_be_replayed(
    hub: Spine,
) -> None:
    put(hub, b"x" * 5_000_000)
    (row,) = waiting(hub)
    assert (len(row.body), row.size, row.whole) == (quarantine.HEAD, 5_000_000, False)
    with pytest.raises(Refusal, match="cannot be replayed"):
        hub.writer.run(lambda tx: quarantine.replay(tx, row.id, {}))


def test_a_replay_that_fails_again_leaves_the_message_waiting(hub: Spine) -> None:
    put(hub, b"{")
    (row,) = waiting(hub)

    def again(tx: Transaction, found: quarantine.Row) -> str:
        assert found.body == b"{"
        return "quarantined"

    for source, left in ((again, 1), (lambda tx, found: "committed", 0)):
        outcome = hub.writer.run(
            lambda tx, source=source: quarantine.replay(tx, row.id, {"mqtt": source})  # type: ignore[misc]
        )
        assert len(waiting(hub)) == left, outcome


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"plain", b"plain"),
        (b'{"a": 1e3}', b'{"a": 1e3}'),
        (b"mail to ida@example.test now", b"mail to (removed) now"),
        (
            json.dumps({"order": {"personal": {"name": "Ida"}, "n": [{"email": "x@y"}]}}).encode(),
            b'{"order":{"personal":"(removed)","n":[{"email":"(removed)"}]}}',
        ),
    ],
)
def test_nothing_personal_is_kept(body: bytes, kept: bytes) -> None:
    assert quarantine.scrub(body) == kept


def test_an_escaped_badge_code_is_found_and_masked() -> None:
    assert b"SECRET" not in quarantine.scrub(b'{"code":"\\u0053H1:B:SECRET"}')


def test_old_messages_are_forgotten(hub: Spine) -> None:
    put(hub, b"{")
    hub.writer.run(lambda tx: quarantine.forget(tx, stamp(NOON)))
    assert len(waiting(hub)) == 1
    later = stamp(NOON + timedelta(seconds=1))
    hub.writer.run(lambda tx: quarantine.forget(tx, later))
    assert waiting(hub) == []
