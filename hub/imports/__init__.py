"""Checks a file of products, stock or sales whole, then cuts it into small chunks to deliver.

It must never write or send anything itself: `apply` hands each chunk to the caller's `deliver`,
and `chunks.stock_chunk` and `chunks.sales_chunk` apply one at the hub.

    report = check(path, "stock", {"count": "qty"}, find=sku_for_gtin)
    if report.ok: applied = apply(report, deliver, progress)

A chunk's cause is (file digest, line), so a killed import goes on where it was.
"""

from hub.imports.chunks import Applied, apply, sales_chunk, stock_chunk
from hub.imports.report import Problem, Report, check, parse_mapping

__all__ = [
    "Applied",
    "Problem",
    "Report",
    "apply",
    "check",
    "parse_mapping",
    "sales_chunk",
    "stock_chunk",
]
