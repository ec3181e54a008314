"""A file that is no good picture is one clear line; nothing crashes and memory stays bounded."""

import json
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from devices.scanners import decode
from hub.errors import Invalid
from tests.devices.scanners import drawn

TEXT = "5901234123457"


def sheet() -> Image.Image:
    return Image.fromarray(drawn.on_sheet(drawn.code("EAN13", TEXT), size=600))


def read(path: Path) -> list[str]:
    return [c.text for c in decode.decode_file(path).codes]


@pytest.mark.parametrize("kind", ["png", "jpg", "bmp", "tiff", "webp", "gif"])
def test_common_formats_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"photo.{kind}"
    sheet().save(path)
    assert read(path) == [TEXT]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "F"])
def test_every_way_to_store_colour_is_read(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("photo.tiff" if mode in ("CMYK", "YCbCr", "F") else "photo.png")
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(sheet()).astype(np.uint16) * 200)
    elif mode == "F":
        picture = Image.fromarray(np.asarray(sheet()).astype(np.float32) / 255.0)
    else:
        picture = sheet().convert(mode)
    picture.save(path)
    assert read(path) == [TEXT]


def test_a_cmyk_jpeg_and_an_exif_turned_photo_are_read(tmp_path: Path) -> None:
    cmyk = tmp_path / "cmyk.jpg"
    sheet().convert("CMYK").save(cmyk)
    assert read(cmyk) == [TEXT]
    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    sheet().save(turned, exif=exif)
    assert read(turned) == [TEXT]


def test_of_an_animation_the_first_frame_is_read(tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    blank = Image.new("L", (600, 600), 255)
    sheet().save(path, save_all=True, append_images=[blank] * 3)
    assert read(path) == [TEXT]


def _png_head(width: int, height: int, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def bad_files(folder: Path) -> dict[str, Path]:
    good = folder / "good.png"
    sheet().save(good)
    jpeg = folder / "good.jpg"
    sheet().save(jpeg)
    bodies = {
        "empty.png": b"",
        "text.png": b"This is not a picture.\n" * 40,
        "cut.png": good.read_bytes()[: good.stat().st_size // 2],
        "cut.jpg": jpeg.read_bytes()[:700],
        "flipped.png": good.read_bytes()[:60] + b"\xff" * 40 + good.read_bytes()[100:],
        "zero.png": _png_head(0, 0),
        "tiny.png": _png_head(1, 1, zlib.compress(b"\0\0")),
        "bomb.png": _png_head(60_000, 60_000, zlib.compress(b"\0" * 50_000_000, 9)),
        "wide.png": _png_head(2**31 - 1, 2**31 - 1),
        "riff.webp": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        "gif.gif": b"GIF89a\xff\xff\xff\xff\xf7\x00\x00",
        "tiff.tiff": b"II*\x00\xff\xff\xff\xff",
    }
    paths = {}
    for name, body in bodies.items():
        paths[name] = folder / name
        paths[name].write_bytes(body)
    return paths


def test_each_bad_file_is_one_sentence(tmp_path: Path) -> None:
    for name, path in bad_files(tmp_path).items():
        with pytest.raises(Invalid) as wrong:
            decode.decode_file(path)
        assert "\n" not in wrong.value.sentence, name
        assert wrong.value.sentence.endswith("."), name
        assert name in wrong.value.sentence


@pytest.mark.parametrize("name", ["missing.png", "."])
def test_a_missing_file_or_a_folder_is_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid):
        decode.decode_file(tmp_path / name)


def test_bad_files_never_stop_the_others_and_memory_stays_bounded(tmp_path: Path) -> None:
    """In a process that may not grow beyond 1.5 GiB: a bomb would need 3.6 GB."""
    files = [*bad_files(tmp_path).values(), tmp_path / "good.png"]
    program = (
        "import json, sys\n"
        "from devices.scanners import decode\n"
        "for line in decode.main_lines(sys.argv[1:]): print(json.dumps(line))\n"
    )

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1536 << 20, 1536 << 20))

    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=bounded,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(files)
    assert all("error" in line and not line["codes"] for line in lines[:-1])
    assert [c["text"] for c in lines[-1]["codes"]] == [TEXT]
    assert set(lines[-1]) >= {"file", "codes", "ms"}
    assert set(lines[-1]["codes"][0]) >= {"symbology", "text", "gtin", "corners"}


def test_a_large_photo_is_read_at_a_smaller_size(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    large = cv2.resize(np.asarray(sheet()), (6000, 6000))
    Image.fromarray(large).save(path, quality=70)
    codes = decode.decode_file(path).codes
    assert [c.text for c in codes] == [TEXT]
