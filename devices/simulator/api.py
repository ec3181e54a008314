"""The JSON API as a simulated person uses it: a few calls over http.client.

It must never hide that a door is closed: every failure is an Away, and the caller comes back.
"""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit


class Away(Exception):
    """Nobody answered, or not with what was asked for. Come back later."""


class Api:
    """`get` and `post` under /api/v1 of one address."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON answer. Raises Away."""
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path, None)

    def post(self, path: str, body: Mapping[str, Any], key: str) -> Any:
        """Return the JSON answer; `key` makes a repetition harmless. Raises Away."""
        return self._call("POST", path, body, {"Idempotency-Key": key})

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        more: Mapping[str, str] | None = None,
    ) -> Any:
        connection = HTTPConnection(*self._address, timeout=10)
        try:
            content = None if body is None else json.dumps(body)
            headers = {**self._headers, **(more or {})}
            connection.request(method, f"/api/v1{path}", content, headers)
            answer = connection.getresponse()
            told = answer.read()
            if answer.status >= 300:
                raise Away(
                    f"{method} {path}: {answer.status} {told[:300].decode(errors='replace')}"
                )
            return json.loads(told)
        except (OSError, HTTPException, ValueError) as error:
            raise Away(f"{method} {path}: {error}") from error
        finally:
            connection.close()
