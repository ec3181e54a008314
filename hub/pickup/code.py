"""Makes and reads the pickup code: a signed statement of an order that needs no network.

It must never trust a payload whose signature it hasn't checked.

    SH1:O: + base64url( JSON [1, key id, store, order id, [[line id, SKU, qty], …]] + signature )

The signature is Ed25519 over the JSON bytes, 64 bytes long. Central signs, every hub of the
retailer verifies with the public keys that central replicates.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.errors import Refusal

PREFIX: Final = "SH1:O:"
MAX_TEXT: Final = 4096
_SIGNATURE: Final = 64


class CodeLine(NamedTuple):
    line_id: str
    sku: str
    qty: int


class PickupCode(NamedTuple):
    """What a code says, its signature checked."""

    store: str
    order_id: str
    lines: tuple[CodeLine, ...]


_Payload = tuple[int, str, str, str, list[tuple[str, str, int]]]


def make(
    order_id: str,
    store: str,
    lines: Iterable[tuple[str, str, int]],
    key: Ed25519PrivateKey,
    key_id: str,
) -> str:
    """Return the text inside the customer's QR. `lines`: (line id, SKU, units)."""
    content = msgspec.json.encode([1, key_id, store, order_id, [list(line) for line in lines]])
    return PREFIX + urlsafe_b64encode(content + key.sign(content)).decode().rstrip("=")


def is_signed(text: str) -> bool:
    """Tell a signed code from the plain order number on the store's own pick list."""
    return text.startswith(PREFIX) and len(text) > len(PREFIX) + _SIGNATURE * 4 // 3


def read(text: str, keys: Mapping[str, Ed25519PublicKey], store: str | None) -> PickupCode:
    """Check the code and return what it says. Raises Refusal with a sentence for the counter.

    `store`: who reads it; None where the order is known to be this store's already.
    """
    payload, content, signature = _parse(text)
    version, key_id, code_store, order_id, lines = payload
    if version != 1 or key_id not in keys:
        raise Refusal("This store doesn't know who signed this pickup code.", slug="code-unknown")
    try:
        keys[key_id].verify(signature, content)
    except InvalidSignature:
        raise Refusal("This pickup code is not genuine.", slug="code-forged") from None
    if store is not None and code_store != store:
        raise Refusal(f"This order is collected at store {code_store}.", slug="other-store")
    return PickupCode(code_store, order_id, tuple(CodeLine(*line) for line in lines))


def _parse(text: str) -> tuple[_Payload, bytes, bytes]:
    body = text.strip().removeprefix(PREFIX)
    try:
        raw = urlsafe_b64decode(body + "=" * (-len(body) % 4)) if len(body) <= MAX_TEXT else b""
        content, signature = raw[:-_SIGNATURE], raw[-_SIGNATURE:]
        return msgspec.json.decode(content, type=_Payload), content, signature
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise Refusal("This is not a pickup code.", slug="code-unreadable") from None
