"""Clients that begin to speak to central and stop keep no thread from a store or a customer."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from hub import patience
from hub.patience import Hearing, Patience
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


def test_many_who_have_said_nothing_yet_hold_no_thread_and_are_heard_when_they_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A thousand hubs that come back connect first and speak when it is their turn.
    monkeypatch.setattr(patience, "GRACE_S", 0.0)
    central = Central(tmp_path)
    try:
        with ExitStack() as stack:
            where = ("127.0.0.1", central.port)
            silent = [
                stack.enter_context(socket.create_connection(where, 30))
                for _ in range(2 * (PLACES + WORKING + SLOW))
            ]
            assert central.door("/digest").status_code == 200
            for sock in silent:
                sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: central\r\n\r\n")
            assert {sock.recv(12) for sock in silent} == {b"HTTP/1.1 200"}
    finally:
        central.stop()


def test_who_has_spoken_meanwhile_is_not_let_go_though_its_thread_is_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "GRACE_S", -1.0)
    room = Patience(each=1, most=1, whole_s=60.0)
    with ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(3)]
        for sock in (one for pair in pairs for one in pair):
            stack.enter_context(sock)
        (spoke, says), (mute, _), (last, _) = pairs
        hearings = [Hearing(sock, room, 30.0) for sock in (spoke, mute, last)]
        for hearing in hearings[:2]:
            hearing.request("hub")
        room.begins(hearings[0])
        says.sendall(b"G")
        room.begins(hearings[1])
        assert spoke.recv(1) == b"G"
        hearings[2].request("hub")
        says.sendall(b"E")
        room.begins(hearings[2])
        assert mute.recv(1) == b"", "who said nothing for longest has to go"
        assert spoke.recv(1) == b"E"
