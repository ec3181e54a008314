"""Hub and central for each test that asks for them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync.central.store_postgres_pool import connect
from sync.central.store_postgres_schema import migrate
from tests.postgres import Server, name_of
from tests.sync.pair import Both, Central

ENGINES = ("sqlite", "postgresql")
# What central promises, whatever it keeps its data in: these modules run on each engine.
CONFORMANCE = frozenset(
    {
        "test_central",
        "test_central_feed",
        "test_central_orders",
        "test_central_pushes",
        "test_fallback",
        "test_notices",
        "test_points",
        "test_promise",
        "test_returns_elsewhere",
        "test_shipments",
        "test_signing_keys",
        "test_snapshot",
        "test_supply",
    }
)


# Fixtures that all tests of a module share.
SHARED = frozenset({"untouched", "opened"})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        both = metafunc.module.__name__.rpartition(".")[2] in CONFORMANCE
        scope = "module" if SHARED & set(metafunc.fixturenames) else "function"
        metafunc.parametrize("engine", ENGINES if both else ENGINES[:1], scope=scope)


@pytest.fixture(scope="session")
def made(request: pytest.FixtureRequest) -> Callable[[str], str | None]:
    """Make an empty database of an engine; returns its URL, None where it is a file in DIR."""

    templates: list[str] = []

    def make(engine: str) -> str | None:
        if engine == "sqlite":
            return None
        server: Server = request.getfixturevalue("postgres")
        if not templates:
            templates.append(server.database())
            with connect(templates[0]) as raw:
                migrate(raw)
        return server.database(name_of(templates[0]))

    return make


@pytest.fixture
def database(engine: str, made: Callable[[str], str | None]) -> str | None:
    return made(engine)


@pytest.fixture
def central(tmp_path: Path, database: str | None) -> Iterator[Central]:
    served = Central(tmp_path / "head-office", database=database)
    yield served
    served.stop()


@pytest.fixture
def both(tmp_path: Path, database: str | None) -> Iterator[Both]:
    joined = Both(tmp_path, database)
    yield joined
    joined.close()


@pytest.fixture(scope="module")
def untouched(
    tmp_path_factory: pytest.TempPathFactory, engine: str, made: Callable[[str], str | None]
) -> Iterator[Central]:
    """A central for tests that leave nothing behind which another would meet."""
    served = Central(tmp_path_factory.mktemp("untouched"), database=made(engine))
    yield served
    served.stop()
