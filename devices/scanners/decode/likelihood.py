"""Reads EAN-13, UPC-A, EAN-8 and UPC-E that are too blurred to have edges, by maximum likelihood.

It must never answer with the best guess alone: a code is returned with how well it explains the
line and by how much it beats the runner-up, and `evidence` says whether that is a read.

The line is modelled as paper and ink levels that drift slowly (quadratic along the symbol), bars
grown or shrunk by a fraction of a module, and a blur (Gaussian, or a disc). Where the symbol lies
is searched first by the modules that all symbols share; then each digit slot is compared with all
its patterns at once, again beside its neighbours, and the best and second-best whole codes that
satisfy parity and check digit are found by dynamic programming over the check sum.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.scanners.decode.rendering import BESIDE, GROWTHS, REACH, Drawn, K, drawn
from devices.scanners.decode.symbols import EAN13, CheckSum, Layout

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_BOWS: Final = np.array([-1.6, -0.8, 0.0, 0.8, 1.6])  # how far the middle is off, in modules
_COARSE: Final = (0, 2, 3, 5, 6, 8)  # blurs of the first whole look
_SECOND: Final = 8  # rows that pass the first look at digits
_FIRST: Final = 20  # places that pass the search by known modules


class Guess(NamedTuple):
    """A code and its evidence.

    `explained` is the share of the line's variance that the drawn symbol explains. `margin` is how
    much worse the runner-up fits, in units of the best one's mean squared residual per module.
    """

    symbology: str
    digits: str
    explained: float
    margin: float
    start: float
    end: float


def read(line: Floats, length: float, layout: Layout = EAN13) -> Guess | None:
    """Return the likeliest code on a levelled line (paper 1, ink 0), or None where none can lie.

    `length`: the symbol's rough extent in samples.
    """
    places = _places(line, length, layout)
    if places is None:
        return None
    rough = _compare(line, places, layout, blurs=(1, 3), growths=(1,), turns=0)
    places = places[np.unique(np.argsort(rough.error)[:_SECOND] // 2)]
    fits = _compare(line, places, layout, blurs=_COARSE, growths=(1,), turns=1)
    best = int(np.argmin(fits.error))
    for spread in (0.5, 0.2):
        blur, growth = int(fits.blur[best]), int(fits.growth[best])
        places = _around(places[[best // 2]], spread)
        rough = _compare(line, places, layout, blurs=(blur,), growths=(growth,), turns=1)
        places = places[[int(np.argmin(rough.error)) // 2]]
        growths = range(max(0, growth - 1), min(len(GROWTHS), growth + 2))
        fits = _compare(line, places, layout, blurs=BESIDE[blur], growths=growths, turns=2)
        best = int(np.argmin(fits.error))
    return _decided(fits, best, places[best // 2], layout)


class _Fits(NamedTuple):
    """One row a (place, direction), place-major: the direction is the row's lowest bit."""

    error: NDArray[np.float64]  # residual of the best independent digits
    blur: NDArray[np.intp]
    growth: NDArray[np.intp]
    costs: NDArray[np.float64]  # (rows, 3, slots, 10)
    total: NDArray[np.float64]  # variance of the levelled samples, summed
    fixed: NDArray[np.float64]  # residual of the present digits


def _places(line: Floats, length: float, layout: Layout) -> NDArray[np.float64] | None:
    """Return the likeliest (start, end, bow) by the modules that every symbol shares."""
    modules, sign = layout.known()
    size = len(line)
    unit = length / layout.modules
    starts = np.arange(0.0, size * 0.62, unit / 2.5)
    ends = np.arange(size * 0.38, size - 1.0, unit / 2.5)
    first, last = (g.ravel() for g in np.meshgrid(starts, ends, indexing="ij"))
    span = last - first
    fits = (span > 0.55 * length) & (span < 1.15 * length) & (span > 1.2 * layout.modules)
    first, span = first[fits], span[fits]
    if not len(first):
        return None
    centres = (modules + 0.5) / layout.modules
    index = np.rint(first[:, None] + span[:, None] * centres[None, :]).astype(np.intp)
    values = line[np.clip(index, 0, size - 1)]
    values = values - values.mean(axis=1, keepdims=True)
    weight = sign - sign.mean()
    score = values @ weight / (np.linalg.norm(values, axis=1) * np.linalg.norm(weight) + 1e-6)
    chosen: list[int] = []
    for i in np.argsort(-score)[:400]:
        if all(
            abs(first[i] - first[j]) + abs(first[i] + span[i] - first[j] - span[j]) > unit
            for j in chosen
        ):
            chosen.append(int(i))
        if len(chosen) == _FIRST:
            break
    base = np.stack([first[chosen], first[chosen] + span[chosen], np.zeros(len(chosen))], axis=1)
    places = np.repeat(base, len(_BOWS), axis=0)
    places[:, 2] = np.tile(_BOWS, len(base)) * (places[:, 1] - places[:, 0]) / layout.modules
    return places


def _around(places: NDArray[np.float64], modules: float) -> NDArray[np.float64]:
    """Return each place with its neighbours at `modules` in start, end and bow."""
    steps = np.array([-1.0, 0.0, 1.0])
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    unit = (places[:, 1] - places[:, 0])[:, None, None] / 95.0
    return np.asarray((places[:, None, :] + grid[None] * unit * modules).reshape(-1, 3))


def _sampled(line: Floats, places: NDArray[np.float64], layout: Layout) -> NDArray[np.float64]:
    """Return (2 × places, (modules + 4) × K) samples, forwards and backwards, margins of two."""
    t = (np.arange((layout.modules + 4) * K) + 0.5) / K - 2.0
    t = t / layout.modules
    start, end, bow = places[:, :1], places[:, 1:2], places[:, 2:]
    x = start + (end - start) * t + 4.0 * bow * t * (1.0 - t)
    x = np.clip(x, 0.0, len(line) - 1.001)
    low = x.astype(np.intp)
    part = x - low
    values = line[low] * (1.0 - part) + line[low + 1] * part
    both = np.stack([values, values[:, ::-1]], axis=1)
    return both.reshape(-1, both.shape[-1])


def _compare(
    line: Floats,
    places: NDArray[np.float64],
    layout: Layout,
    *,
    blurs: Sequence[int],
    growths: Sequence[int],
    turns: int,
) -> _Fits:
    """Compare every place with every digit, and keep a row's best blur and growth."""
    samples = _sampled(line, places, layout)
    best: _Fits | None = None
    for b in blurs:
        for g in growths:
            fits = _at(samples, layout, b, g, turns)
            if best is None:
                best = fits
                continue
            better = fits.error < best.error
            best = _Fits(
                *(
                    np.where(better.reshape((-1,) + (1,) * (new.ndim - 1)), new, old)
                    for new, old in zip(fits, best, strict=True)
                )
            )
    if best is None:
        raise ValueError("no blur to compare with")
    return best


def _at(samples: Doubles, layout: Layout, blur: int, growth: int, turns: int) -> _Fits:
    """Compare with one blur and growth.

    The first turn takes each digit alone among unknown neighbours. Each later one fits the light
    anew and asks of every digit what changing it alone would cost beside its present neighbours,
    first the even slots, then the odd ones (blur mixes neighbours; iterated conditional modes).
    """
    rows = len(samples)
    symbol = drawn(layout, blur, growth)
    columns, wide, families, slots = _indices(layout)
    every = np.arange(rows)[:, None]
    flat = symbol.digits.reshape(30, -1)
    windows = samples[:, columns]
    costs = np.square(flat).sum(axis=1) - 2.0 * (windows @ flat.T)
    costs = costs.reshape(rows, len(slots), 3, 10)
    digits, by_family = costs.argmin(axis=3), _family_costs(costs, families, slots)
    sides = families[by_family.argmin(axis=1)]
    now = digits[every, slots[None, :], sides]
    lit = samples
    parts = symbol.parts.reshape(30, -1)
    squares = np.square(parts).sum(axis=1)
    for _ in range(turns):
        ink = _inked(symbol, wide, sides, now)
        lit = _relit(samples, 1.0 - ink)
        for odd in (0, 1, None):
            rest = (1.0 - lit) - ink
            current = symbol.parts[sides, now]
            alone = rest[:, wide] + current
            costs = squares - 2.0 * (alone @ parts.T)
            costs = costs.reshape(rows, len(slots), 3, 10)
            costs = costs - costs[every, slots[None, :], sides, now][:, :, None, None]
            by_family = _family_costs(costs, families, slots)
            if odd is None:
                break
            best = families[by_family.argmin(axis=1)]
            # A parity that changes takes all its digits along; else half of them move at a time.
            digits = costs.argmin(axis=3)[every, slots[None, :], best]
            moving = (best != sides).any(axis=1)[:, None] | (slots % 2 == odd)[None, :]
            sides, now = best, np.where(moving, digits, now)
            ink = _inked(symbol, wide, sides, now)
    ink = _inked(symbol, wide, sides, now)
    error = np.square((1.0 - lit) - ink).sum(axis=1)
    full = np.full(rows, 0)
    variance = np.square(lit - lit.mean(axis=1, keepdims=True)).sum(axis=1)
    return _Fits(
        error / np.maximum(variance, 1e-6),
        full + blur,
        full + growth,
        costs.transpose(0, 2, 1, 3),
        variance,
        error,
    )


def _family_costs(costs: Doubles, families: NDArray[np.intp], slots: NDArray[np.intp]) -> Doubles:
    """Return (rows, families): the cheapest digits of each parity, summed."""
    lowest = costs.min(axis=3)
    return np.asarray(lowest[:, slots[None, :], families].sum(axis=2))


def _inked(
    symbol: Drawn, wide: NDArray[np.intp], sides: NDArray[np.intp], digits: NDArray[np.intp]
) -> Doubles:
    """Return the whole symbol's ink: guards and every digit's part, which add up."""
    ink = np.tile(symbol.guards, (len(sides), 1))
    for i, here in enumerate(wide):
        ink[:, here] += symbol.parts[sides[:, i], digits[:, i]]
    return ink


@lru_cache(maxsize=8)
def _indices(
    layout: Layout,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return each slot's columns, those with its reach, each family's sides, and the slots."""
    columns = np.array([np.arange((2 + s) * K, (9 + s) * K) for s in layout.slots])
    first, last = 2 - REACH, 9 + REACH
    wide = np.array([np.arange((first + s) * K, (last + s) * K) for s in layout.slots])
    return columns, wide, np.array(layout.families), np.arange(len(layout.slots))


def _relit(samples: NDArray[np.float64], picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the samples with paper at 1 and ink at 0, by levels that drift along the symbol.

    Fits samples = p(x) − q(x)·(1 − picture), p and q quadratic, by least squares a row.
    """
    x = np.linspace(-1.0, 1.0, samples.shape[1])
    ink = 1.0 - picture
    base = np.stack([np.ones_like(x), x, x * x])
    columns = np.concatenate(
        [np.broadcast_to(base, (len(samples), 3, len(x))), -ink[:, None, :] * base[None]], axis=1
    )
    normal = columns @ columns.transpose(0, 2, 1) + 1e-3 * np.eye(6)
    right = (columns @ samples[:, :, None])[:, :, 0]
    weights = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
    paper = weights[:, :3] @ base
    depth = np.maximum(weights[:, 3:] @ base, 0.08)
    return np.asarray(np.clip(1.0 - (paper - samples) / depth, -1.0, 2.0))


def _decided(fits: _Fits, row: int, place: NDArray[np.float64], layout: Layout) -> Guess | None:
    """Return the best whole code of one row, with its margin over the second."""
    costs = fits.costs[row]
    slots = range(len(layout.slots))
    by_family = [costs[list(sides), slots] for sides in layout.families]
    floors = [float(c.min(axis=1).sum()) for c in by_family]
    ranked: list[tuple[float, int, tuple[int, ...]]] = []
    for f in sorted(range(len(floors)), key=floors.__getitem__):
        if len(ranked) >= 2 and floors[f] > ranked[1][0]:
            break
        for check in layout.sums[f]:
            ranked += [(cost, f, path) for cost, path in _two_best(by_family[f], check)]
        ranked.sort()
    (one, family, digits), (two, _, _) = ranked[:2]
    error = (one + float(fits.fixed[row])) / K
    text = "".join(map(str, digits))
    text = layout.prefix[family] + text + layout.suffix[family]
    explained = 1.0 - error * K / float(fits.total[row])
    noise = max(error / layout.modules, 1e-5)
    return Guess(
        layout.symbology, text, explained, (two - one) / K / noise, float(place[0]), float(place[1])
    )


def _two_best(costs: NDArray[np.float64], check: CheckSum) -> list[tuple[float, tuple[int, ...]]]:
    """Return the two cheapest digit strings whose check sum is right.

    One step a slot over the ten sums; each sum keeps its two cheapest strings.
    """
    best = np.full((10, 2), np.inf)
    best[check.start % 10, 0] = 0.0
    came: list[NDArray[np.intp]] = []
    sums = np.arange(10)[:, None]
    digits = np.arange(10)[None, :]
    for slot, (row, weight) in enumerate(zip(costs, check.weights, strict=True)):
        source = (sums - weight * digits) % 10  # (to, digit) -> from
        step = row
        if check.last is not None and slot == len(costs) - 1:
            step = np.where(np.arange(10) == check.last, row, np.inf)
        options = (best[source] + step[None, :, None]).reshape(10, 20)  # digit-major, two each
        order = np.argsort(options, axis=1, kind="stable")[:, :2]
        best = np.take_along_axis(options, order, axis=1)
        came.append(order)
    paths = []
    for rank in range(2):
        if not np.isfinite(best[0, rank]):
            continue
        total, place, path = 0, rank, []
        for slot in range(len(costs) - 1, -1, -1):
            choice = int(came[slot][total, place])
            digit, place = choice // 2, choice % 2
            path.append(digit)
            total = (total - check.weights[slot] * digit) % 10
        paths.append((float(best[0, rank]), tuple(reversed(path))))
    return paths


def levelled(line: Floats, modules: float) -> Floats:
    """Return a line with paper near 1 and ink near 0, over windows of about 25 modules."""
    size = max(9, int(modules * 25) | 1)
    row = line.reshape(1, -1)
    kernel = np.ones((1, size), np.uint8)
    low = cv2.blur(cv2.erode(row, kernel), (size, 1))[0]
    high = cv2.blur(cv2.dilate(row, kernel), (size, 1))[0]
    spread = np.maximum(high - low, 0.25 * float(np.percentile(high - low, 90)) + 1e-3)
    return np.asarray(np.clip((line - low) / spread, 0.0, 1.0), dtype=np.float32)
