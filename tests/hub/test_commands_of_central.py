"""What central sends becomes an order, or is refused by field; it never breaks what is here."""

import logging
from typing import Any

import pytest

from hub import quarantine
from hub.customers import queries as customers
from hub.errors import Invalid
from hub.handlers import COMMANDS
from sync import commands
from tests.hub.shop import Shop


def command(order_id: str = "R-1", **changes: Any) -> dict[str, Any]:
    order = {
        "order_id": order_id,
        "lines": [{"line_id": "L1", "sku": "MILK", "qty": 1, "unit_price_minor": 100}],
        "currency": "EUR",
        "customer_ref": "c_1",
        "personal": {"name": "Ida Lovelace", "email": None, "phone": None},
    }
    return {"id": f"place-{order_id}", "type": "order.place", "order": order | changes}


def take(shop: Shop, sent: dict[str, Any]) -> None:
    shop.run(lambda tx: COMMANDS["order.place"](tx, sent))


def test_an_order_comes_with_who_collects_it(shop: Shop) -> None:
    shop.receive("MILK", 1)
    take(shop, command())
    assert shop.state("R-1") == "RESERVED"
    assert shop.store.read(customers.name, "c_1") == "Ida Lovelace"


@pytest.mark.parametrize(
    "personal",
    [
        {"name": "Maximiliana " * 20},
        {"name": "Ida\x07Lovelace"},
        {"name": "   "},
        {"name": 4711},
        {"name": "Ida Lovelace", "phone": "0" * 41},
    ],
)
def test_an_order_is_not_lost_for_a_name_that_cannot_be_kept(
    shop: Shop, personal: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    shop.receive("MILK", 1)
    with caplog.at_level(logging.WARNING):
        take(shop, command(personal=personal))
    assert shop.state("R-1") == "RESERVED"
    assert shop.store.read(customers.name, "c_1") is None
    assert "not kept" in caplog.text
    assert not any(str(value) in caplog.text for value in personal.values())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"currency": {"code": "EUR"}}, "currency"),
        ({"customer_ref": 4711}, "customer_ref"),
        ({"promise_at": "0001-01-01T00:00:00+14:00"}, "promise_at"),
        ({"lines": [{"line_id": "L1", "sku": "MILK", "qty": 1, "tax_rate_bp": 19.5}]}, "lines.0"),
        ({"lines": [{"line_id": "L1", "sku": "MILK", "qty": 1, "currency": 978}]}, "lines.0"),
    ],
)
def test_nothing_enters_a_fact_that_could_not_be_read_from_it_again(
    shop: Shop, changes: dict[str, Any], field: str
) -> None:
    shop.receive("MILK", 1)
    with pytest.raises(Invalid) as refused:
        take(shop, command(**changes))
    assert refused.value.field.startswith(field)
    shop.is_sound()


@pytest.mark.parametrize("body", [b'{"id":"x","type":"order.place"}', b"[1]", b"{"])
def test_a_malformed_command_that_is_tried_again_is_refused_with_a_sentence(
    shop: Shop, body: bytes
) -> None:
    shop.run(
        lambda tx: quarantine.put(
            tx,
            source="sync",
            device="central",
            topic="commands/order.place",
            reason="malformed",
            detail="",
            body=body,
            bound=10,
        )
    )
    sources = {"sync": commands.replay(COMMANDS)}
    with pytest.raises(Invalid, match=r"command"):
        shop.run(lambda tx: quarantine.replay(tx, 1, sources))


def test_that_somebody_is_here_is_not_lost_for_a_plate_that_cannot_be_kept(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.receive("MILK", 1)
    take(shop, command())
    here = {"id": "b1", "type": "buyer", "order_id": "R-1", "where": "arrived", "stall": "4"}
    plate = "M-X " * 200
    with caplog.at_level(logging.WARNING):
        shop.run(lambda tx: COMMANDS["buyer"](tx, here | {"personal": {"plate": plate}}))
    assert shop.order("R-1")["buyer_arrived_at"]
    assert "not kept" in caplog.text
    assert plate not in caplog.text


def test_a_yes_is_no_number_of_minutes(shop: Shop) -> None:
    """True is 1 to Python, but no reader of the journal takes it for a number."""
    shop.receive("MILK", 1)
    take(shop, command())
    coming = {"id": "b1", "type": "buyer", "order_id": "R-1", "where": "on_the_way"}
    with pytest.raises(Invalid):
        shop.run(lambda tx: COMMANDS["buyer"](tx, coming | {"eta_minutes": True}))
