"""How a hub asks central whether goods of another store may come back here; shared by both ends.

It must never carry who bought them.
"""

from typing import Annotated, Final

import msgspec

from hub.returns.abroad import Claim, Handed

from .frames import Malformed, compress, inflate

MOST_BYTES: Final = 64 << 10
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class AskedLine(msgspec.Struct, frozen=True):
    line_id: _Id
    qty: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Asked(msgspec.Struct, frozen=True):
    """The body of `POST …/returns`: units of an order's lines, under the return's own name."""

    return_id: _Id
    order_id: _Id
    lines: Annotated[list[AskedLine], msgspec.Meta(min_length=1, max_length=200)]


_asked: Final = msgspec.json.Decoder(Asked)
_handed: Final = msgspec.json.Decoder(Handed)
_claims: Final = msgspec.json.Decoder(Claim)


def pack(asked: Asked) -> bytes:
    """Pack a claim as central takes it: JSON, compressed."""
    return compress(msgspec.json.encode(asked))


def unpack(body: bytes) -> Asked:
    """Read a packed claim. Raises Malformed and TooLarge."""
    try:
        return _asked.decode(inflate(body, MOST_BYTES))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"the claim cannot be read: {error}") from None


def read_handed(body: bytes) -> Handed:
    """Read what was handed over. Raises Malformed."""
    try:
        return _handed.decode(body)
    except msgspec.MsgspecError as error:
        raise Malformed(f"what was handed over: {error}") from error


def read_claim(body: bytes) -> Claim:
    """Read central's answer to a claim. Raises Malformed."""
    try:
        return _claims.decode(body)
    except msgspec.MsgspecError as error:
        raise Malformed(f"answer to a claim: {error}") from error
