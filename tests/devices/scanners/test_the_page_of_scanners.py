"""docs/scanners.md says what is so: its devices.toml is taken, its codes are the code's."""

import re
import sys
from pathlib import Path

import pytest

from devices import run as parts
from devices.scanners import layouts, lines, plugs, wedge
from hub.cli import main
from hub.scans import screens

PAGE = (Path(__file__).parents[3] / "docs/scanners.md").read_text()


def test_every_devices_toml_of_the_page_is_taken(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "devices.toml"
    file.write_text("".join(blocks))
    assert [part.kind for part in parts.load(file, tmp_path)] == ["hid", "serial", "serial"]


def test_every_reason_layout_and_code_is_on_the_page() -> None:
    named = {found.split(" ")[0] for found in re.findall(r"`([^`\n]+)`", PAGE)}
    reasons = {
        getattr(module, name)
        for module in (wedge, lines)
        for name in ("TYPED", "PARTIAL", "SHORT", "UNKNOWN_KEY", "TOO_LONG", "LOST_KEYS", "GARBAGE")
        if hasattr(module, name)
    }
    assert reasons <= named
    assert f"{screens.PREFIX}…" in named
    assert all(re.search(rf"\b{layout}\b", PAGE) for layout in layouts.LAYOUTS)


def test_keyboards_are_listed_by_their_port(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Plugs:
        def plugged(self) -> list[plugs.Plugged]:
            return [plugs.Plugged("/dev/input/event3", "usb-0000:00:14.0-1", "Scanner")]

    monkeypatch.setattr(plugs, "LinuxPlugs", Plugs)
    monkeypatch.setattr(sys, "argv", ["storehub", "devices", "keyboards"])
    main()
    assert "usb-0000:00:14.0-1" in capsys.readouterr().out


def test_without_evdev_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "evdev", None)
    monkeypatch.setattr(sys, "argv", ["storehub", "devices", "keyboards"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "storehub[hid]" in capsys.readouterr().err
