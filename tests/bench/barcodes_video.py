"""Measures live reading on the seeded film: frames a second on one core, items found, misreads.

    python tests/bench/barcodes_video.py [--items 330] [--seed 1]

It must never count the drawing of the film as reading time. Times are those of the one core that
reads (the thread's own CPU time), so that a busy machine does not change them.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import barcodes_film  # noqa: E402
import cv2  # noqa: E402
import zxingcpp  # noqa: E402

from devices.scanners.acceptance import Settings  # noqa: E402
from devices.scanners.live import LiveReader  # noqa: E402


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Exits 1 after a misread."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--items", type=int, default=330, help="330 are about 10,000 frames")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="name the items that were missed")
    parser.add_argument("--alone", action="store_true", help="leave the peer out: half the time")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    reader = LiveReader(Settings())
    there: set[tuple[str, str]] = set()
    found: set[tuple[str, str]] = set()
    plain: set[tuple[str, str]] = set()
    wrong: list[str] = []
    times: list[float] = []
    plain_times: list[float] = []
    twice = 0
    current = None
    for number, (item, frame) in enumerate(barcodes_film.film(options.seed, options.items)):
        if item is not None:
            current = item
            there.add((item.symbology, item.text))
        begin = time.thread_time()
        look = reader.look(frame, number / 30.0)
        times.append((time.thread_time() - begin) * 1000.0)
        for code in look.accepted:
            key = code.symbology, code.text
            if current is None or key != (current.symbology, current.text):
                wrong.append(f"frame {number}: {code.symbology} {code.text}, shown {current}")
            twice += key in found
            found.add(key)
        if options.alone:
            continue
        begin = time.thread_time()
        alone = zxingcpp.read_barcodes(frame, try_downscale=False, try_invert=False)
        plain_times.append((time.thread_time() - begin) * 1000.0)
        plain |= {(item.symbology, c.text.removeprefix("0")) for c in alone if item is not None}
        plain |= {(item.symbology, c.text) for c in alone if item is not None}
    print(f"{len(times)} frames of 1280 × 720, {len(there)} items, seed {options.seed}")
    for name, ms, items in (
        ("live reader", times, len(found & there)),
        ("zxing-cpp fast alone", plain_times, len(plain & there)),
    ):
        if not ms:
            continue
        ordered = sorted(ms)
        print(
            f"{name:22} {1000.0 * len(ms) / sum(ms):6.0f} frames/s   "
            f"median {statistics.median(ms):5.1f} ms   "
            f"p95 {ordered[int(0.95 * len(ms))]:5.1f} ms   "
            f"max {ordered[-1]:5.1f} ms   items {items}/{len(there)}"
        )
    print(f"accepted misreads {len(wrong)}, accepted twice {twice}")
    if options.list:
        print("  missed:", *sorted(there - found))
    for line in wrong[:10]:
        print(f"  {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
