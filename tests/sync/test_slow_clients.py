"""Clients that begin to speak to central and stop keep no thread from a store or a customer."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path

from sync.central.server import PLACES, REQUEST_S, SLOW, WORKING
from tests.sync.pair import Central, order_body


def test_twice_as_many_as_there_are_threads_begin_and_stop(tmp_path: Path) -> None:
    central = Central(tmp_path)
    half = (
        b"GET / HTTP/1.1\r\nHost: central\r\nX-More: ",
        b"POST /orders HTTP/1.1\r\nHost: central\r\nContent-Length: 99\r\n\r\nname=",
    )
    try:
        with ExitStack() as stack:
            for n in range(2 * (PLACES + WORKING + SLOW)):
                where = ("127.0.0.1", central.port)
                sock = stack.enter_context(socket.create_connection(where))
                sock.sendall(half[n % 2])
            # Well before the first of them has had its minute.
            began = time.monotonic()
            assert central.post("/orders", order_body("R-1", {"4711": 1})).status_code == 201
            assert central.door("/digest").status_code == 200
            assert time.monotonic() - began < REQUEST_S / 2
    finally:
        central.stop()
