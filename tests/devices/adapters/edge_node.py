"""A Sparkplug B edge node's payloads, as its protobuf says; an encoder of a test's own."""

import struct
from typing import Any


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def metric(
    name: str = "", value: Any = None, *, alias: int | None = None, stamp: int | None = None,
    datatype: int | None = None, historical: bool = False,
) -> bytes:  # fmt: skip
    """Encode a metric; the data type follows from the value unless it is given."""
    raw = _bytes(1, name.encode()) if name else b""
    raw += _number(2, alias) if alias is not None else b""
    raw += _number(3, stamp) if stamp is not None else b""
    kinds = {bool: 11, int: 4, float: 10, str: 12}
    raw += _number(4, kinds.get(type(value), 0) if datatype is None else datatype)
    raw += _number(5, 1) if historical else b""
    match value:
        case bool():
            raw += _number(14, int(value))
        case int() if datatype in (1, 2, 3, 5, 6, 7):
            raw += _number(10, value & 0xFFFF_FFFF)
        case int():
            raw += _number(11, value)
        case float() if datatype == 9:
            raw += varint(12 << 3 | 5) + struct.pack("<f", value)
        case float():
            raw += varint(13 << 3 | 1) + struct.pack("<d", value)
        case str():
            raw += _bytes(15, value.encode())
    return raw


def payload(*metrics: bytes, stamp: int | None = None, seq: int = 0) -> bytes:
    raw = _number(1, stamp) if stamp is not None else b""
    return raw + b"".join(_bytes(2, one) for one in metrics) + _number(3, seq)
