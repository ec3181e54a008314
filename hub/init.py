"""Makes a new store: its directory, its settings file, its secrets; it must never overwrite one."""

import json
import os
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hub import settings
from hub.errors import Refusal
from hub.store import Store

# What a store's file names from the first day; everything else has a default.
HEADER: Final = "# Settings of this store: docs/settings.md lists all of them.\n"


def init(
    directory: Path, store: str, *, central_url: str = "", central_token: str = "", **more: Any
) -> None:
    """Make the data directory of `store`. Raises Refusal when there is one already."""
    if (directory / "hub.db").exists():
        raise Refusal(f"{directory} holds a store already.", slug="exists")
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    chosen = {"store": store, "central_url": central_url, **more}
    write(directory / settings.FILE, HEADER + _toml(chosen), 0o600)
    drawn = {"session_key": secrets.token_hex(32), "central_token": central_token}
    write(directory / settings.SECRETS, _toml(drawn), 0o600)
    Store(directory, settings.load(directory)).close()


def keep_credential(directory: Path, credential: str) -> None:
    """Replace the store's credential at central; the other secrets stay."""
    file = directory / settings.SECRETS
    kept = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    write(file, _toml(kept | {"central_token": credential}), 0o600)


def change(directory: Path, values: Mapping[str, Any]) -> None:
    """Set `values` in the store's settings file; what else stands there stays, comments go."""
    file = directory / settings.FILE
    kept = tomllib.loads(file.read_text(encoding="utf-8"))
    write(file, HEADER + _toml(kept | dict(values)), 0o600)


def write(path: Path, text: str, mode: int) -> None:
    """Replace a file whole: whoever reads it sees the old or the new one."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def _toml(values: dict[str, Any]) -> str:
    # JSON's strings and numbers are TOML's as well.
    return "".join(
        f"{name} = {json.dumps(value)}\n" for name, value in values.items() if value != ""
    )
