"""The line is a real proxy: cut means cut."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.errors import Invalid, Unavailable
from sync import line
from sync.line import LineProxy


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that says back what it hears."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(near,), daemon=True).start()

    def answer(near: socket.socket) -> None:
        with near:
            while heard := near.recv(1024):
                near.sendall(heard)

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.fixture
def proxy(tmp_path: Path, echo: tuple[str, int]) -> Iterator[LineProxy]:
    made = LineProxy(tmp_path, listen=("127.0.0.1", 0), target=echo)
    yield made
    made.stop()


def say(proxy: LineProxy) -> socket.socket:
    near = socket.create_connection(proxy.address, timeout=3)
    near.sendall(b"hello")
    assert near.recv(5) == b"hello"
    return near


def test_what_is_said_arrives(proxy: LineProxy) -> None:
    say(proxy).close()


def test_down_cuts_connections_and_refuses_new_ones_until_it_is_up(
    proxy: LineProxy, tmp_path: Path
) -> None:
    with say(proxy) as near:
        assert line.control(tmp_path, "down") == "down"
        assert near.recv(5) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(proxy.address, timeout=3)
    assert line.control(tmp_path, "status") == "down"
    assert line.control(tmp_path, "down") == "down"
    assert line.control(tmp_path, "up") == "up"
    assert line.control(tmp_path, "up") == "up"
    say(proxy).close()


def test_a_line_that_is_down_keeps_its_port(proxy: LineProxy) -> None:
    proxy.down()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(proxy.address)
    proxy.up()
    say(proxy).close()


def test_an_unknown_word_and_an_absent_line_are_said(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        line.control(tmp_path, "sideways")
    with pytest.raises(Unavailable):
        line.control(tmp_path, "status")
    assert not line.present(tmp_path)


def test_a_proxy_that_was_killed_is_a_line_that_is_down(proxy: LineProxy, tmp_path: Path) -> None:
    assert line.status(tmp_path) == "up"
    proxy.stop()
    (tmp_path / line.SOCKET).touch()
    assert line.status(tmp_path) == "down"


def test_a_deep_directory_has_its_control_socket_too(tmp_path: Path, echo: tuple[str, int]) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    made = LineProxy(deep, listen=("127.0.0.1", 0), target=echo)
    try:
        assert line.present(deep)
        assert line.control(deep, "status") == "up"
    finally:
        made.stop()
    assert not line.present(deep)
