"""Each outside library and all SQL has its home; nobody else reaches for it."""

import ast
import re
from fnmatch import fnmatch

import pytest

from tests.architecture.source import Module, modules

SQL_HOMES = (
    "hub.database", "hub.journal", "hub.projections", "hub.writer", "hub.commands", "hub.verify",
    "hub.store", "hub.quarantine", "hub.outbox", "hub.ingest", "hub.ingest.record",
    "hub.*.tables", "hub.*.queries", "hub.catalog.search",
    "devices.outbox", "devices.outbox_*", "devices.gateway.ledger",
    "sync.tables", "sync.replica", "sync.central.store_*",
)  # fmt: skip
HOMES = {
    "paho": (
        "hub.ingest",
        "hub.ingest.*",
        "devices.session",
        "devices.gateway.session",
        "devices.conformance.examiner",
    ),
    "sqlite3": SQL_HOMES,
    "sqlite_utils": SQL_HOMES,
    "flask": ("kiosk_ui", "kiosk_ui.*", "sync.central", "sync.central.*"),
    "requests": (
        "sync.client",
        "sync.session",
        "sync.headoffice",
        "sync.conformance.examiner",
        "devices.enrol",
        "sync.central.webhooks",
    ),
    "cv2": ("devices", "devices.*"),
    "pyzbar": ("devices", "devices.*"),
    "amqtt": ("hub.broker.embedded",),
    "psycopg": ("sync.central.store_*",),
    "psycopg_pool": ("sync.central.store_*",),
}
# A statement, as written in this project: upper case, at the start of the text.
STATEMENT = re.compile(
    r"\s*(SELECT\s|INSERT (OR \w+ )?INTO\s|UPDATE \w|DELETE FROM\s|CREATE (TABLE|INDEX|UNIQUE|TEMP)"
    r"|DROP (TABLE|INDEX)|ALTER TABLE\s|PRAGMA \w|REPLACE INTO\s|WITH \w+ AS \()"
)


def at_home(name: str, homes: tuple[str, ...]) -> bool:
    return any(fnmatch(name, home) for home in homes)


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_only_at_its_home(library: str) -> None:
    wrong = [
        f"{module.at(node)} imports {name}"
        for module in modules()
        for node, name in module.imports()
        if name.split(".")[0] == library
        and not at_home(module.name, HOMES[library])
        and not only_for_types(module, node)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "module", [one for one in modules() if not at_home(one.name, SQL_HOMES)], ids=str
)
def test_sql_is_written_only_at_home(module: Module) -> None:
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    wrong = [
        f"{module.at(node)} {node.value.strip()[:40]!r}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and STATEMENT.match(node.value)
    ]
    wrong += [
        f"{module.at(node)} .{node.func.attr}()"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("executemany", "executescript")
    ]
    assert wrong == []


def only_for_types(module: Module, node: ast.AST) -> bool:
    """Tell an import that is used in annotations and `except` alone: it opens nothing."""
    if isinstance(node, ast.ImportFrom) and node.module == "sqlite3":
        return {name.name for name in node.names} <= {"Connection", "Row"}
    if not isinstance(node, ast.Import) or node.names[0].name != "sqlite3":
        return False
    uses = [
        one.attr
        for one in ast.walk(module.tree)
        if isinstance(one, ast.Attribute)
        and isinstance(one.value, ast.Name)
        and one.value.id == "sqlite3"
    ]
    return set(uses) <= {"Connection", "Row", "Cursor", "sqlite_version", "sqlite_version_info"}
