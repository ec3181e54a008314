"""Reads the few parts of a protobuf message that an adapter asks for; pure.

It must never trust a length: what points beyond its message is unreadable.
"""

import struct
from collections.abc import Iterator
from typing import Final

from devices.adapters.shapes import UnreadableError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_SIZES: Final = {FIXED64: 8, FIXED32: 4}


def fields(raw: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yield (number, wire type, value): an int for a varint, else the bytes as they stand."""
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(raw, at)
            yield number, kind, value
            continue
        if kind == LENGTH:
            size, at = _varint(raw, at)
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            raise UnreadableError("not_protobuf", f"there is no wire type {kind}")
        if number == 0 or at + size > len(raw):
            raise UnreadableError("not_protobuf", f"field {number} ends beyond its message")
        yield number, kind, raw[at : at + size]
        at += size


def float32(raw: bytes) -> float:
    return float(struct.unpack("<f", raw)[0])


def float64(raw: bytes) -> float:
    return float(struct.unpack("<d", raw)[0])


def signed(value: int, bits: int) -> int:
    """Read two's complement of `bits`."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n, byte in enumerate(raw[at : at + 10]):
        value |= (byte & 0x7F) << (7 * n)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + n + 1
    raise UnreadableError("not_protobuf", "a number does not end")
