"""Compares escrow with its rivals on one demand stream: `make bench-escrow`.

It must never print a figure that depends on the machine: all is counted, from one seed.
"""

import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.bench import escrow_demand
from tests.bench.escrow_demand import Outages, Stream
from tests.bench.escrow_policies import POLICIES, Central, Outcome, Setting, run_sku

SEED: Final = 2026
MEDIANS_H: Final = (3, 8)
PROMISED, IN_HAND = Setting(), Setting(in_hand=True)
WRONG = Setting(errors_pct=20)
SALES: Final = Path("retail", "online_retail_to_2011_08.parquet")
SHARED: Final = Path(__file__).parents[2].parent / "shared" / "data"


def run(
    kind: type[Central], stream: Stream, outages: Outages, setting: Setting, seed: int
) -> Outcome:
    """Play the whole stream; each SKU has chances of its own, the same for every policy."""
    demands = oversold = refused = 0
    for sku, wanted in stream.by_sku.items():
        chance = random.Random(f"{seed} {sku}")
        one = run_sku(kind, wanted, stream.end, outages, setting, chance)
        demands, oversold = demands + one.demands, oversold + one.oversold
        refused += one.refused
    return Outcome(demands, oversold, refused)


def sales(parquet: Path) -> Stream:
    """Read the real sales; the Parquet reader lives in an environment of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "sales.csv"
        uv = Path(sys.executable).parent / "uv"
        script = Path(__file__).with_name("escrow_sales.py")
        command = [uv, "run", "--quiet", "--isolated", "--no-project", "--with", "pyarrow"]
        subprocess.run([*command, "python", script, parquet, target], check=True)
        return escrow_demand.real(target)


def table(stream: Stream, seed: int) -> list[str]:
    """Return the stream's Markdown table, a row a policy."""
    outages = {hours: Outages(hours, stream.end, seed) for hours in MEDIANS_H}
    lines = [
        f"**{stream.name} demand**: {stream.demands:,} demands of {len(stream.by_sku):,} articles;"
        f" the line is down {round(100 * outages[3].share)} % of the time with outages of median"
        f" 3 h, {round(100 * outages[8].share)} % with 8 h.",
        "",
        "| policy | oversold 3 h | 8 h | refused though there 3 h | 8 h |"
        " oversold, wrong records 3 h | 8 h | oversold, goods in hand 3 h | 8 h |"
        " refused though there, goods in hand 3 h | 8 h |",
        "|---" * 11 + "|",
    ]
    for name, kind in POLICIES.items():
        plain, wrong, hand = (
            [run(kind, stream, outages[h], setting, seed).per_10_000() for h in MEDIANS_H]
            for setting in (PROMISED, WRONG, IN_HAND)
        )
        cells = [one[0] for one in plain] + [one[1] for one in plain]
        cells += [one[0] for one in (*wrong, *hand)] + [one[1] for one in hand]
        lines.append(f"| {name} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")
        print(lines[-1], flush=True)
    return lines


def main(arguments: list[str]) -> None:
    seed = int(arguments[0]) if arguments else SEED
    print(f"Seed {seed}; figures are per 10,000 demands.\n")
    parquet = SHARED / SALES
    streams = [escrow_demand.seeded(seed)]
    if parquet.exists():
        streams.append(sales(parquet))
    else:
        print(f"{SALES} does not lie beside the project: the seeded stream alone.\n")
    tables = [table(stream, seed) for stream in streams]
    print("\n" + "\n\n".join("\n".join(lines) for lines in tables))


if __name__ == "__main__":
    main(sys.argv[1:])
