"""Work is opened once a subject, claimed by one, and closed once."""

import pytest

from hub.errors import NotFound, Refusal
from hub.tasks import actions, queries
from hub.tasks.rules import Kind
from tests.hub.shop import ANNA, BEN, Shop


def opened(shop: Shop, subject: str = "sku:MILK") -> str:
    shop.do(actions.open_task, Kind.COUNT, subject, "ASKED", sku="MILK")
    return str(shop.store.read(queries.board)[0]["task_id"])


def state(shop: Shop, task_id: str) -> str:
    return str(shop.store.read(queries.task, task_id).state)


def test_a_subject_has_one_unfinished_task_of_a_kind(shop: Shop) -> None:
    task_id = opened(shop)
    assert opened(shop) == task_id
    assert len(shop.tasks()) == 1
    shop.do(actions.open_task, Kind.RESHELVE, "sku:MILK", "ASKED")
    assert len(shop.tasks()) == 2
    shop.do(actions.done, task_id)
    assert opened(shop) != task_id


def test_a_task_is_claimed_by_one_who_is_named_to_the_others(shop: Shop) -> None:
    task_id = opened(shop)
    shop.do(actions.claim, task_id, actor=ANNA)
    before = shop.length()
    shop.do(actions.claim, task_id, actor=ANNA)
    assert shop.length() == before
    with pytest.raises(Refusal, match="Anna is already working on this"):
        shop.do(actions.claim, task_id, actor=BEN, holder="Anna")
    shop.do(actions.release, task_id, actor=ANNA)
    assert state(shop, task_id) == "OPEN"
    shop.do(actions.claim, task_id, actor=BEN)
    assert shop.store.read(queries.task, task_id).claimed_by == BEN


def test_a_finished_task_stays_finished(shop: Shop) -> None:
    task_id = opened(shop)
    shop.do(actions.done, task_id)
    before = shop.length()
    shop.do(actions.done, task_id)
    assert shop.length() == before
    with pytest.raises(Refusal, match="already done"):
        shop.do(actions.drop, task_id, "NOT_NEEDED")
    with pytest.raises(Refusal, match="already done"):
        shop.do(actions.claim, task_id)
    shop.is_sound()


def test_what_is_due_first_stands_on_top(shop: Shop) -> None:
    shop.receive("MILK", 9)
    shop.place("R-1", ("MILK", 1), promise_at="2026-11-21T16:00:00Z")
    shop.place("R-2", ("MILK", 1), promise_at="2026-11-21T15:00:00Z")
    opened(shop)
    assert [one[1] for one in shop.tasks()] == ["order:R-2", "order:R-1", "sku:MILK"]
    assert [one[1] for one in shop.tasks("count")] == ["sku:MILK"]


def test_a_task_unknown_here_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.do(actions.claim, "T-0")
