"""An action uses lower rooms' facts, rules and queries: never their actions or tables."""

import configparser

import pytest

from tests.architecture.source import PACKAGES, ROOT, Module, modules

PIECES = {"facts", "rules", "tables", "queries", "actions"}
ROOMS = {
    module.name.split(".")[1]
    for module in modules()
    if module.name.startswith("hub.")
    and module.name.split(".")[-1] in PIECES
    and module.name.split(".")[1] not in ("ingest", "scans")
}


@pytest.mark.parametrize(
    "module",
    [m for m in modules() if m.name.split(".")[:1] == ["hub"] and m.name.split(".")[1:2]
     and m.name.split(".")[1] in ROOMS],
    ids=str,
)  # fmt: skip
def test_a_room_leaves_other_rooms_actions_and_tables_alone(module: Module) -> None:
    own = module.name.split(".")[1]
    wrong = []
    for node, name in module.imports():
        top, *rest = name.split(".")
        if top == "hub" and len(rest) > 1 and rest[0] in ROOMS - {own} and rest[1] in (
            "actions", "tables",
        ):  # fmt: skip
            wrong.append(f"{module.at(node)} {name}")
    assert wrong == []


def test_the_furniture_contract_names_every_room() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    named = contracts["importlinter:contract:furniture"]["containers"].split()
    assert {f"hub.{room}" for room in ROOMS} <= set(named)


def test_every_module_says_what_it_does() -> None:
    silent = [str(m) for m in modules() if m.name.split(".")[0] in PACKAGES and not docstring(m)]
    assert silent == []


def docstring(module: Module) -> str:
    import ast

    return ast.get_docstring(module.tree) or ""
