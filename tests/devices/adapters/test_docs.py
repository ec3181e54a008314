"""docs/adapters.md tells what is: its examples run, and it leaves no family and no part out."""

import importlib.metadata
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from devices import adapters
from devices import run as parts
from devices.adapters import Adapter, Glitch, Received, mapped

PAGE = (Path(__file__).parents[3] / "docs" / "adapters.md").read_text(encoding="utf-8")
NOW = Received(datetime.fromtimestamp(1795262400, UTC))


def block(name: str) -> str:
    found = re.search(rf"<!-- tested: {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None, name
    return found[1]


def test_the_mapping_of_the_page_reads_the_message_of_the_page(tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(block("acme.toml"), encoding="utf-8")
    adapter = mapped.load(file)
    message = re.search(r'```json\n(\{"type": "reading".*?\})\n```', PAGE)
    assert message is not None
    found = adapter.read("acme/shelf-7/telemetry", message[1].encode(), NOW)
    assert [(one.kind, one.data) for one in found] == [  # type: ignore[union-attr]
        ("measure", {"quantity": "temperature", "value": 21.5, "unit": "°C"}),
        ("presence", {"present": False}),
    ]
    assert f"measure of shelf-7: {json.dumps(found[0].data, ensure_ascii=False)}" in PAGE  # type: ignore[union-attr]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's package, installed as `pip install` would: on the path, with its entry point."""
    (tmp_path / "acme_scale.py").write_text(block("acme_scale.py"), encoding="utf-8")
    about = tmp_path / "acme_scale-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-scale\nVersion: 1.0\n")
    points = re.search(r'entry-points\."(storehub.adapters)"\]\nacme-scale = "(.*?)"', PAGE)
    assert points is not None
    (about / "entry_points.txt").write_text(
        f"[{points[1]}]\nacme-scale = {points[2]}\nbroken = acme_scale:NOTHING\n"
        "thief = acme_scale:read\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "acme_scale", raising=False)


@pytest.mark.usefixtures("installed")
def test_the_adapter_of_the_page_is_found_by_its_entry_point(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = adapters.known()
    assert set(found) == {*adapters.BUILT_IN, "acme-scale"}
    (one,) = found["acme-scale"].read("acme/s1/grams", b"412.5", NOW)
    assert one.data == {"grams": 412.5}  # type: ignore[union-attr]
    assert isinstance(found["acme-scale"].read("acme/s1/grams", b"heavy", NOW)[0], Glitch)
    # What cannot be loaded, or is none, is left out and said.
    assert len(caplog.messages) == 2


def test_nobody_takes_a_family_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    thief = ModuleType("thief")
    thief.ADAPTER = Adapter("shelly", lambda *_: [])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "thief", thief)
    point = importlib.metadata.EntryPoint("x", "thief:ADAPTER", adapters.GROUP)
    taken: Any = lambda group: [point]  # noqa: E731
    monkeypatch.setattr(adapters, "entry_points", taken)
    assert adapters.known() == dict(adapters.BUILT_IN)


def test_the_page_names_every_family_and_every_part() -> None:
    for name in (*adapters.BUILT_IN, *parts.KINDS):
        assert f"| `{name}` |" in PAGE, name
    for key in mapped._KEYS:
        assert f"`{key}`" in PAGE, key
