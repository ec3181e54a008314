"""What all commands share: where the store lies, and how an answer is printed.

It must never write a store's files itself: a command that writes goes to the running hub, or
opens the store under its lock where none runs.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from hub import app, control, operations, settings
from hub.errors import Refusal
from hub.store import Store, files

F = TypeVar("F", bound=Callable[..., Any])


def data_option(function: F) -> F:
    return click.option(
        "--data",
        "directory",
        metavar="DIR",
        envvar="STOREHUB_DATA",
        default="data",
        show_default=True,
        type=click.Path(file_okay=False, path_type=Path),
        help="The store's data directory.",
    )(function)


def database_option(function: F) -> F:
    return click.option(
        "--database",
        metavar="URL",
        envvar="STOREHUB_CENTRAL_DATABASE",
        default="sqlite",
        show_default=True,
        help="Where central keeps its data: sqlite (in DIR), or postgresql://USER@HOST/NAME.",
    )(function)


def json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


@contextmanager
def applying(directory: Path) -> Iterator[Callable[..., Any]]:
    """Yield `perform(operation, **arguments)`: in the running hub, or here when none runs."""
    must_exist(directory)
    if control.running(directory):
        yield lambda operation, **arguments: control.ask(directory, operation, arguments)
        return
    with Store(directory, settings.load(directory)) as store:
        known = operations.of(store, app.sources(store.settings.store))
        yield lambda operation, **arguments: known[operation](**arguments)


def perform(directory: Path, operation: str, **arguments: Any) -> Any:
    """Do one operation in the running hub, or here when none runs. Raises HubError."""
    with applying(directory) as do:
        return do(operation, **arguments)


def read(directory: Path, query: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Return `query(connection, …)`; works beside a running hub."""
    must_exist(directory)
    database = files(directory)
    try:
        with database.reader() as connection:
            return query(connection, *arguments, **named)
    finally:
        database.close()


def must_exist(directory: Path) -> None:
    """Raises Refusal when no store lies in `directory`."""
    if not (directory / "hub.db").exists():
        raise Refusal(f"No store lies in {directory}: make one with `storehub init --data DIR`.")


def show(answer: Any, as_json: bool, lines: Callable[[Any], list[str]]) -> None:
    """Print `answer` as JSON, or as the lines that a person reads."""
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    for line in lines(answer):
        click.echo(line)


def quiet_pipe(function: Callable[[], None]) -> None:
    """Print until the reader of our pipe has enough (`storehub export … | head`)."""
    with suppress(BrokenPipeError):
        function()
