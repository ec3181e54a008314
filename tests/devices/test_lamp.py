"""A lamp shows what the hub tells it, and says `done` for nothing else."""

from typing import Any

import pytest

from devices.lamp import Shown, lamp
from hub.wire import asyncapi


@pytest.mark.parametrize(
    ("name", "told", "answer", "shown"),
    [
        (
            "alert",
            {"state": "on", "step": 2, "orders": ["K7QD"]},
            "done",
            Shown("on", 2, ("K7QD",)),
        ),
        ("alert", {"state": "off", "step": 0, "orders": []}, "done", Shown("off")),
        ("alert", {"state": "on", "step": 1, "orders": [], "more": 1}, "done", Shown("on", 1)),
        ("alert", {"state": "blink"}, "unreadable", None),
        ("alert", {}, "unreadable", None),
        ("dance", {"state": "on"}, "unknown_command", None),
    ],
)
def test_a_lamp_answers_for_what_it_shows(
    name: str, told: dict[str, Any], answer: str, shown: Shown | None
) -> None:
    seen: list[Shown] = []
    assert lamp(seen.append)(name, {"key": "k1", **told}) == answer
    assert seen == ([] if shown is None else [shown])


def test_a_lamp_reads_all_that_the_document_says_of_an_alert() -> None:
    alert = asyncapi.document()["components"]["schemas"]["Alert"]["properties"]
    assert alert.keys() - {"key"} == set(Shown.__struct_fields__)
