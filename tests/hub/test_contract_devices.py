"""`storehub devices …` as a person types it."""

import json
from pathlib import Path

from click.testing import CliRunner

from hub.cli.beside import devices

FILE = """
family = "acme"
[[message]]
topic = "acme/{address}/t"
kind = "measure"
time = "$.ts"
[message.data]
quantity = "temperature"
value = "$.t"
[[message]]
topic = "acme/{address}/lwt"
kind = "status"
format = "scalar"
"""


def test_a_mapping_is_tried_before_it_is_trusted(tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(FILE)
    ask = CliRunner().invoke
    assert "family mapped:acme" in ask(devices, ["map", str(file)]).output
    tried = ["map", str(file), "--try"]
    answer = ask(devices, [*tried, "acme/s1/t", '{"t": 21.5}']).output
    assert answer.startswith('measure of s1: {"quantity": "temperature", "value": 21.5} ')
    assert "no identity" in answer
    assert "away" in ask(devices, [*tried, "acme/s1/lwt", "offline"]).output
    assert "unreadable: not_json" in ask(devices, [*tried, "acme/s1/t", "{"]).output
    assert "no rule" in ask(devices, [*tried, "other", "1"]).output
    piped = ask(devices, [*tried, "acme/s1/t", "-", "--json"], input='{"t": 1}').output
    assert json.loads(piped)[0]["data"] == {"quantity": "temperature", "value": 1}


def test_the_families_are_listed() -> None:
    answer = CliRunner().invoke(devices, ["adapters", "--json"]).output
    assert {row["family"] for row in json.loads(answer)} >= {"impinj", "zigbee2mqtt", "shelly"}


def test_the_camera_s_flags_go_together(tmp_path: Path) -> None:
    ask = CliRunner().invoke
    assert ask(devices, ["run", "--camera", "0"]).exit_code == 2
    both = ["run", "--camera", "0", "--config", str(tmp_path / "x")]
    assert ask(devices, both).exit_code == 2
