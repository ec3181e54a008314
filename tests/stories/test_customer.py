"""A customer's page: on the way, here, somebody else collects, how it felt; line up and down."""

import re
import secrets
from typing import Any

import requests

from tests.floor import Floor
from tests.stories.test_erasure import holding

PLATE = "PLATE-" + secrets.token_hex(3).upper()
DELEGATE = "Delegate " + secrets.token_hex(4)
WORDS = "The words " + secrets.token_hex(6)


class Customer:
    """Somebody with the link that came with the order, and a browser that keeps cookies."""

    def __init__(self, floor: Floor, link: str) -> None:
        self.url = floor.facts()["urls"]["central"]
        self.link = link
        self.session = requests.Session()
        self.session.headers["Accept"] = "text/html"
        self.token = ""

    def page(self, **query: str) -> str:
        answer = self.session.get(self.url + self.link, params=query, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.text

    def say(self, what: str, **form: Any) -> requests.Response:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.page())
        self.token = token[1] if token else self.token
        path, _, query = self.link.partition("?")
        return self.session.post(
            f"{self.url}{path}/{what}?{query}", data={"csrf_token": self.token, **form}, timeout=20
        )


def test_a_customer_comes_somebody_else_collects_and_it_felt_good(floor: Floor) -> None:
    sku = floor.goods(1)[0]["sku"]
    floor.receive({sku: 3})
    who = {"name": "Ida Probe", "email": "ida@example.test", "language": "de"}
    placed = floor.place({sku: 1}, customer=who)
    order_id = placed["order_id"]
    customer = Customer(floor, floor.central.json(f"/orders/{order_id}")["page"])
    floor.arrived(order_id)
    assert floor.hub.json(f"/orders/{order_id}")["language"] == "de"
    assert '<html lang="de"' in customer.page()

    assert customer.say("where", where="on_the_way", eta="10").status_code == 200
    floor.until(
        lambda: floor.hub.json(f"/orders/{order_id}")["buyer_eta_minutes"] == 10,
        "the store hears that the customer comes",
    )
    floor.line("down")
    try:
        # What is said while the line is down waits at central and is not lost.
        assert customer.say("delegate", delegate=DELEGATE).status_code == 200
        said = customer.say("where", where="arrived", stall="A 4", plate=PLATE)
        assert said.status_code == 200
        assert customer.say("where", where="arrived", stall="A 4").status_code == 200
    finally:
        floor.line("up")
    floor.until(
        lambda: floor.hub.json(f"/orders/{order_id}")["buyer_stall"] == "A 4",
        "the store hears that the customer is here",
    )
    order = floor.hub.json(f"/orders/{order_id}")
    assert order["has_delegate"]
    kinds = [event["type"] for event in order["timeline"]]
    assert (kinds.count("BuyerSeen"), kinds.count("DelegateNamed")) == (2, 1)

    refused = customer.say("feedback", score="5")
    assert refused.status_code == 422
    hand_over(floor, placed)
    floor.until(lambda: 'name="score"' in customer.page(), "the page asks how it was")
    before = floor.hub.json("/experience")["count"]
    assert customer.say("feedback", score="4", felt=["fast", "clear"], text=WORDS).ok
    assert customer.say("feedback", score="1").ok  # the first word stands
    floor.until(lambda: floor.hub.json("/experience")["count"] == before + 1, "the hub has it")
    floor.in_step()
    figures = floor.central.json(f"/stores/{floor.store}/experience")
    today = floor.hub.json("/experience")
    for name in ("count", "mean_hundredths", "scores", "felt"):
        assert figures[name] == today[name]
    shown = floor.hub.json("/experience/feedback")["latest"][0]
    assert (shown["order_id"], shown["score"], shown["felt"]) == (order_id, 4, ["fast", "clear"])
    assert floor.verify()["ok"]

    journal = floor.storehub("export", "journal").stdout
    for personal in (PLATE, DELEGATE, WORDS):
        assert personal not in journal
    ref = floor.central.json(f"/orders/{order_id}")["customer_ref"]
    floor.central.done(f"/customers/{ref}/erase")
    floor.until(
        lambda: "PersonalDataErased" in floor.storehub("export", "journal").stdout, "erased"
    )
    floor.in_step()
    floor.until(lambda: not left(floor), "no byte of what the customer wrote is left")


def left(floor: Floor) -> list[str]:
    """Return what of the customer's words the store's directory still holds."""
    return holding(floor.directory, [text.encode() for text in (PLATE, DELEGATE, WORDS)])


def hand_over(floor: Floor, placed: dict[str, Any]) -> None:
    order_id = placed["order_id"]
    floor.step(order_id, "claim")
    floor.step(order_id, "pick", line_id="L1", qty=1)
    floor.step(order_id, "stage", shelf="A1")
    floor.step(order_id, "ready")
    floor.step(order_id, "handover", proof={"kind": "code", "value": placed["pickup_code"]})


def test_without_the_key_nobody_sees_items_or_says_anything(floor: Floor) -> None:
    sku = floor.goods(1)[0]["sku"]
    placed = floor.place({sku: 1})
    url = floor.facts()["urls"]["central"]
    bare = requests.get(f"{url}/orders/{placed['order_id']}", timeout=20)
    assert placed["short_code"] not in bare.text
    assert "csrf_token" not in bare.text
    shut = requests.get(f"{url}/orders/{placed['order_id']}/code.svg?key=0", timeout=20)
    assert shut.status_code == 404
