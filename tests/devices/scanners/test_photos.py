"""On a sample of real photos, upright and tilted: nearly all read, none wrong, no negative read."""

import cv2
import pytest

from devices.scanners import decode
from devices.scanners.decode import Options
from tests.bench import barcodes

PHOTOS = barcodes.PHOTOS
pytestmark = [
    pytest.mark.skipif(
        not (PHOTOS / "manifest.json").exists(),
        reason="the photos for measuring (../shared/data/barcodes) are not on this machine",
    ),
    pytest.mark.filterwarnings("ignore"),
]


def reads(photo: barcodes.Photo, angle: float) -> list[tuple[str, str]]:
    picture = barcodes.tilt(cv2.imread(str(PHOTOS / photo.file), cv2.IMREAD_COLOR), angle)
    return [(c.symbology, c.text) for c in decode.decode(picture, Options(budget_ms=300)).codes]


@pytest.mark.parametrize("angle", [0.0, 45.0])
def test_a_sample_of_photos_is_read_and_nothing_wrong(angle: float) -> None:
    sample = [p for p in barcodes.photos(PHOTOS) if p.expected and p.symbology in barcodes.RETAIL]
    right = 0
    for photo in sample[::16]:
        correct, wrong = barcodes.judge(photo, reads(photo, angle))
        assert not wrong, photo.file
        right += correct
    assert right >= 0.8 * len(sample[::16])


def test_nothing_is_read_where_nothing_is() -> None:
    for photo in [p for p in barcodes.photos(PHOTOS) if p.expected is None][::4]:
        assert reads(photo, 20.0) == [], photo.file
