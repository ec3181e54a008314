import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hub import control
from hub.control import Listener
from hub.errors import HubError, NotFound, Refusal, Unavailable


def add(a: int, b: int) -> int:
    return a + b


def fail() -> None:
    raise ZeroDivisionError


def refuse() -> None:
    raise Refusal("Not today.", slug="not-today")


@contextmanager
def listening(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    listener = Listener(directory, {"add": add, "refuse": refuse, "fail": fail})
    listener.start()
    try:
        yield
    finally:
        listener.stop()


def test_an_operation_of_the_running_hub_answers(tmp_path: Path) -> None:
    with listening(tmp_path):
        assert control.running(tmp_path)
        assert control.ask(tmp_path, "add", {"a": 1, "b": 2}) == 3
    assert not control.running(tmp_path)


def test_a_refusal_comes_back_as_the_refusal_that_it_was(tmp_path: Path) -> None:
    with listening(tmp_path), pytest.raises(Refusal, match="Not today") as refused:
        control.ask(tmp_path, "refuse", {})
    assert refused.value.slug == "not-today"


def test_a_bug_is_told_in_a_sentence_and_the_hub_goes_on(tmp_path: Path) -> None:
    with listening(tmp_path):
        with pytest.raises(HubError, match="its log says why"):
            control.ask(tmp_path, "fail", {})
        assert control.ask(tmp_path, "add", {"a": 1, "b": 2}) == 3


def test_the_socket_works_where_the_path_is_too_long_for_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with listening(deep):
        assert control.ask(deep, "add", {"a": 1, "b": 2}) == 3


def test_the_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    with listening(tmp_path):
        assert (tmp_path / control.NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("operation", "arguments", "error"),
    [("fly", {}, NotFound), ("add", {"a": 1}, Exception), ("add", {"a": 1, "b": "x"}, Exception)],
)
def test_an_unusable_request_is_answered_and_the_listener_goes_on(
    tmp_path: Path, operation: str, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with listening(tmp_path):
        with pytest.raises(error):
            control.ask(tmp_path, operation, arguments)
        assert control.ask(tmp_path, "add", {"a": 1, "b": 2}) == 3


def test_garbage_on_the_socket_does_not_stop_the_listener(tmp_path: Path) -> None:
    with listening(tmp_path):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(tmp_path / control.NAME))
            connection.sendall(b"\xff\xfe garbage\n")
            assert b"error" in connection.recv(1000)
        assert control.ask(tmp_path, "add", {"a": 1, "b": 2}) == 3


def test_where_no_hub_runs_it_says_so_at_once(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No hub runs"):
        control.ask(tmp_path, "add", {})
