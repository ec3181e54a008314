"""A film of goods becomes scans: each item once, none wrong; the preview shows what is read."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from devices.scanners import camera
from devices.scanners.acceptance import Settings
from devices.scanners.camera import CameraSettings
from devices.scanners.frames import Latest, open_source
from devices.scanners.live import Area, LiveReader, Look
from devices.scanners.preview import Preview
from hub.errors import Unavailable
from hub.gs1 import read
from tests.bench import barcodes_film
from tests.devices.scanners import drawn

TEXT = "5901234123457"


class Kept:
    """A client that keeps what it is given."""

    def __init__(self) -> None:
        self.scans: list[dict[str, Any]] = []

    def observe(self, kind: str, data: Mapping[str, Any]) -> str:
        assert kind == "scan"
        self.scans.append(dict(data))
        return str(len(self.scans))


def test_goods_on_a_film_are_scanned_once_each_and_never_wrong() -> None:
    reader = LiveReader(Settings())
    shown: set[tuple[str, str]] = set()
    scans: list[tuple[str, str]] = []
    for number, (item, frame) in enumerate(barcodes_film.film(seed=5, items=6)):
        if item is not None:
            shown.add((item.symbology, item.text))
        look = reader.look(frame, number / 30.0)
        scans += [(code.symbology, code.text) for code in look.accepted]
    assert set(scans) <= shown
    assert len(scans) == len(set(scans))
    assert len(scans) >= 4


def test_a_still_scene_costs_almost_nothing_and_is_not_scanned_again() -> None:
    reader = LiveReader(Settings())
    frame = drawn.on_sheet(drawn.code("EAN13", TEXT), size=700)
    looks = [reader.look(frame, n / 30.0) for n in range(120)]
    assert sum(len(look.accepted) for look in looks) == 1
    assert not looks[-1].moving
    assert sum(bool(look.codes) for look in looks[40:]) <= 6


def test_only_the_area_is_read_and_corners_are_those_of_the_frame() -> None:
    frame = np.full((600, 1400), 180, np.uint8)
    frame[:, 700:] = drawn.on_sheet(drawn.code("EAN13", TEXT), size=700)[:600]
    left = LiveReader(Settings(), Area(right=0.5))
    right = LiveReader(Settings(), Area(left=0.5))
    assert left.look(frame, 0.0).codes == ()
    corners = np.array(right.look(frame, 0.0).codes[0].corners)
    assert 900 < corners[:, 0].mean() < 1200


def test_a_video_file_becomes_scan_observations(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    picture = drawn.on_sheet(drawn.code("EAN13", TEXT), size=640)
    for n in range(12):
        moved = np.roll(picture, 6 * n, axis=1)
        cv2.imwrite(str(folder / f"{n:03}.png"), moved)
    (folder / "notes.txt").write_text("no picture")
    client = Kept()
    reader = LiveReader(Settings())
    frames = open_source(str(folder))
    number = 0
    while (frame := frames.read()) is not None:
        for code in reader.look(frame, number / 30.0).accepted:
            client.observe("scan", camera.scan_of(code, "kiosk-1"))
        number += 1
    assert number == 12
    assert [s["symbology"] for s in client.scans] == ["EAN-13"]
    assert client.scans[0]["context"] == "kiosk-1"
    assert read(client.scans[0]["code"]).gtin == "0" + TEXT


def test_the_camera_loop_publishes_and_ends_with_its_file(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(
        str(tmp_path / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (640, 640)
    )
    assert writer.isOpened()
    picture = drawn.on_sheet(drawn.code("QRCode", "hello", 8), size=640)
    for n in range(40):
        writer.write(cv2.cvtColor(np.roll(picture, 5 * n, axis=0), cv2.COLOR_GRAY2BGR))
    writer.release()
    client = Kept()
    settings = CameraSettings(str(tmp_path / "film.avi"), again=False)
    camera.run(settings, client, threading.Event())
    assert [s["symbology"] for s in client.scans] == ["QR"]


def test_only_the_latest_frame_is_kept(tmp_path: Path) -> None:
    for n in range(30):
        cv2.imwrite(str(tmp_path / f"{n:03}.png"), np.full((40, 40), n, np.uint8))
    latest = Latest(str(tmp_path), again=False)
    latest._thread.join(10.0)
    frame = latest.wait(1.0)
    assert frame is not None
    assert int(frame[0, 0, 0]) == 29
    assert latest.wait(0.01) is None
    latest.stop()


def test_a_camera_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No picture comes from"):
        open_source(str(tmp_path / "none.avi"))


def test_the_preview_shows_picture_codes_and_scans() -> None:
    frame = drawn.on_sheet(drawn.code("QRCode", "hello", 8), size=640)
    look = LiveReader(Settings()).look(frame, 0.0)
    preview = Preview()
    try:
        with pytest.raises(urllib.error.HTTPError):
            _get(preview.url + "frame.jpg")
        preview.show(frame, look)
        page, headers = _get(preview.url)
        assert b"What the camera sees" in page
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        picture, _ = _get(preview.url + "frame.jpg")
        assert picture.startswith(b"\xff\xd8")
        state = json.loads(_get(preview.url + "state.json")[0])
        assert state["codes"][0]["text"] == "hello"
        assert state["scans"][0]["symbology"] == "QR"
        assert state["width"] == 640
        for part in ("preview.js", "preview.css"):
            assert _get(preview.url + part)[0]
    finally:
        preview.stop()


def test_beyond_this_machine_the_preview_asks_for_its_key() -> None:
    preview = Preview(host="0.0.0.0")
    try:
        preview.show(np.zeros((40, 40, 3), np.uint8), Look((), (), 1.0, False))
        bare = f"http://127.0.0.1:{preview.port}/"
        for part in ("", "frame.jpg", "state.json", "?key=wrong"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                _get(bare + part)
            assert refused.value.code == 403
            refused.value.close()
        key = preview.url.partition("?")[2]
        assert _get(f"{bare}frame.jpg?{key}")[0].startswith(b"\xff\xd8")
        assert key.encode() in _get(f"{bare}?{key}")[0]
    finally:
        preview.stop()


def _get(url: str) -> tuple[bytes, Mapping[str, str]]:
    with urllib.request.urlopen(url, timeout=40) as answer:
        return answer.read(), dict(answer.headers)


@pytest.mark.parametrize(
    ("sold", "context", "told"),
    [
        (False, None, {"known": False}),
        (True, None, None),
        (None, None, None),
        (False, "kiosk-1", "kiosk-1"),
    ],
)
def test_what_the_store_does_not_sell_is_published_and_says_so(
    sold: bool | None, context: str | None, told: object
) -> None:
    picture = drawn.on_sheet(drawn.code("EAN13", TEXT), size=640)
    reader, client = LiveReader(Settings(), known=lambda _gtin: sold), Kept()
    for n in range(6):
        look = reader.look(np.roll(picture, 6 * n, axis=1), n / 30.0)
        camera._publish(client, look, context, lambda _gtin: sold)
    (scan,) = client.scans
    assert scan.get("context") == told
