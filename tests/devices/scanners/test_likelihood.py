"""Blurred bars are read or refused; what is returned as believable is right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.scanners.decode import evidence, likelihood
from devices.scanners.decode.symbols import EAN8, EAN13, UPCE, Layout
from hub.gs1 import check_digit, expand_upce


def line_of(
    layout: Layout, text: str, *, blur: float, grow: float = 0.0, seed: int = 0
) -> np.ndarray:
    """Draw one scan line, 8 samples a module, blur and growth in modules."""
    if layout is EAN13:
        family, digits = int(text[0]), text[1:]
    elif layout is EAN8:
        family, digits = 0, text
    else:
        family, digits = int(text[0]) * 10 + int(text[7]), text[1:7]
    modules = np.concatenate(
        [np.zeros(14), layout.bars(family, [int(d) for d in digits]), np.zeros(14)]
    )
    ink = np.repeat(modules, 32)
    if grow:
        width = round(abs(grow) * 32) | 1
        views = np.lib.stride_tricks.sliding_window_view(np.pad(ink, width // 2), width)
        ink = views.max(axis=1) if grow > 0 else views.min(axis=1)
    x = np.arange(-128, 129) / 32.0
    kernel = np.exp(-0.5 * (x / blur) ** 2)
    ink = np.convolve(np.pad(ink, 128, mode="edge"), kernel / kernel.sum(), "valid")[::4]
    rng = np.random.default_rng(seed)
    light = np.linspace(150.0, rng.uniform(110.0, 200.0), len(ink))
    return (light * (1.0 - 0.8 * ink) + rng.normal(0.0, 1.0, len(ink))).astype(np.float32)


def guess(layout: Layout, line: np.ndarray) -> likelihood.Guess | None:
    return likelihood.read(likelihood.levelled(line, 8.0), layout.modules * 8.0, layout)


bodies = st.text("0123456789", min_size=12, max_size=12)


@settings(max_examples=15, deadline=None)
@given(bodies, st.floats(0.3, 1.0), st.floats(-0.2, 0.4), st.booleans())
def test_a_blurred_ean13_is_read_forwards_and_backwards(
    body: str, blur: float, grow: float, backwards: bool
) -> None:
    text = body + check_digit(body)
    line = line_of(EAN13, text, blur=blur, grow=grow)
    found = guess(EAN13, line[::-1].copy() if backwards else line)
    assert found is not None
    assert found.digits == text or not evidence.believable(found)


@pytest.mark.parametrize("text", ["5901234123457", "0036000291452", "9780446579803"])
def test_a_blur_of_a_whole_module_is_still_certain(text: str) -> None:
    found = guess(EAN13, line_of(EAN13, text, blur=1.0))
    assert found is not None
    assert found.digits == text
    assert evidence.believable(found)


@pytest.mark.parametrize("six", ["425261", "123450", "123453", "123454", "987659"])
def test_upce_is_read_with_the_check_digit_that_its_parity_spells(six: str) -> None:
    upca = expand_upce("0" + six)
    found = guess(UPCE, line_of(UPCE, f"0{six}{upca[-1]}", blur=0.5))
    assert found is not None
    assert found.digits == f"0{six}{upca[-1]}"
    assert evidence.believable(found)


def test_an_ean8_is_read() -> None:
    found = guess(EAN8, line_of(EAN8, "96385074", blur=0.6))
    assert found is not None
    assert found.digits == "96385074"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_stripes_that_are_no_code_are_never_believable(seed: int) -> None:
    rng = np.random.default_rng(seed)
    runs = rng.choice([8, 16, 24, 32], 59)
    row = np.concatenate([np.full(n, 40.0 + 120.0 * (i % 2)) for i, n in enumerate(runs)])
    row = np.concatenate([np.full(112, 160.0), row, np.full(112, 160.0)])
    kernel = np.exp(-0.5 * (np.arange(-24, 25) / rng.uniform(3.0, 9.0)) ** 2)
    line = np.convolve(np.pad(row, 24, mode="edge"), kernel / kernel.sum(), "valid")
    line = (line + rng.normal(0, 1, len(line))).astype(np.float32)
    for layout in (EAN13, EAN8, UPCE):
        found = likelihood.read(likelihood.levelled(line, 8.0), float(len(row) - 224), layout)
        assert found is None or not evidence.believable(found)
