"""An order that nobody picks is seen by everybody who could do something about it."""

from collections.abc import Callable

from flask.testing import FlaskClient

from hub.tasks.facts import TaskDropped, TaskOpened
from tests.kiosk_ui.sample import SampleStore, facts


def test_who_called_in_vain_stands_over_the_counters_board_for_everybody_signed_in(
    shop: SampleStore, sign_in: Callable[[str], FlaskClient], anyone: FlaskClient
) -> None:
    shop.place("R-1", [("4711", 1)], minutes=5, name="Maria Keller", code="7K4M")
    # What is promised for the evening is not among the cards that a column shows.
    shop.receive("4713", 30)
    for n in range(shop.hub.options.column_cards):
        shop.place(f"R-1{n:02d}", [("4713", 1)], minutes=9, code=f"A{n:03d}")
    shop.place("R-2", [("4712", 1)], minutes=300, name="Olga Nowak", code="3WE8")
    people = [sign_in(one) for one in ("ada", "sam", "ivy")]

    def call(order_id: str, reason: str) -> None:
        shop.append(
            TaskOpened(
                task_id=f"T-{reason}", kind="unclaimed", subject=f"order:{order_id}",
                reason=reason, order_id=order_id,
            )
        )  # fmt: skip

    call("R-1", "UNCLAIMED")
    for person in people:
        board = person.get("/counter").text
        assert "Nobody picks it" in board
        assert 'id="calling"' not in board, "the first call is a mark on the card"
    call("R-2", "STILL_UNCLAIMED")
    for person in people:
        board = person.get("/counter/columns").text
        assert "Still nobody picks:" in board
        strip = board.split('id="calling"')[1].split("</section>")[0]
        assert 'href="/counter/orders/R-2"' in strip
        assert "3WE8" in strip
        assert "Olga" not in strip
        assert "Still nobody picks it" not in board, "its card is not shown"
        tasks = person.get("/associate").text
        assert tasks.count("Find somebody who picks it.") == 1
    assert "calling" not in anyone.get("/counter").text
    shop.append(facts.PickingClaimed(order_id="R-2", by="staff:ada"))
    shop.append(TaskDropped(task_id="T-STILL_UNCLAIMED", reason="NO_LONGER_WAITS"))
    assert 'id="calling"' not in people[1].get("/counter/columns").text
