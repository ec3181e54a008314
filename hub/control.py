"""Carries a command from the command line to the running hub, through a socket of its owner's.

It must never write by itself: the hub that listens runs the operation on its one writer.

Each request is one JSON line {"operation", "arguments"}, each answer one line {"result"} or
{"error": {"kind", "sentence", "slug"}}. The file is 0600: who may open it may do anything here.
"""

import logging
import os
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from hub import errors
from hub.errors import HubError, NotFound, Unavailable

Operation = Callable[..., Any]

NAME: Final = "control.sock"
# A chunk of an import is the largest request.
LINE_BYTES: Final = 4 << 20

log = logging.getLogger(__name__)


class Listener:
    """Answers requests until `stop`. Operations run on the connection's own thread."""

    def __init__(self, directory: Path, operations: Mapping[str, Operation]) -> None:
        self._path = directory / NAME
        self._path.unlink(missing_ok=True)
        with _address(self._path) as address:
            self._server = _Server(address, operations)
        self._path.chmod(0o600)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="control", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, operations: Mapping[str, Operation]) -> None:
        self.operations = operations
        super().__init__(address, _Conversation)


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        while line := self.rfile.readline(LINE_BYTES):
            try:
                self.wfile.write(msgspec.json.encode(self._answer(line)) + b"\n")
            except BrokenPipeError:
                return

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = msgspec.json.decode(line)
            operation = self.server.operations.get(request["operation"])
            if operation is None:
                raise NotFound(f"This hub knows no operation {request['operation']!r}.")
            return {"result": operation(**request["arguments"])}
        except HubError as error:
            return {"error": _shown(error)}
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            log.warning("An unusable request came through %s: %s", NAME, error)
            sentence = f"The hub could not use this request: {error}"
            return {"error": {"kind": "Invalid", "sentence": sentence, "slug": "invalid"}}
        except Exception:
            log.exception("An operation failed")
            sentence = "The hub failed at this; its log says why."
            return {"error": {"kind": "HubError", "sentence": sentence, "slug": "internal-error"}}


def running(directory: Path) -> bool:
    """Does a hub listen on `directory`?"""
    try:
        _connect(directory).close()
    except Unavailable:
        return False
    return True


def ask(directory: Path, operation: str, arguments: Mapping[str, Any]) -> Any:
    """Let the running hub do `operation`. Raises what it raised, or Unavailable."""
    with _connect(directory) as connection, connection.makefile("rb") as answers:
        request = {"operation": operation, "arguments": arguments}
        connection.sendall(msgspec.json.encode(request) + b"\n")
        line = answers.readline()
    if not line:
        raise Unavailable("The hub stopped before it answered; nothing tells what it did.")
    answer = msgspec.json.decode(line)
    if "error" in answer:
        raise _raised(answer["error"])
    return answer["result"]


def _connect(directory: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(directory / NAME) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        raise Unavailable(f"No hub runs on {directory}.") from None
    return connection


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Name `path` within a socket's 107 bytes: through a short link where the path is long."""
    absolute = path.absolute()
    if len(os.fsencode(absolute)) <= 100:
        yield str(absolute)
        return
    with tempfile.TemporaryDirectory(prefix="sh-") as short:
        link = Path(short) / "d"
        link.symlink_to(absolute.parent)
        yield str(link / absolute.name)


def _shown(error: HubError) -> dict[str, str]:
    return {"kind": type(error).__name__, "sentence": error.sentence, "slug": error.slug}


def _raised(shown: Mapping[str, str]) -> HubError:
    kind = getattr(errors, shown["kind"], errors.HubError)
    error: HubError = kind(shown["sentence"], slug=shown["slug"])
    return error
