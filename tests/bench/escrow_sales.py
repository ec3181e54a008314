"""Turns real sales from Parquet into the CSV that `escrow_demand.real` reads.

It must never be imported by anything: it runs in an environment of its own, made for this one
step (`uv run --with pyarrow`), since nothing else of the project reads Parquet.
"""

import sys

import pyarrow.csv as csv  # type: ignore[import-not-found,import-untyped,unused-ignore]
import pyarrow.parquet as parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]

COLUMNS = ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate"]

if __name__ == "__main__":
    source, target = sys.argv[1:]
    table = parquet.read_table(source, columns=COLUMNS)
    csv.write_csv(table, target, csv.WriteOptions(include_header=False))
