"""Pictures of codes for the scanner tests, drawn by zxing-cpp; never a photo."""

from typing import Any

import cv2
import numpy as np
import zxingcpp


def code(fmt: str, text: str, unit: int = 4) -> Any:
    """Return a code as a grey picture with its quiet zone."""
    made = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str(fmt))
    picture = np.array(made.to_image(scale=unit, add_hrt=False, add_quiet_zones=True))
    if picture.shape[1] > 2 * picture.shape[0]:
        return bars(picture[picture.shape[0] // 2], unit)
    return cv2.copyMakeBorder(picture, *(4 * unit,) * 4, cv2.BORDER_CONSTANT, value=255)


def bars(row: Any, unit: int) -> Any:
    quiet = np.full(10 * unit, 255, np.uint8)
    row = np.concatenate([quiet, row, quiet])
    return np.tile(row, (int(len(row) * 0.4), 1))


def on_sheet(
    picture: Any, *, angle: float = 0.0, blur: float = 0.0, noise: float = 0.0, size: int = 900
) -> Any:
    """Lay a picture on the middle of a grey sheet, turned, blurred, with seeded grain."""
    h, w = picture.shape
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), angle, 1.0)
    turn[:, 2] += np.array([size / 2 - w / 2, size / 2 - h / 2])
    sheet = cv2.warpAffine(picture, turn, (size, size), flags=cv2.INTER_LINEAR, borderValue=180)
    if blur:
        sheet = cv2.GaussianBlur(sheet, (0, 0), blur)
    if noise:
        grain = np.random.default_rng(7).normal(0.0, noise, sheet.shape)
        sheet = np.clip(sheet + grain, 0, 255).astype(np.uint8)
    return sheet
