"""Reads EAN-13, UPC-A, EAN-8 and UPC-E that are too blurred to have edges, by maximum likelihood.

It must never answer with the best guess alone: a code is returned with how well it explains the
line and by how much it beats the runner-up, and the caller accepts by `believable`.

The line is modelled as paper and ink levels that drift slowly (quadratic along the symbol), bars
grown or shrunk by a fraction of a module, and a Gaussian blur. Where the symbol lies is searched
first by the modules that all symbols share; then each digit slot is compared with all its
patterns at once, and the best and second-best whole codes that satisfy parity and check digit are
found by dynamic programming over the check sum.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.scanners.decode.profiles import MARGIN
from devices.scanners.decode.symbols import EAN13, PATTERNS, CheckSum, Layout

Floats = NDArray[np.float32]
_erf = np.vectorize(math.erf, otypes=[np.float64])

K: Final = 4  # samples a module
BLURS: Final = (0.3, 0.5, 0.7, 0.95, 1.25, 1.6)  # standard deviations, in modules
GROWTHS: Final = (-0.25, 0.0, 0.25, 0.5)  # of ink, in modules
_BOWS: Final = np.array([-1.6, -0.8, 0.0, 0.8, 1.6])  # how far the middle is off, in modules
# The accept rule, (explained, margin), set on development photos, other symbologies' photos,
# negatives and random stripes. True EAN-13 stood at margins above 25, false ones below 10.5; a
# piece of an EAN-13 can pass for the shorter symbols at margins up to 40.
_RULES: Final = {"EAN-13": (0.80, 18.0), "EAN-8": (0.85, 55.0), "UPC-E": (0.85, 50.0)}
_HOPELESS: Final = 0.7
SPAN: Final = 1.0 + 2.0 * MARGIN  # a scan line's length in lengths of its region
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
    rough = _compare(line, places, layout, blurs=(1, 3), growths=(1,), turns=1)
    places = places[np.unique(np.argsort(rough.error)[:_SECOND] // 2)]
    fits = _compare(line, places, layout, blurs=range(len(BLURS)), growths=(1,), turns=3)
    best = int(np.argmin(fits.error))
    for spread in (0.5, 0.25, 0.12):
        blur, growth = int(fits.blur[best]), int(fits.growth[best])
        places = _around(places[[best // 2]], spread)
        rough = _compare(line, places, layout, blurs=(blur,), growths=(growth,), turns=2)
        places = places[[int(np.argmin(rough.error)) // 2]]
        fits = _compare(
            line,
            places,
            layout,
            blurs=_beside(blur, BLURS),
            growths=_beside(growth, GROWTHS),
            turns=3,
        )
        best = int(np.argmin(fits.error))
    return _decided(fits, best, places[best // 2], layout)


def _beside(index: int, values: Sequence[float]) -> range:
    return range(max(0, index - 1), min(len(values), index + 2))


class _Fits(NamedTuple):
    """One row a (place, direction), place-major: the direction is the row's lowest bit."""

    error: NDArray[np.float64]  # residual of the best independent digits
    blur: NDArray[np.intp]
    growth: NDArray[np.intp]
    costs: NDArray[np.float64]  # (rows, 3, slots, 10)
    total: NDArray[np.float64]  # variance of the levelled samples, summed
    fixed: NDArray[np.float64]  # residual of guards


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


def _at(samples: NDArray[np.float64], layout: Layout, blur: int, growth: int, turns: int) -> _Fits:
    """Compare with one blur and growth; the light is fitted before each turn but the first."""
    rows = len(samples)
    drawn, guard = _templates(layout, blur, growth)
    flat = drawn.reshape(30, -1)
    squares = np.square(flat).sum(axis=1)
    columns, families, slots = _indices(layout)
    every = np.arange(rows)[:, None]
    lit = samples
    for turn in range(turns):
        windows = lit[:, columns]  # (rows, slots, 7K)
        costs = np.square(windows).sum(axis=2)[:, :, None] - 2.0 * (windows @ flat.T) + squares
        costs = costs.reshape(rows, len(slots), 3, 10)
        digits, lowest = costs.argmin(axis=3), costs.min(axis=3)
        by_family = lowest[:, slots[None, :], families].sum(axis=2)
        sides = families[by_family.argmin(axis=1)]
        chosen = drawn[sides, digits[every, slots[None, :], sides]]
        picture = np.tile(guard, (rows, 1))
        picture[:, columns] = chosen
        error = np.square(lit - picture).sum(axis=1)
        if turn < turns - 1:
            lit = _relit(samples, picture)
    fixed = error - by_family.min(axis=1)
    full = np.full(rows, 0)
    variance = np.square(lit - lit.mean(axis=1, keepdims=True)).sum(axis=1)
    return _Fits(
        error / np.maximum(variance, 1e-6),
        full + blur,
        full + growth,
        costs.transpose(0, 2, 1, 3),
        variance,
        fixed,
    )


@lru_cache(maxsize=8)
def _indices(
    layout: Layout,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return each slot's sample columns, each family's sides, and the slots."""
    columns = np.array([np.arange((2 + s) * K, (9 + s) * K) for s in layout.slots])
    return columns, np.array(layout.families), np.arange(len(layout.slots))


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


@lru_cache(maxsize=64)
def _templates(
    layout: Layout, blur: int, growth: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return digits (3, 10, 7K) and the symbol's frame with grey digits, as reflectance."""
    sigma, grow = BLURS[blur], GROWTHS[growth]
    digits = np.empty((3, 10, 7 * K))
    for side in range(3):
        # What stands beside a digit is known for one module by its side, and grey beyond it.
        near = (0.0, 1.0) if side == 2 else (1.0, 0.0)
        for digit in range(10):
            beside = [0.5, 0.5, near[0], *PATTERNS[side, digit], near[1], 0.5, 0.5]
            digits[side, digit] = _drawn(np.array(beside), sigma, grow)[3 * K : 10 * K]
    modules = np.full(layout.modules, 0.5)
    for start, pattern in layout.guards:
        modules[start : start + len(pattern)] = [int(c) for c in pattern]
    for slot, side in zip(layout.slots, layout.families[0], strict=True):
        modules[slot], modules[slot + 6] = (1.0, 0.0) if side == 2 else (0.0, 1.0)
    framed = np.concatenate([np.zeros(4), modules, np.zeros(4)])
    frame = _drawn(framed, sigma, grow)[2 * K : -2 * K]
    return 1.0 - digits, 1.0 - frame


def _drawn(modules: NDArray[np.float64], sigma: float, grow: float) -> NDArray[np.float64]:
    """Return ink at K samples a module: edges moved outwards by grow/2, blurred by sigma."""
    x = (np.arange(len(modules) * K) + 0.5) / K
    ink = np.full(len(x), float(modules[0]))
    for i in range(1, len(modules)):
        step = float(modules[i] - modules[i - 1])
        if step:
            edge = i - math.copysign(grow / 2.0, step)
            ink += step * 0.5 * (1.0 + _erf((x - edge) / (sigma * math.sqrt(2.0))))
    return ink


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


def agreed(
    lines: Iterable[Floats], layout: Layout, late: Callable[[], bool] = lambda: False
) -> Guess | None:
    """Return the code that two of a region's scan lines give, each believably; else None.

    Gives up at the first line that does not look like the symbol at all.
    """
    seen: set[str] = set()
    for tried, line in enumerate(lines):
        length = len(line) / SPAN
        guess = read(levelled(line, length / layout.modules), length, layout)
        if guess is None or guess.explained < _HOPELESS or late():
            return None
        if believable(guess):
            if guess.digits in seen:
                return guess
            if seen:
                return None
            seen.add(guess.digits)
        elif tried > 0 and not seen:
            return None
    return None


def confidence(guess: Guess) -> float:
    """Return how sure a believable guess is, 0.75 at the accept rule's edge up to 0.97."""
    return 0.97 - 0.22 * min(1.0, _RULES[guess.symbology][1] / max(guess.margin, 1.0))


def believable(guess: Guess) -> bool:
    """Say whether a guess may count as a read."""
    explained, margin = _RULES[guess.symbology]
    return guess.explained >= explained and guess.margin >= margin


def levelled(line: Floats, modules: float) -> Floats:
    """Return a line with paper near 1 and ink near 0, over windows of about 25 modules."""
    size = max(9, int(modules * 25) | 1)
    row = line.reshape(1, -1)
    kernel = np.ones((1, size), np.uint8)
    low = cv2.blur(cv2.erode(row, kernel), (size, 1))[0]
    high = cv2.blur(cv2.dilate(row, kernel), (size, 1))[0]
    spread = np.maximum(high - low, 0.25 * float(np.percentile(high - low, 90)) + 1e-3)
    return np.asarray(np.clip((line - low) / spread, 0.0, 1.0), dtype=np.float32)
