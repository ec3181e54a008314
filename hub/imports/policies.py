"""A store's policies and staging shelves as a file (TOML): written, and read back; for field IT.

It must never guess: what cannot be used is named by its line and key.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hub.errors import Invalid
from hub.house import numbering, rules
from hub.house.rules import POLICIES, Policy, Shelf
from hub.pickup.decreeing import Wanted

# As a policy's value: its default, whatever a release takes for it.
DEFAULT: Final = "default"
LONGEST: Final = 256 * 1024
_TABLES: Final = ("policies", "staging_shelves")
_SHELF_KEYS: Final = ("shelves", "kind", "capacity")


# -- from a file ------------------------------------------------------------------------------


def read(text: str) -> Wanted:
    """Return what the file asks for. Raises Invalid that names the line and the key."""
    if len(text) > LONGEST:
        raise Invalid("The file is too long to be one of policies.")
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"The file is no TOML: {error}.") from None
    for name in told:
        if name not in _TABLES:
            raise Invalid(f"{_line(text, name)}There is no {name}{_meant(name, _TABLES)}.")
    policies, shelves = told.get("policies", {}), told.get("staging_shelves", [])
    if not isinstance(policies, dict):
        raise Invalid("policies is a table: [policies].")
    if not isinstance(shelves, list) or not all(isinstance(one, dict) for one in shelves):
        raise Invalid("staging_shelves are tables, each [[staging_shelves]].")
    return Wanted(_policies(text, policies), _shelves(text, shelves))


def _policies(text: str, told: Mapping[str, Any]) -> dict[str, int | str | None]:
    found: dict[str, int | str | None] = {}
    for name, value in told.items():
        wanted = None if value == DEFAULT else value
        where = f"{_line(text, name)}policies.{name}"
        if name not in POLICIES:
            raise Invalid(f"{where}: there is no such policy{_meant(name, POLICIES)}.")
        try:
            rules.decide_policy(name, wanted, POLICIES[name].default)
        except Invalid as error:
            raise Invalid(f"{where}: {error.sentence}") from None
        found[name] = wanted
    return found


def _shelves(text: str, told: Sequence[Mapping[str, Any]]) -> dict[str, Shelf]:
    found: dict[str, Shelf] = {}
    for n, one in enumerate(told):
        try:
            for shelf in _planned(one):
                if shelf.shelf in found:
                    raise Invalid(f"Shelf {shelf.shelf} is named twice.")
                found[shelf.shelf] = shelf
        except Invalid as error:
            where = f"{_line(text, '[[staging_shelves]]', n)}staging_shelves: "
            raise Invalid(f"{where}{error.sentence}") from None
    return found


def _planned(told: Mapping[str, Any]) -> list[Shelf]:
    for key in told:
        if key not in _SHELF_KEYS:
            raise Invalid(f"There is no {key}{_meant(key, _SHELF_KEYS)}.")
    shelves, kind, capacity = told.get("shelves"), told.get("kind", "ambient"), told.get("capacity")
    if not isinstance(shelves, str) or not shelves.strip():
        raise Invalid("The shelves are a text such as A-01..A-12.")
    if isinstance(capacity, bool) or not isinstance(capacity, int):
        raise Invalid("The capacity is a whole number of orders.")
    numbers = numbering.read(shelves)
    for number in numbers:
        rules.decide_plan(None, number, capacity, str(kind))
    return [Shelf(number, capacity, kind) for number in numbers]


def _line(text: str, key: str, nth: int = 0) -> str:
    """Say in which line a key stands, where that is plain to see."""
    name = re.escape(key)
    pattern = name if key.startswith("[") else rf"(\"?{name}\"?\s*=|\[+{name}\])"
    lines = [n for n, line in enumerate(text.splitlines(), 1) if re.match(rf"\s*{pattern}", line)]
    return f"Line {lines[nth]}, " if nth < len(lines) else ""


def _meant(name: str, known: Iterable[str]) -> str:
    near = [] if name in known else difflib.get_close_matches(name, known, n=1)
    return f"; is {near[0]} meant" if near else ""


# -- to a file --------------------------------------------------------------------------------


def write(store: str, values: Mapping[str, int | str], shelves: Sequence[Shelf]) -> str:
    """Return the file of a store: its policies (a default as a comment), its staging shelves."""
    lines = [
        f"# Policies and staging shelves of {store}. `storehub policies apply FILE` brings a store",
        "# to what is said here and changes nothing else. A policy behind # has its default and",
        f'# stays as it is; the value "{DEFAULT}" gives one its default back.',
        "",
        "[policies]",
    ]
    for name, policy in POLICIES.items():
        value = values.get(name, policy.default)
        mark = "# " if value == policy.default else ""
        lines += [f"# {policy.about}{_may(policy)}", f"{mark}{name} = {_toml(value)}", ""]
    for named, kind, capacity in numbering.runs(shelves):
        lines += [
            "[[staging_shelves]]",
            f"shelves = {_toml(named)}",
            f"kind = {_toml(kind)}",
            f"capacity = {capacity}",
            "",
        ]
    return "\n".join(lines)


def _may(policy: Policy) -> str:
    if policy.choices:
        return f" May be {' or '.join(policy.choices)}."
    if isinstance(policy.default, int):
        return f" {policy.least} to {policy.most} {policy.unit}".rstrip() + "."
    return ""


def _toml(value: int | str) -> str:
    # A JSON string without what TOML cannot read is a TOML string.
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)
