"""Customers hear of their orders by mail and webhook: once a fact, and not once erased."""

import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from hub.clock import stamp
from hub.errors import Refusal
from sync.central import notice_settings, store_journal, store_notices, store_orders
from sync.central.store_port import Tx
from tests.sync.notified import (
    BEGAN,
    OTHER,
    SECRET,
    Office,
    Post,
    Provider,
    configure,
    office,
    post,
    provider,
    subjects,
)
from tests.sync.pair import STORE, Central, order_body, until

__all__ = ["office", "post", "provider"]


def test_received_and_ready_are_told_once_with_the_link_and_the_code(
    office: Office, post: Post
) -> None:
    placed = office.chain.place("R-1")
    office.run()
    office.ready("R-1")
    office.run()
    office.run()
    assert subjects(post) == ["We have your order R-1", "Your order R-1 is ready"]
    to, said = post.got[1]
    assert to == ["ida@example.test"]
    text = said.get_content()
    assert placed["short_code"] in text
    assert "https://pickup.example/orders/R-1?key=" in text
    assert said["Auto-Submitted"] == "auto-generated"
    ids = [one["Message-ID"] for _, one in post.got]
    assert len(set(ids)) == 2
    assert all(one.endswith("@example.test>") for one in ids)


def test_an_ordinary_restart_and_a_fold_again_send_nothing_twice(
    office: Office, post: Post
) -> None:
    office.chain.place("R-1")
    office.ready("R-1")
    office.run()
    office.again()
    office.central.store.run(lambda tx: store_journal.refold_store(tx, STORE))
    office.run()
    assert len(post.got) == 2


def test_a_history_that_is_folded_for_the_first_time_is_no_news(office: Office, post: Post) -> None:
    """So a release that learns to read more, or to tell more, does not tell old stories."""
    office.chain.place("R-1")
    office.ready("R-1")

    def as_before_notices(tx: Tx) -> None:
        tx.conn.execute("DELETE FROM notice")
        store_journal.refold_store(tx, STORE)

    office.central.store.run(as_before_notices)
    office.run()
    assert post.got == []


@pytest.mark.parametrize("answer", ["451 later", "421 closing"])
def test_what_is_refused_for_now_is_tried_again_with_the_same_name(
    office: Office, post: Post, answer: str
) -> None:
    post.answers = [answer, answer]
    office.chain.place("R-1")
    office.run()
    assert post.got == []
    (waiting,) = office.messages()
    assert (waiting["state"], waiting["error"]) == ("waiting", f"smtp-{answer[:3]}")
    office.later(seconds=10)
    assert post.got == []
    office.later(seconds=25)
    office.later(seconds=61)
    assert subjects(post) == ["We have your order R-1"]
    (sent,) = office.messages()
    assert (sent["state"], sent["attempts"], sent["doubtful"]) == ("sent", 3, False)


def test_what_is_refused_for_good_is_not_tried_again_until_a_person_asks(
    office: Office, post: Post
) -> None:
    post.refused = "550 nobody here"
    office.chain.place("R-1")
    office.run()
    office.later(hours=3)
    (failed,) = office.messages()
    assert (failed["state"], failed["error"], failed["attempts"]) == ("failed", "smtp-550", 1)
    post.refused = None
    office.central.store.run(lambda tx: store_notices.retry(tx, failed["id"]))
    office.run()
    assert len(post.got) == 1
    with pytest.raises(Refusal):
        office.central.store.run(lambda tx: store_notices.retry(tx, failed["id"]))


def test_a_line_cut_after_the_data_is_tried_again_and_said_to_be_doubtful(
    office: Office, post: Post
) -> None:
    post.answers = ["cut"]
    office.chain.place("R-1")
    office.run()
    office.later(minutes=2)
    # The server had it both times: one Message-ID lets the customer's program show one.
    assert len(post.got) == 2
    assert len({said["Message-ID"] for _, said in post.got}) == 1
    (sent,) = office.messages()
    assert (sent["state"], sent["doubtful"]) == ("sent", True)


def test_a_messenger_that_died_while_sending_leaves_a_doubt(office: Office, post: Post) -> None:
    office.chain.place("R-1")
    with office.central.store.reader() as conn:
        found = store_notices.undecided(conn, office.clock.now(), 9)
    office.central.store.run(lambda tx: office.notifier._decide(tx, found))
    office.central.store.run(lambda tx: store_notices.take(tx, 1))
    office.again()
    office.run()
    assert post.got == []
    office.later(minutes=11)
    (sent,) = office.messages()
    assert (sent["state"], sent["doubtful"], len(post.got)) == ("sent", True, 1)


def test_no_server_is_waited_for_and_given_up_when_the_news_is_old(
    office: Office, post: Post
) -> None:
    post.stop()
    for number in range(3):
        office.chain.place(f"R-{number}")
    office.run()
    # One try finds out for all that nobody is there.
    assert sum(one["attempts"] for one in office.messages()) == 1
    for _ in range(60):
        office.later(hours=1)
    assert {one["state"] for one in office.messages()} == {"failed"}


def test_a_ready_that_was_undone_before_it_was_sent_is_not_told(office: Office, post: Post) -> None:
    office.chain.place("R-1")
    office.run()
    office.ready("R-1")
    office.fact("ReadyUndone", "R-1", by="staff:ada")
    office.run()
    assert subjects(post) == ["We have your order R-1"]
    office.fact("OrderReady", "R-1")
    office.run()
    assert subjects(post)[1:] == ["Your order R-1 is ready"]


@pytest.mark.parametrize(
    ("facts", "subject"),
    [
        ([("OrderReserved", {}), ("OrderCanceled", {"reason": "X"})], "was canceled"),
        ([("OrderRejected", {"reason": "STORE_CLOSED"})], "is not available"),
    ],
)
def test_how_an_order_ends_is_told(
    office: Office, post: Post, facts: list[tuple[str, Any]], subject: str
) -> None:
    office.chain.place("R-1")
    office.proposed("R-1")
    for kind, body in facts:
        office.fact(kind, "R-1", **body)
    office.run()
    assert [one for one in subjects(post) if subject in one] == [f"Your order R-1 {subject}"]


def test_an_order_that_expired_is_told(office: Office, post: Post) -> None:
    office.chain.place("R-1")
    office.ready("R-1")
    office.fact("OrderExpired", "R-1")
    office.run()
    assert subjects(post) == ["Your order R-1 has expired"]


def test_an_order_that_moved_is_told_where_and_not_that_it_was_rejected(
    office: Office, post: Post
) -> None:
    office.chain.place("R-1", fallback=OTHER)
    office.proposed("R-1")
    office.fact("OrderRejected", "R-1", reason="OUT_OF_STOCK")
    office.run()
    assert "Your order R-1 is collected elsewhere" in subjects(post)
    assert not any("not available" in one for one in subjects(post))


def test_late_is_told_once_and_not_when_it_is_ready(office: Office, post: Post) -> None:
    promised = stamp(BEGAN + timedelta(hours=1))
    for order_id in ("R-1", "R-2"):
        office.chain.place(order_id, promise_at=promised)
    office.ready("R-2")
    office.later(hours=1)
    assert not any("longer" in one for one in subjects(post))
    office.later(minutes=16)
    office.later(hours=5)
    late = [one for one in subjects(post) if "longer" in one]
    assert late == ["Your order R-1 takes longer"]


def test_a_hub_whose_clock_is_ahead_delays_no_notice(office: Office, post: Post) -> None:
    office.clock.advance(timedelta(hours=-3))
    office.chain.place("R-1")
    office.ready("R-1")
    office.run()
    assert any("R-1 is ready" in one for one in subjects(post)), subjects(post)


def test_nobody_is_reminded_in_the_minute_in_which_they_hear_that_it_is_ready(
    office: Office, post: Post
) -> None:
    office.chain.place(
        "R-1", customer={"name": "Ida", "email": "ida@example.test", "consent": True}
    )
    office.clock.advance(timedelta(days=3))  # the store's line was down
    office.ready("R-1")
    office.run()
    assert not any("waits" in one for one in subjects(post))
    office.later(hours=25)
    assert sum("waits" in one for one in subjects(post)) == 1


def test_only_who_agreed_is_reminded_and_only_while_it_waits(office: Office, post: Post) -> None:
    for order_id, agreed in (("R-1", True), ("R-2", False), ("R-3", True)):
        customer = {"name": "Ida", "email": f"{order_id}@example.test", "consent": agreed}
        office.chain.place(order_id, customer=customer)
        office.ready(order_id)
    office.run()
    office.fact("OrderExpired", "R-3")
    office.later(hours=23)
    office.clock.advance(timedelta(days=400))
    office.run()
    assert [one for one in subjects(post) if "waits" in one] == ["Your order R-1 waits for you"]
    assert office.decided("R-2")["reminder"] == "no-consent"
    assert office.decided("R-3")["reminder"] == "stale"


def test_what_the_shop_tells_central_leaves_to_it(
    tmp_path: Path, post: Post, database: str | None
) -> None:
    configure(tmp_path, post, 'who = {ready = "shop"}')
    office = Office(tmp_path, database)
    office.chain.place("R-1")
    office.run()
    office.ready("R-1")
    office.run()
    assert subjects(post) == ["We have your order R-1"]
    assert office.decided("R-1")["ready"] == "shop"
    office.central.close()


def test_without_settings_nobody_is_told_not_even_later(
    tmp_path: Path, post: Post, database: str | None
) -> None:
    office = Office(tmp_path, database)
    office.chain.place("R-1")
    office.run()
    configure(tmp_path, post)
    office.again()
    office.run()
    assert post.got == []
    assert office.decided("R-1") == {"received": "off"}
    office.central.close()


def test_who_was_erased_hears_nothing_and_is_gone_from_the_outbox(
    office: Office, post: Post
) -> None:
    post.answers = ["451 later"]
    office.chain.place("R-1")
    office.run()
    ref = office.chain.shown("R-1")["customer_ref"]
    office.central.store.run(lambda tx: store_orders.erase(tx, ref))
    assert office.messages() == []
    office.ready("R-1")
    office.later(hours=1)
    assert post.got == []
    assert office.decided("R-1")["ready"] == "erased"


def test_the_notice_speaks_the_customers_language(office: Office, post: Post) -> None:
    for lang in ("de", "es", "ar", "fi"):
        customer = {"name": "Ida", "email": f"{lang}@example.test", "language": lang}
        office.chain.place(f"R-{lang}", customer=customer)
    office.run()
    told = dict(zip([to[0][:2] for to, _ in post.got], subjects(post), strict=True))
    assert told["fi"] == "We have your order R-fi"
    assert len(set(told.values())) == 4


def test_the_webhook_is_signed_and_names_the_same_notice(
    tmp_path: Path, post: Post, provider: Provider, database: str | None
) -> None:
    hook = f'[webhook]\nurl = "{provider.url}"\nsecret = "{SECRET}"\n'
    configure(tmp_path, post, hook)
    office = Office(tmp_path, database)
    provider.answers = [503, 302, 204]
    customer = {"name": "Ida", "phone": "+49 30 1"}
    office.chain.place("R-1", customer=customer)
    office.run()
    office.later(seconds=31)
    (waiting,) = [one for one in office.messages() if one["channel"] == "webhook"]
    assert waiting["error"] == "http-302", "a number is sent where it was told to, and no further"
    office.later(seconds=61)
    assert len(provider.got) == 3
    headers, body = provider.got[-1]
    at, _, given = headers["X-StoreHub-Signature"].partition(",v1=")
    signed = at.removeprefix("t=").encode() + b"." + body
    assert hmac.new(SECRET.encode(), signed, "sha256").hexdigest() == given
    said = json.loads(body)
    assert said["to"] == {"phone": "+49 30 1", "email": None}
    assert "R-1" in said["text"]
    assert len({headers["Idempotency-Key"] for headers, _ in provider.got}) == 1
    states = {one["channel"]: one["state"] for one in office.messages()}
    assert states == {"webhook": "sent", "mail": "no-address"}
    provider.answers = [410]
    office.chain.place("R-2", customer=customer)
    office.run()
    assert {one["error"] for one in office.messages("R-2")} == {None, "http-410"}
    # A secret or an address that is wrong for an hour loses no notice.
    provider.answers = [401, 404, 204]
    office.chain.place("R-3", customer=customer)
    for _ in range(3):
        office.run()
        office.later(minutes=5)
    assert {one["state"] for one in office.messages("R-3")} == {"no-address", "sent"}
    office.central.close()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("url = 5", "url"),
        ('url = "https://x.example"\nwho = {ready = "nobody"}', "who"),
        ('url = "https://x.example"\nwho = {birthday = "shop"}', "birthday"),
        ('url = "https://x.example"\n[webhook]\nurl = "https://y.example"\nsecret = "s"', "secret"),
        ("url = ", "notices.toml"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "notices.toml").write_text(text)
    with pytest.raises(Refusal) as refused:
        notice_settings.read(tmp_path)
    assert named in refused.value.sentence


def test_a_served_central_tells_and_head_office_sees_no_address(
    tmp_path: Path, post: Post, database: str | None
) -> None:
    directory = tmp_path / "head-office"
    configure(directory, post)
    central = Central(directory, database=database)
    try:
        central.post("/orders", order_body("R-1", {"4711": 1}))
        until(lambda: post.got, "the mail is there")
        until(_sent(central), "central knows it")
        shown = central.get("/notices?order_id=R-1")
        assert "ida@" not in shown.text
        assert shown.json()["counts"] == {"sent": 1}
        numbers = requests.get(f"{central.url}/metrics", timeout=40).text
        assert 'central_messages{state="sent"} 1.0' in numbers
        name = shown.json()["items"][0]["id"]
        assert central.post(f"/notices/{name}/retry", {}).status_code == 409
        assert central.get("/notices?state=odd").status_code == 422
    finally:
        central.stop()


def _sent(central: Central) -> Callable[[], bool]:
    return lambda: central.get("/notices").json()["counts"].get("sent") == 1
