"""Opens a picture file for decoding: any common format, bounded in bytes and pixels.

It must never decompress a picture before its size is known, and never answer with more than one
sentence.
"""

import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from hub.errors import Invalid

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_PIXELS: Final = 60_000_000


def load(path: Path) -> Any:
    """Return the picture as an 8-bit grey array, upright by its EXIF, its first frame only.

    Transparent parts become white; 16-bit pictures are stretched over their own range. Raises
    `Invalid` with one sentence for whatever cannot be read.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise Invalid(f"{path} is not a file.", field="file")
    except OSError as gone:
        raise Invalid(f"{path} cannot be opened: {gone.strerror}.", field="file") from gone
    if size == 0:
        raise Invalid(f"{path} is empty.", field="file")
    if size > MAX_BYTES:
        raise Invalid(f"{path} is larger than {MAX_BYTES >> 20} MiB.", field="file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                return _grey(path, picture)
    except UnidentifiedImageError as unknown:
        raise Invalid(f"{path} is not a picture in a known format.", field="file") from unknown
    except Image.DecompressionBombError as bomb:
        raise Invalid(f"{path} has more pixels than any photo.", field="file") from bomb
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as broken:
        raise Invalid(f"{path} is a damaged picture.", field="file") from broken


def _grey(path: Path, picture: Image.Image) -> Any:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise Invalid(
            f"{path} has {width} × {height} pixels; {MAX_PIXELS // 10**6} million are the most.",
            field="file",
        )
    if width < 8 or height < 8:
        raise Invalid(f"{path} is too small to hold a barcode.", field="file")
    picture.draft("L", (2400, 2400))  # JPEG only: decode no larger than needed
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("I", "I;16", "I;16B", "I;16L", "F"):
        return _stretched(np.asarray(upright, dtype=np.float32))
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        sheet = Image.new("RGBA", upright.size, "white")
        sheet.alpha_composite(upright.convert("RGBA"))
        upright = sheet
    return np.asarray(upright.convert("L"))


def _stretched(values: Any) -> Any:
    low, high = (float(v) for v in np.nanpercentile(values, (0.5, 99.5)))
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    return np.nan_to_num(np.clip((values - low) / (high - low), 0.0, 1.0) * 255.0).astype(np.uint8)
