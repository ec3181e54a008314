"""Checks a file of products, stock, sales or places whole, then cuts it into small chunks.

It must never write or send anything itself: `apply` hands each chunk to the caller's `deliver`,
and `stock_chunk`, `sales_chunk` and `planogram_chunk` apply one at the hub.

    report = check(path, "stock", {"count": "qty"}, find=sku_for_gtin)
    if report.ok: applied = apply(report, deliver, progress)

A chunk's cause is (file digest, line), so a killed import goes on where it was.
"""

from hub.imports.chunks import (
    Applied,
    apply,
    planogram_chunk,
    sales_chunk,
    stock_chunk,
)
from hub.imports.report import Problem, Report, check, parse_mapping

__all__ = [
    "Applied",
    "Problem",
    "Report",
    "apply",
    "check",
    "parse_mapping",
    "planogram_chunk",
    "sales_chunk",
    "stock_chunk",
]
