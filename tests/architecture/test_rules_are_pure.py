"""facts.py and rules.py read no clock, no disk and no network: time and ids are arguments."""

import ast

import pytest

from tests.architecture.source import Module, modules

STANDARD = {
    "__future__", "abc", "base64", "bisect", "collections", "copy", "dataclasses", "datetime",
    "decimal", "enum", "fractions", "functools", "hashlib", "itertools", "json", "math",
    "operator", "re", "string", "types", "typing", "unicodedata", "uuid",
}  # fmt: skip
CLOCK = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "uuid1", "uuid4"}
EFFECTS = {"open", "print", "input", "exec", "eval", "__import__"}

NOT_PURE = {"tables", "queries", "actions", "search"}

RULES = [one for one in modules() if one.path.name in ("facts.py", "rules.py")]


def room(name: str) -> str:
    return ".".join(name.split(".")[:2])


def parts_of_rules() -> list[Module]:
    """Return what rules.py was split into: own modules of the room that it imports."""
    found: dict[str, Module] = {}
    waiting = list(RULES)
    while waiting:
        one = waiting.pop()
        names = {name for _, name in one.imports() if room(name) == room(one.name)}
        for other in modules():
            if (
                other.name in names | {name.rpartition(".")[0] for name in names}
                and other.path.stem not in NOT_PURE | {"__init__"}
                and other.name not in found
                and other not in RULES
            ):
                found[other.name] = other
                waiting.append(other)
    return list(found.values())


PURE = [*RULES, *parts_of_rules()]
ALSO_PURE = [one for one in modules() if one.name in ("hub.chain", "sync.protocol")]


def allowed(module: Module, name: str) -> bool:
    if room(name) == room(module.name):
        return not NOT_PURE & set(name.split("."))
    top, *rest = name.split(".")
    if top in STANDARD:
        return True
    if top == "msgspec":
        return module.path.name == "facts.py"
    if top != "hub" or not rest:
        return False
    return (
        rest[0] == "gs1"
        or (rest[0] == "errors" and module.path.name != "facts.py")
        or (len(rest) > 1 and rest[1] in ("facts", "rules"))
    )


@pytest.mark.parametrize("module", PURE, ids=str)
def test_rules_and_facts_import_only_lower_facts_and_rules(module: Module) -> None:
    wrong = [f"{module.at(n)} {name}" for n, name in module.imports() if not allowed(module, name)]
    assert wrong == []


@pytest.mark.parametrize("module", [*PURE, *ALSO_PURE], ids=str)
def test_rules_read_no_clock_and_do_no_io(module: Module) -> None:
    wrong = []
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in CLOCK:
            wrong.append(f"{module.at(node)} .{called.attr}()")
        if isinstance(called, ast.Name) and called.id in EFFECTS | CLOCK:
            wrong.append(f"{module.at(node)} {called.id}()")
    assert wrong == []


def test_the_rooms_have_rules_to_look_at() -> None:
    assert {"hub.stock.rules", "hub.pickup.rules"} <= {module.name for module in PURE}
