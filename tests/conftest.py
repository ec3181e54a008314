"""What all tests share: marks by directory, a small hypothesis profile, and a running store."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from tests.components import require
from tests.floor import Floor
from tests.postgres import Server

MARKS = {
    "stories": ["slow"],
    "browser": ["slow", "browser"],
    "kill": ["slow", "kill"],
    "bench": ["bench"],
    "soak": ["slow", "kill", "soak"],
}

# A busy machine is slow, not wrong: no example is timed.
CALM = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.register_profile("default", CALM)
hypothesis.settings.register_profile("soak", CALM, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A template is compiled once by this process, and not by the app of each test.
COMPILED = tempfile.TemporaryDirectory(prefix="storehub-templates-")
Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(COMPILED.name)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies under tests/stories and the like."""
    here = Path(__file__).parent
    for item in items:
        directory = item.path.relative_to(here).parts[0] if here in item.path.parents else ""
        for mark in MARKS.get(directory, ()):
            item.add_marker(mark)
    # The longest go first, so that no worker is left with one at the end.
    items.sort(key=lambda item: item.get_closest_marker("kill") is None)


@pytest.fixture(scope="session")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    """One store for all tests that leave it standing; each brings its own SKUs and orders."""
    require("mosquitto")
    store = Floor(tmp_path_factory.mktemp("floor") / "data")
    try:
        yield store.start()
    finally:
        store.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One PostgreSQL server for the tests of this process; each makes its own database."""
    require("postgresql")
    # Nobody cuts its power; a test that does starts one of its own.
    server = Server(fsync="off")
    yield server
    server.stop()


@pytest.fixture
def new_floor(tmp_path: Path) -> Iterator[Callable[..., Floor]]:
    """Start a store of one's own: `new_floor(broker="amqtt")`."""
    stores: list[Floor] = []

    def start(broker: str = "mosquitto", **environment: str) -> Floor:
        if broker == "mosquitto":
            require("mosquitto")
        store = Floor(tmp_path / f"data{len(stores)}", broker=broker, **environment)
        stores.append(store)
        return store.start()

    yield start
    for store in stores:
        store.stop()
