"""Every row of the settings table is read by the product: nobody sets a value in vain."""

import ast

from hub.settings import TABLE
from tests.architecture.source import modules


def test_every_setting_is_read_by_somebody() -> None:
    read: set[str] = set()
    for module in modules():
        if not module.name.startswith("hub.settings"):
            read |= {one.attr for one in ast.walk(module.tree) if isinstance(one, ast.Attribute)}
    assert {row.name for row in TABLE} - read == set()
