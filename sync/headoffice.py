"""What head office's tools send to central's API; it must never decide what central accepts."""

from collections.abc import Mapping
from typing import Any, Final

import requests

from hub.errors import Forbidden, Invalid, Unavailable

TIMEOUT_S: Final = 60


def import_catalog(central_url: str, token: str, chunk: Mapping[str, Any]) -> dict[str, Any]:
    """Send one chunk of `hub.imports` (`cause`, `lines`, `rows`); return its answer in lines.

    The chunk's cause is the idempotency key: sent again it changes nothing.
    """
    try:
        answer = requests.post(
            f"{central_url.rstrip('/')}/api/v1/catalog/import",
            json={"rows": chunk["rows"]},
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": chunk["cause"]},
            timeout=TIMEOUT_S,
        )
    except requests.RequestException as error:
        raise Unavailable(f"Central at {central_url} does not answer.") from error
    if answer.status_code in (401, 403):
        raise Forbidden("Central does not take this token for the catalogue.")
    if answer.status_code in (429, 503):
        raise Unavailable(f"Central is busy ({answer.status_code}); run the import again.")
    if answer.status_code != 200:
        raise Invalid(f"Central refused the rows ({answer.status_code}): {answer.text[:300]}")
    refused = [
        {
            "line": chunk["rows"][one["index"]].get("line", 0),
            "column": one.get("field", ""),
            "value": "",
            "reason": one["detail"],
        }
        for one in answer.json()["refused"]
    ]
    known = answer.headers.get("Idempotency-Replayed") == "true"
    counted = "known" if known else "applied"
    return {"applied": 0, "known": 0, counted: chunk["lines"], "refused": refused}
