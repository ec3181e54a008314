"""A Sparkplug node behind the gateway: births teach, changes are news, deaths are believed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devices.adapters.edge_node import metric, payload
from tests.devices.gateway.standing import HandLine, Standing

NOW = 1795262399500
AT = "spBv1.0/shop"
NODE = {"device": "edge-1", "family": "sparkplug", "address": "shop/edge-1", "grants": [f"{AT}/#"]}
COOLER = {"device": "cooler-1", "family": "sparkplug", "address": "shop/edge-1/cooler"}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Standing]:
    made = Standing(tmp_path, HandLine())
    made.serve(NODE, COOLER)
    born(made)
    yield made
    made.die()


def born(made: Standing, bd: int = 3, temperature: float = -18.0) -> None:
    made.hear(f"{AT}/NBIRTH/edge-1", payload(metric("bdSeq", bd, datatype=8), stamp=NOW))
    cooler = [metric("Temperature", temperature, alias=7), metric("Door", False, alias=8)]
    made.hear(f"{AT}/DBIRTH/edge-1/cooler", payload(*cooler, stamp=NOW))


def data(made: Standing, *metrics: bytes) -> None:
    made.hear(f"{AT}/DDATA/edge-1/cooler", payload(*metrics, stamp=NOW))


def test_an_alias_means_what_its_birth_said_also_after_a_kill(
    node: Standing, tmp_path: Path
) -> None:
    data(node, metric(alias=7, value=-17.0))
    assert [data.get("value") for _, _, data in node.waiting()] == [-18.0, None, -17.0]
    node.die()
    second = Standing(tmp_path, HandLine())
    data(second, metric(alias=7, value=-16.0), metric(alias=8, value=True))
    # Whom it serves may change meanwhile; what it learned stays.
    second.serve(NODE, COOLER)
    data(second, metric(alias=7, value=-15.0))
    assert [(kind, told.get("value", told.get("event"))) for _, kind, told in second.waiting()][
        3:
    ] == [("measure", -16.0), ("input", "on"), ("measure", -15.0)]
    node.client = second.client


def test_a_birth_repeats_and_is_no_news(node: Standing) -> None:
    before = node.kinds()
    born(node, bd=4)
    assert node.kinds() == before
    born(node, bd=5, temperature=-10.0)
    assert node.kinds() == [*before, ("cooler-1", "measure")]


def test_what_was_stored_offline_is_told_with_its_time_and_once(node: Standing) -> None:
    old = metric(alias=7, value=-30.0, stamp=NOW - 3_600_000, historical=True)
    data(node, old)
    data(node, old)
    data(node, metric(alias=7, value=-18.0))
    values = [told["value"] for _, kind, told in node.waiting() if kind == "measure"]
    assert values == [-18.0, -30.0], "and it does not stand for the present"


def test_a_node_s_death_takes_its_devices_and_a_late_will_is_not_believed(node: Standing) -> None:
    late = payload(metric("bdSeq", 2, datatype=8))
    node.hear(f"{AT}/NDEATH/edge-1", late)
    assert node.told == [("edge-1", True), ("cooler-1", True)]
    node.hear(f"{AT}/NDEATH/edge-1", payload(metric("bdSeq", 3, datatype=8)))
    assert node.told[2:] == [("edge-1", False), ("cooler-1", False)]
    born(node, bd=4)
    node.hear(f"{AT}/DDEATH/edge-1/cooler", payload(stamp=NOW))
    assert node.told[4:] == [("edge-1", True), ("cooler-1", True), ("cooler-1", False)]


def test_an_alias_without_its_birth_is_garbage_that_can_be_read_later(node: Standing) -> None:
    data(node, metric(alias=99, value=1.0), metric("Door", True))
    kinds = [kind for _, kind, _ in node.waiting()][2:]
    assert kinds == ["input", "garbage"]
