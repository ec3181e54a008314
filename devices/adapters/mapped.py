"""A family without code: a TOML file says what its messages mean.

    family = "acme"                          # devices of it have the family mapped:acme

    [[message]]
    topic = "acme/{address}/telemetry"       # {name}: one level; {name...}: one or more, at the end
    kind = "measure"                         # any kind of docs/devices.md, or "status"
    time = "$.ts"                            # RFC 3339, or seconds since 1970 (time_unit = "ms")
    id = ["$.seq", "$.ts"]                   # what tells two events apart; left out: nothing does
    state = false                            # true: news only when it differs from the last one
    each = "$.readings[*]"                   # one observation for each element; paths begin there
    when = { "$.type" = "reading" }          # other messages of the topic are left alone

    [message.data]
    quantity = "temperature"                 # a text as it stands
    value = { path = "$.temp", scale = 0.1 } # a value of the message, made fit
    unit = "°C"

Paths: `$` (the whole), `.name`, `["name"]`, `[0]`; `$$` begins at the message where `each` is used.
`{name}` is the part of the topic. `values = {"open" = true}` translates. `format = "scalar"` reads
a bare value (`$`) instead of JSON. For `status`, `online` is the path and `values` the translation.

It must never guess: a wrong file stops with a sentence that names file, key and value.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from devices.adapters.mapping import Rule, Step, Value, Way, interpreter
from devices.adapters.shapes import Adapter
from hub import wire
from hub.errors import Invalid

PREFIX: Final = "mapped:"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_WILD: Final = re.compile(r"\{([a-z_]+)(\.\.\.)?\}")
_STEP: Final = re.compile(r'\.([A-Za-z_][\w-]*)|\["([^"]+)"\]|\[(\d+)\]')
_FILE_KEYS: Final = frozenset({"family", "message"})
_KEYS: Final = frozenset(
    {"topic", "kind", "format", "address", "time", "time_unit", "id", "state", "each", "when",
     "data", "online", "values"}
)  # fmt: skip
_VALUE_KEYS: Final = frozenset({"path", "scale", "offset", "values"})
_UNITS: Final = {"s": 1.0, "ms": 0.001, "us": 0.000_001}


def load(file: Path) -> Adapter:
    """Return the adapter that `file` describes. Raises Invalid with a sentence."""
    try:
        described = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"{file.name}: {error}.") from error
    return _Reader(file.name).adapter(described)


class _Reader:
    """Turns the file's tables into rules; every complaint names file, key and value."""

    def __init__(self, file: str) -> None:
        self.file = file

    def wrong(self, key: str, value: Any, why: str) -> Invalid:
        return Invalid(f"{self.file}: {key} = {_shown(value)}: {why}.", field=key)

    def adapter(self, described: Mapping[str, Any]) -> Adapter:
        self.known("", described, _FILE_KEYS)
        family, messages = described.get("family"), described.get("message")
        if not isinstance(family, str) or not _NAME.fullmatch(family):
            raise self.wrong("family", family, "is no name of small letters, digits and -")
        if not isinstance(messages, list) or not messages:
            raise self.wrong("message", messages, "must be one [[message]] or more")
        rules = tuple(self.rule(f"message[{n}]", one) for n, one in enumerate(messages))
        name = PREFIX + family
        bridge = any(rule.address.literal is None for rule in rules)
        return Adapter(name, interpreter(name, rules), bridge=bridge)

    def known(self, at: str, table: Any, keys: frozenset[str]) -> None:
        if not isinstance(table, dict):
            raise self.wrong(at, table, "must be a table")
        for key in table:
            if key not in keys:
                where = f"{at}.{key}" if at else key
                raise self.wrong(where, table[key], f"there is no such key, only {_list(keys)}")

    def rule(self, at: str, table: Any) -> Rule:
        self.known(at, table, _KEYS)
        topic, parts = self.topic(f"{at}.topic", table.get("topic"))
        kind = table.get("kind")
        if kind not in wire.KINDS and kind != "status":
            kinds = frozenset({*wire.KINDS, "status"})
            raise self.wrong(f"{at}.kind", kind, f"is no kind; there are {_list(kinds)}")
        shape = table.get("format", "json")
        if shape not in ("json", "scalar"):
            raise self.wrong(f"{at}.format", shape, "is neither json nor scalar")
        unit = table.get("time_unit", "s")
        if unit not in _UNITS:
            raise self.wrong(f"{at}.time_unit", unit, f"is none of {_list(frozenset(_UNITS))}")
        state = table.get("state", False)
        if not isinstance(state, bool):
            raise self.wrong(f"{at}.state", state, "is neither true nor false")
        default = "{address}" if "address" in parts else ""
        address = self.value(f"{at}.address", table.get("address", default), parts)
        if address.literal == "":
            why = "is missing, and the topic has no {address}"
            raise self.wrong(f"{at}.address", table.get("address"), why)
        time = table.get("time")
        return Rule(
            topic,
            kind,
            shape == "scalar",
            address,
            None if time is None else self.value(f"{at}.time", time, parts),
            _UNITS[unit],
            self.values(f"{at}.id", table.get("id", []), parts),
            state,
            self.each(f"{at}.each", table.get("each")),
            self.when(f"{at}.when", table.get("when", {}), parts),
            {} if kind == "status" else self.data(f"{at}.data", kind, table.get("data"), parts),
            self.online(at, table, parts) if kind == "status" else None,
        )

    def topic(self, key: str, said: Any) -> tuple[re.Pattern[str], frozenset[str]]:
        if not isinstance(said, str) or not said or "#" in said or "+" in said:
            raise self.wrong(key, said, "is no topic with {names} for its wildcards")
        levels, parts = [], []
        for n, level in enumerate(said.split("/")):
            wild = _WILD.fullmatch(level)
            if wild is None and ("{" in level or "}" in level):
                raise self.wrong(key, said, f"{level!r} must be a whole level like {{name}}")
            if wild is None:
                levels.append(re.escape(level))
                continue
            if wild[2] and n != said.count("/"):
                raise self.wrong(key, said, f"{level!r} may stand only at the end")
            if wild[1] in parts:
                raise self.wrong(key, said, f"{level!r} stands there twice")
            parts.append(wild[1])
            levels.append(f"(?P<{wild[1]}>{'.+' if wild[2] else '[^/]+'})")
        return re.compile("/".join(levels)), frozenset(parts)

    def path(self, key: str, said: str) -> Way:
        root, rest = (True, said[2:]) if said.startswith("$$") else (False, said[1:])
        steps: list[Step] = []
        at = 0
        while at < len(rest):
            step = _STEP.match(rest, at)
            if step is None:
                raise self.wrong(key, said, f"the path breaks off at {rest[at:]!r}")
            steps.append(int(step[3]) if step[3] is not None else step[1] or step[2])
            at = step.end()
        return root, tuple(steps)

    def value(self, key: str, said: Any, parts: frozenset[str]) -> Value:
        if isinstance(said, str) and said.startswith("$"):
            return Value(path=self.path(key, said))
        if isinstance(said, str) and (wild := _WILD.fullmatch(said)) is not None:
            if wild[1] not in parts:
                raise self.wrong(key, said, "the topic has no such part")
            return Value(part=wild[1])
        if not isinstance(said, dict):
            return Value(literal=said)
        self.known(key, said, _VALUE_KEYS)
        inner = self.value(f"{key}.path", said.get("path"), parts)
        if inner.path is None and inner.part is None:
            raise self.wrong(f"{key}.path", said.get("path"), "is no path like $.name")
        scale, offset = said.get("scale", 1.0), said.get("offset", 0.0)
        for name, number in (("scale", scale), ("offset", offset)):
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise self.wrong(f"{key}.{name}", number, "is no number")
        values = said.get("values")
        if values is not None and not isinstance(values, dict):
            raise self.wrong(f"{key}.values", values, "must be a table")
        return Value(None, inner.part, inner.path, float(scale), float(offset), values)

    def values(self, key: str, said: Any, parts: frozenset[str]) -> tuple[Value, ...]:
        if not isinstance(said, list):
            raise self.wrong(key, said, "must be a list of paths")
        return tuple(self.value(f"{key}[{n}]", one, parts) for n, one in enumerate(said))

    def each(self, key: str, said: Any) -> Way | None:
        if said is None:
            return None
        if not isinstance(said, str) or not said.startswith("$") or not said.endswith("[*]"):
            raise self.wrong(key, said, "is no path that ends in [*]")
        return self.path(key, said.removesuffix("[*]"))

    def when(self, key: str, said: Any, parts: frozenset[str]) -> tuple[tuple[Value, Any], ...]:
        if not isinstance(said, dict):
            raise self.wrong(key, said, "must be a table of paths and what stands there")
        return tuple(
            (self.value(f"{key}.{path}", path, parts), wanted) for path, wanted in said.items()
        )

    def online(self, at: str, table: Any, parts: frozenset[str]) -> Value:
        said = {"path": table.get("online", "$"), "values": table.get("values")}
        if said["values"] is None:
            said["values"] = {"online": True, "offline": False, "true": True, "false": False}
        return self.value(f"{at}.online", said, parts)

    def data(self, key: str, kind: str, said: Any, parts: frozenset[str]) -> Mapping[str, Value]:
        fields = {one.name: one for one in msgspec.structs.fields(wire.KINDS[kind])}
        self.known(key, {} if said is None else said, frozenset(fields))
        table: dict[str, Any] = said or {}
        for name, field in fields.items():
            if field.required and name not in table:
                raise self.wrong(f"{key}.{name}", None, f"a {kind} needs it")
        return {name: self.value(f"{key}.{name}", one, parts) for name, one in table.items()}


def _list(keys: frozenset[str]) -> str:
    return ", ".join(sorted(keys))


def _shown(value: Any) -> str:
    return "(nothing)" if value is None else repr(value)[:120]
