"""What one customer typed, and one slow messenger, never stop or double the news of others."""

from datetime import timedelta

import pytest

from sync.central import store_notices
from tests.sync.notified import Office, Post, office, post, subjects

__all__ = ["office", "post"]
PERSON = {"name": "Ida Probe", "phone": None}


@pytest.mark.parametrize("address", ["@x", "ida@münchen.test", "no address", "a b@example.test"])
def test_an_address_that_is_none_stops_nobody(office: Office, post: Post, address: str) -> None:
    office.chain.place("R-1", customer=PERSON | {"email": address})
    office.chain.place("R-2")
    office.ready("R-1")
    office.ready("R-2")
    office.run()
    assert len(subjects(post)) == 2, "received and ready of R-2"
    assert {one["state"] for one in office.messages("R-1")} == {"no-address"}
    assert {one["state"] for one in office.messages("R-2")} == {"sent"}


def test_a_messenger_whose_time_is_over_does_not_send_again_what_another_sent(
    office: Office,
) -> None:
    office.chain.place("R-1")
    office.proposed("R-1")
    store = office.central.store

    def take() -> list[store_notices.Message]:
        return store.run(lambda tx: store_notices.take(tx, 1))

    with store.reader() as conn:
        waiting = store_notices.undecided(conn, office.clock.now(), 10)
    store.run(lambda tx: [store_notices.decide(tx, one, "send", ["mail"]) for one in waiting])
    (slow,) = take()
    office.clock.advance(timedelta(minutes=11))
    (quick,) = take()
    assert (slow.id, quick.attempts) == (quick.id, slow.attempts + 1)
    store.run(lambda tx: store_notices.settle(tx, quick, "sent"))
    late = timedelta(days=1)
    store.run(lambda tx: store_notices.again(tx, slow, "timed out", doubtful=True, give_up=late))
    store.run(lambda tx: store_notices.settle(tx, slow, "failed", "timed out"))
    assert [one["state"] for one in office.messages("R-1")] == ["sent"]
    assert take() == []
