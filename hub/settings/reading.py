"""Reads settings from where they are given: defaults < storehub.toml < environment < flags.

It must never guess: an unknown key or a value that cannot be used is named, with its source.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from hub.errors import Invalid
from hub.settings.table import MASK, TABLE, Row, Settings

FILE: Final = "storehub.toml"
# Beside it, for its owner alone (0600): what `storehub init` drew or was given.
SECRETS: Final = "secrets.toml"
PREFIX: Final = "STOREHUB_"
# Environment names of the command line itself, which are no settings.
NOT_SETTINGS: Final = frozenset({"DATA", "CENTRAL_API_TOKEN", "DEVICE_PASSWORD"})
_BY_NAME: Final = {row.name: row for row in TABLE}


class SettingsError(Invalid):
    """A setting is unknown or has a value that cannot be used; str() is one sentence."""


def load(
    directory: Path,
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """Return the settings of the hub whose data stand in `directory`.

    `environment` defaults to the process's. A flag that is None was not given.
    Raises SettingsError for an unknown key or a value that cannot be used.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, raw, source in _given(directory, environment, flags or {}):
        values[name] = _value(_BY_NAME[name], raw, source)
        sources[name] = source
    return Settings(**values, sources=sources)


def _given(
    directory: Path, environment: Mapping[str, str], flags: Mapping[str, object]
) -> Iterator[tuple[str, object, str]]:
    for file in (directory / FILE, directory / SECRETS):
        for key, raw in _toml(file).items():
            yield _known(key, str(file)), raw, str(file)
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX)
        if variable.startswith(PREFIX) and name not in NOT_SETTINGS:
            yield _known(name.lower(), f"environment {variable}"), environment[variable], variable
    for key, raw in flags.items():
        if raw is not None:
            yield _known(key, "flags"), raw, f"--{key.replace('_', '-')}"


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is no TOML: {error}.") from error


def _known(key: str, source: str) -> str:
    if key in _BY_NAME:
        return key
    near = difflib.get_close_matches(key, _BY_NAME, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise SettingsError(f"There is no setting {key!r} (from {source}).{hint}")


def _value(row: Row, raw: object, source: str) -> Any:
    shown = MASK if row.secret else repr(raw)
    wrong = f"The setting {row.name!r} cannot be {shown} (from {source}): "
    try:
        value = _typed(row.kind, raw)
    except (ValueError, KeyError) as error:
        raise SettingsError(f"{wrong}it is {_words(row)}.") from error
    below = row.least is not None and value < row.least
    above = row.most is not None and value > row.most
    odd = row.pattern is not None and re.fullmatch(row.pattern, value) is None
    if below or above or odd or value != value:
        raise SettingsError(f"{wrong}it is {_words(row)}.")
    return value


def _typed(kind: type, raw: object) -> Any:
    if isinstance(raw, bool) and kind is not bool:
        raise ValueError("a yes or no where none belongs")
    if kind is bool and isinstance(raw, str):
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[
            raw.lower()
        ]
    if kind is int and isinstance(raw, str):
        return int(raw)
    if kind is float and isinstance(raw, str | int):
        return float(raw)
    if not isinstance(raw, kind):
        raise ValueError("of another type")
    return raw


def _words(row: Row) -> str:
    """Say what a row may be: 'a whole number of MiB, 1 or more'."""
    kind = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}[row.kind]
    unit = f" ({row.unit})" if row.unit else ""
    match row.least, row.most:
        case None, None:
            span = ""
        case least, None:
            span = f", {least:g} or more"
        case least, most:
            span = f", {least or 0:g} to {most:g}"
    form = f" of the form {row.pattern}" if row.pattern else ""
    return f"{kind}{unit}{span}{form}"


def page() -> str:
    """Return docs/settings.md, made from the table."""
    lines = [
        "# Settings",
        "",
        "<!-- Made by `python -m hub.settings > docs/settings.md`; a test compares the two. -->",
        "",
        f"A setting comes from, later wins: its default, `{FILE}` in the data directory,"
        f" the environment (`{PREFIX}` and the name in capitals), a flag.",
        "Secrets are masked wherever settings are printed.",
        "",
        "| setting | default | unit | may be | reason |",
        "|---|---|---|---|---|",
    ]
    for row in TABLE:
        default = f"`{row.default}`" if row.default != "" else "(empty)"
        form = _words(row).replace("|", "\\|")
        reason = row.reason + (" **Secret.**" if row.secret else "")
        lines.append(f"| `{row.name}` | {default} | {row.unit} | {form} | {reason} |")
    return "\n".join(lines) + "\n"
