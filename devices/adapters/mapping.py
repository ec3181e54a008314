"""What a mapping file's rules do with a message: paths, values, filters; pure.

It must never raise for a message: what does not fit is a glitch.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from devices.adapters.shapes import (
    Heard,
    Read,
    Reading,
    Received,
    Status,
    UnreadableError,
    careful,
    happened,
    named,
    number,
    read_json,
    rfc3339,
    since_1970,
    text,
)
from hub import wire

MANY: Final = 1000
MISSING: Final = object()

Step = str | int
Way = tuple[bool, tuple[Step, ...]]  # from the whole message?, the steps


@dataclass(frozen=True)
class Value:
    """Where a value comes from: a literal, a part of the topic, or a path, then made fit."""

    literal: Any = None
    part: str | None = None
    path: Way | None = None
    scale: float = 1.0
    offset: float = 0.0
    values: Mapping[str, Any] | None = None

    def of(self, found: "Found") -> Any:
        if self.part is not None:
            value: Any = found.parts[self.part]
        elif self.path is not None:
            value = found.at(self.path)
        else:
            return self.literal
        if self.values is not None and value is not MISSING:
            said = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            if said not in self.values:
                raise UnreadableError("bad_value", f"{said[:80]!r} is none of the values")
            return self.values[said]
        if (self.scale, self.offset) != (1.0, 0.0) and value is not MISSING:
            fitted = number(value, "the value") * self.scale + self.offset
            return number(fitted, "the value made fit")
        return value


@dataclass(frozen=True)
class Found:
    """One element of a message that is being read."""

    parts: Mapping[str, str]
    whole: Any
    element: Any

    def at(self, path: Way) -> Any:
        value = self.whole if path[0] else self.element
        for step in path[1]:
            try:
                fits = isinstance(value, dict if isinstance(step, str) else list)
                value = value[step] if fits else MISSING
            except (KeyError, IndexError):
                return MISSING
        return value


@dataclass(frozen=True)
class Rule:
    """One `[[message]]` of the file."""

    topic: re.Pattern[str]
    kind: str
    scalar: bool
    address: Value
    time: Value | None
    unit_s: float
    id: tuple[Value, ...]
    state: bool
    each: Way | None
    when: tuple[tuple[Value, Any], ...]
    data: Mapping[str, Value]
    online: Value | None


def interpreter(family: str, rules: tuple[Rule, ...]) -> Read:
    @careful
    def read(topic: str, payload: bytes, received: Received) -> Iterator[Heard]:
        for rule in rules:
            at = rule.topic.fullmatch(topic)
            if at is not None:
                yield from _apply(family, rule, at.groupdict(), payload, received)

    return read


def _apply(
    family: str, rule: Rule, parts: Mapping[str, str], payload: bytes, received: Received
) -> Iterator[Heard]:
    whole = _scalar(payload) if rule.scalar else read_json(payload)
    elements = [whole]
    if rule.each is not None:
        elements = Found(parts, whole, whole).at(rule.each)
        if not isinstance(elements, list) or len(elements) > MANY:
            raise UnreadableError("not_a_list", f"`each` finds no list of at most {MANY}")
    for element in elements:
        found = Found(parts, whole, element)
        try:
            if all(path.of(found) == wanted for path, wanted in rule.when):
                yield _one(family, rule, found, received)
        except UnreadableError as error:
            yield error.glitch


def _one(family: str, rule: Rule, found: Found, received: Received) -> Heard:
    address = rule.address.of(found)
    address = text(str(address) if isinstance(address, int) else address, "the address")
    if rule.online is not None:
        online = rule.online.of(found)
        if not isinstance(online, bool):
            raise UnreadableError("bad_status", "there is neither online nor offline")
        return Status(address, online)
    data = {name: value.of(found) for name, value in rule.data.items()}
    data = {name: value for name, value in data.items() if value is not MISSING}
    try:
        msgspec.convert(data, wire.KINDS[rule.kind])
    except msgspec.ValidationError as error:
        raise UnreadableError("bad_data", str(error)) from error
    told = None if rule.time is None else rule.time.of(found)
    at, quality = happened(rfc3339(told) or since_1970(told, rule.unit_s), received)
    parts = [value.of(found) for value in rule.id]
    sure = bool(parts) and not any(part is MISSING for part in parts)
    key = named(family, address, rule.kind, *parts) if sure else None
    # Two rules may tell of one device: its states are told apart by what is fixed in them.
    fixed = ",".join(str(v.literal) for v in rule.data.values() if v.literal is not None)
    state = f"{rule.kind} {fixed}".strip() if rule.state else None
    return Reading(address, rule.kind, data, key, at, quality, state)


def _scalar(payload: bytes) -> Any:
    try:
        said = payload.decode().strip()
    except UnicodeDecodeError as error:
        raise UnreadableError("not_text", str(error)) from error
    if len(said) > 4096:
        raise UnreadableError("too_large", f"{len(said)} characters are no bare value")
    try:
        return msgspec.json.decode(said)
    except msgspec.DecodeError:
        return said
