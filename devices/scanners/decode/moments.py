"""The cascade's pieces that fit into one frame of a film.

It must never run past its budget for a whole stage more, and never lower what a read must prove.
"""

import time

from msgspec.structs import replace

from devices.scanners.decode import Code, Options, cascade, coded, engines, proof
from devices.scanners.decode import regions as striped
from devices.scanners.decode.regions import Grey


def glance(grey: Grey, options: Options) -> list[Code]:
    """Read a frame of a film in a few milliseconds: upright, and turned by right angles."""
    raws = engines.zxing(grey, options.symbologies, glance=True)
    strong = [r for r in raws if r.symbology not in engines.WEAK]
    weak = [(r, 0.6) for r in raws if r.symbology in engines.WEAK]  # three frames prove them
    return [coded(r, sure, "fast") for r, sure in proof.proven(grey, options, strong) + weak]


def localised(grey: Grey, options: Options, budget_ms: float, turn: int = 0) -> list[Code]:
    """Straighten and read the striped regions of a frame, as many as the budget allows.

    `turn` says which region comes first, every second time not the likeliest: stripes that are
    no code never block the others.
    """
    work = cascade.Work(grey, options, time.thread_time() + budget_ms / 1000.0)
    work.regions = striped.find(grey, quick=True, side=480.0)
    regions = work.regions[:4]
    first = 0 if turn % 2 or len(regions) < 2 else 1 + turn // 2 % (len(regions) - 1)
    for region in [regions[first], *regions[:first], *regions[first + 1 :]] if regions else []:
        if work.late or work.found:
            break
        cascade.by_region(work, region, lines=3)
    return [coded(raw, sure, by) for raw, sure, by in work.found]


def sweep(grey: Grey, options: Options, budget_ms: float) -> list[Code]:
    """Look for small, inverted and turned codes in a frame, then for more regions."""
    work = cascade.Work(grey, options, time.thread_time() + budget_ms / 1000.0)
    cascade.fast(work)
    for region in [] if work.found or work.late else striped.find(grey)[:2]:
        if not work.late:
            cascade.by_region(work, region)
    return [coded(raw, sure, by) for raw, sure, by in work.found]


def shifted(code: Code, dx: int, dy: int) -> Code:
    """Return the code with its corners moved: it was read in a part of the picture."""
    if not dx and not dy:
        return code
    return replace(code, corners=tuple((x + dx, y + dy) for x, y in code.corners))
