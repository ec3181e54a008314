"""What head office's tools send to central's API; it must never decide what central accepts."""

from collections.abc import Mapping
from typing import Any

from .client import post


def import_catalog(central_url: str, token: str, chunk: Mapping[str, Any]) -> dict[str, Any]:
    """Send one chunk of `hub.imports` (`lines`, `rows`, `row_lines`); return its answer in lines.

    No idempotency key: rows are idempotent by their own keys, and a file that is sent again after
    another one has to count again. Raises the HubError that central's answer means.
    """
    answer = post(central_url, "/api/v1/catalog/import", {"rows": chunk["rows"]}, token)
    refused = [
        {
            "line": chunk["row_lines"][one["index"]],
            "column": one["field"],
            "value": "",
            "reason": one["detail"],
        }
        for one in answer["refused"]
    ]
    counted = "applied" if answer["changed"] else "known"
    return {"applied": 0, "known": 0, counted: chunk["lines"], "refused": refused}
