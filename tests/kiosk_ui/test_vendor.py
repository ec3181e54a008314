"""What comes from others is what the manifest says, byte for byte, and nothing else."""

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = [ROOT / "kiosk_ui/static/vendor", ROOT / "tests/browser/vendor"]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.parts[-3])
def test_vendored_files_are_those_of_the_manifest(place: Path) -> None:
    manifest = json.loads((place / "manifest.json").read_text())["files"]
    for row in manifest:
        content = (place / row["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"], row["file"]
        assert row["name"]
        assert row["version"]
        assert row["licence"]
        assert (place / row["licence_file"]).is_file()
    known = {row["file"] for row in manifest} | {row["licence_file"] for row in manifest}
    there = {str(file.relative_to(place)) for file in place.rglob("*") if file.is_file()}
    assert there - {"manifest.json"} == known


def test_no_page_names_another_host() -> None:
    texts = [one for one in ROOT.glob("kiosk_ui/static/*.*") if one.suffix != ".png"]
    for file in [*ROOT.glob("kiosk_ui/templates/**/*.html"), *texts]:
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, file
        assert "https://" not in text, file


def test_no_template_has_inline_script_or_style() -> None:
    for file in ROOT.glob("kiosk_ui/templates/**/*.html"):
        text = file.read_text()
        assert " style=" not in text, file
        assert "<style" not in text, file
        assert " onclick=" not in text, file
        assert text.count("<script") == text.count("<script src="), file
