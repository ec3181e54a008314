"""The journal's bytes and names: encode once, hash, link; pure, and shared with sync.

It must never read a clock, a file or a network, and never re-encode what was encoded before.

    hash_n = BLAKE2b-256(hash_{n-1} ‖ seq as 8 bytes big-endian ‖ C)

`C` is UTF-8 JSON with sorted keys and no spaces. One pair (seq, hash) names a whole history.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

GENESIS: Final = bytes(32)


class Pair(NamedTuple):
    """A point in a journal: `hash` is 64 hex digits."""

    seq: int
    hash: str


ORIGIN: Final = Pair(0, GENESIS.hex())


class Entry(msgspec.Struct, frozen=True):
    """One fact with its envelope, as it stands in the journal. Times are stamps of `hub.clock`."""

    id: str
    type: str
    version: int
    occurred_at: str
    recorded_at: str
    actor: str
    cause: str
    body: dict[str, Any]


class BrokenChain(ValueError):
    """The bytes at `seq` are not the ones that were hashed."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"The chain breaks at seq {seq}: {why}.")
        self.seq = seq


_encoder: Final = msgspec.json.Encoder(order="sorted")
_decoder: Final = msgspec.json.Decoder(Entry)


def encode(entry: Entry) -> bytes:
    """Return `C`, the bytes that are stored, hashed and sent. Raises ValueError on a float."""
    _refuse_floats(entry.body)
    return _encoder.encode(entry)


def decode(content: bytes) -> Entry:
    """Read `C`. Raises msgspec.DecodeError or msgspec.ValidationError when it is not an entry."""
    return _decoder.decode(content)


def link(previous: bytes, seq: int, content: bytes) -> bytes:
    """Return the 32-byte hash of entry `seq` whose predecessor has the hash `previous`."""
    return blake2b(previous + seq.to_bytes(8, "big") + content, digest_size=32).digest()


def follow(after: Pair, contents: Iterable[bytes]) -> Iterator[Pair]:
    """Yield the pair of each entry that follows `after`."""
    seq, digest = after.seq, bytes.fromhex(after.hash)
    for content in contents:
        seq += 1
        digest = link(digest, seq, content)
        yield Pair(seq, digest.hex())


def entry_id(cause: str, i: int, n: int) -> str:
    """Name entry `i` of the `n` that one append wrote."""
    return f"{cause}.{i}.{n}"


def parse_id(name: str) -> tuple[str, int, int]:
    """Split an entry's id into cause, position and size of its append. Raises ValueError."""
    cause, i, n = name.rsplit(".", 2)
    return cause, int(i), int(n)


@cache
def holds_float(kind: type) -> bool:
    """Whether a kind of fact could hold a float, whose text is not the same everywhere."""
    return b'"number"' in msgspec.json.encode(msgspec.json.schema(kind))


def _refuse_floats(value: object) -> None:
    # A float has no one spelling: 0.1 + 0.2 hashes differently on the next machine.
    if isinstance(value, float):
        raise ValueError(f"{value!r} is a float; facts hold integers and text only.")
    if isinstance(value, dict):
        for inner in value.values():
            _refuse_floats(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _refuse_floats(inner)
