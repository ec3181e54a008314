"""The socket under paho takes publishes whole, however the network cuts them."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ingest.corked import CorkedSocket, Message, puback

SUBACK = b"\x90\x03\x00\x01\x01"


def publish(message: Message) -> bytes:
    body = len(message.topic).to_bytes(2, "big") + message.topic
    if message.mid:
        body += message.mid.to_bytes(2, "big")
    body += message.payload
    size, length = b"", len(body)
    while True:
        length, digit = divmod(length, 128)
        size += bytes([digit | (128 if length else 0)])
        if not length:
            break
    return bytes([0x30 | (2 if message.mid else 0) | message.retain]) + size + body


class Ends:
    def __init__(self) -> None:
        near, self.far = socket.socketpair()
        near.setblocking(False)
        self.corked = CorkedSocket(near)

    def close(self) -> None:
        self.far.close()
        self.corked.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


messages = st.builds(
    Message,
    topic=st.binary(min_size=1, max_size=40),
    payload=st.binary(max_size=400) | st.just(b"x" * 20_000),
    mid=st.integers(min_value=0, max_value=65_535),
    retain=st.booleans(),
)


@given(st.lists(messages | st.just(None), max_size=8), st.integers(min_value=1, max_value=5000))
def test_every_packet_arrives_once_and_whole_however_it_is_cut(
    sent: list[Message | None], piece: int
) -> None:
    ends = Ends()
    wire = b"".join(SUBACK if one is None else publish(one) for one in sent)
    came: list[Message | None] = []
    for start in range(0, len(wire), piece):
        ends.far.sendall(wire[start : start + piece])
        ends.corked.fill()
        while True:
            message = ends.corked.take()
            if message is not None:
                came.append(message)
            elif ends.corked.granted():
                assert b"".join(iter(lambda: ends.corked.recv(1) if ends.corked.granted() else b"",
                                     b"")) == SUBACK  # fmt: skip
                came.append(None)
            else:
                break
    assert came == sent
    ends.close()


def test_nothing_is_given_to_paho_before_it_is_whole(ends: Ends) -> None:
    ends.far.sendall(SUBACK[:3])
    ends.corked.fill()
    assert ends.corked.take() is None
    with pytest.raises(BlockingIOError):
        ends.corked.recv(1)
    ends.far.sendall(SUBACK[3:])
    ends.corked.fill()
    assert ends.corked.take() is None
    assert ends.corked.recv(100) == SUBACK
    with pytest.raises(BlockingIOError):
        ends.corked.recv(1)


def test_the_end_of_the_connection_is_told_after_what_came_before_it(ends: Ends) -> None:
    ends.far.sendall(publish(Message(b"t", b"x", 7, False)))
    ends.far.close()
    ends.corked.fill()
    assert ends.corked.take() == Message(b"t", b"x", 7, False)
    ends.corked.fill()
    assert ends.corked.ended
    assert ends.corked.recv(1) == b""


def test_what_is_written_goes_out_in_one_piece_when_flushed(ends: Ends) -> None:
    for mid in (1, 2, 65_535):
        ends.corked.send(puback(mid))
    ends.far.setblocking(False)
    with pytest.raises(BlockingIOError):
        ends.far.recv(100)
    assert ends.corked.flush()
    assert ends.far.recv(100) == b"\x40\x02\x00\x01\x40\x02\x00\x02\x40\x02\xff\xff"


def test_a_peer_that_does_not_read_is_waited_for_and_gets_all(ends: Ends) -> None:
    ends.corked.send(b"x" * 3_000_000)
    assert not ends.corked.flush()
    got = 0
    while got < 3_000_000:
        got += len(ends.far.recv(1 << 20))
        ends.corked.flush()
    assert ends.corked.flush()
