"""Makes and reads the pickup code: a signed statement of an order that needs no network.

It must never trust a payload whose signature it hasn't checked.

    SH1:O: + base64url( JSON [1, key id, store, order id, [[line id, SKU, qty], …]] + signature )

Version 2 adds [[SKU, returned, spent], …]: central's side of the rights that it spent on this order
(hub.stock.rights), so that a store that never heard of the order finds the units kept for it.
Version 3 adds the short code that the customer was told, so that such a store calls it the same.
Version 4 adds how it is supplied, where the goods come from elsewhere: none are taken from here.
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


class CodeRights(NamedTuple):
    """Rights to `sku` that central had `returned` and `spent`, in all, when it made the code."""

    sku: str
    returned: int
    spent: int


class PickupCode(NamedTuple):
    """What a code says, its signature checked."""

    store: str
    order_id: str
    lines: tuple[CodeLine, ...]
    rights: tuple[CodeRights, ...] = ()
    short_code: str | None = None
    supply: str = "store"


class _Payload(msgspec.Struct, array_like=True):
    version: int
    key_id: str
    store: str
    order_id: str
    lines: list[CodeLine]
    rights: list[CodeRights] = []
    short_code: str | None = None
    supply: str = "store"


def make(
    order_id: str,
    store: str,
    lines: Iterable[tuple[str, str, int]],
    key: Ed25519PrivateKey,
    key_id: str,
    rights: Iterable[tuple[str, int, int]] = (),
    short_code: str | None = None,
    supply: str = "store",
) -> str:
    """Return the text inside the customer's QR. `lines`: (line id, SKU, units)."""
    stated = [list(side) for side in rights]
    more: list[object] = [stated, short_code] if short_code else [stated] if stated else []
    if supply != "store":
        more = [stated, short_code, supply]
    said = [1 + len(more), key_id, store, order_id, [list(line) for line in lines], *more]
    content = msgspec.json.encode(said)
    return PREFIX + urlsafe_b64encode(content + key.sign(content)).decode().rstrip("=")


def is_signed(text: str) -> bool:
    """Tell a signed code from the plain order number on the store's own pick list."""
    return text.startswith(PREFIX) and len(text) > len(PREFIX) + _SIGNATURE * 4 // 3


def key_id_of(text: str) -> str:
    """Return the name of the key that a code says it was signed with; nothing is checked."""
    return _parse(text)[0].key_id


def read(text: str, keys: Mapping[str, Ed25519PublicKey], store: str | None) -> PickupCode:
    """Check the code and return what it says. Raises Refusal with a sentence for the counter.

    `store`: who reads it; None where the order is known to be this store's already.
    """
    payload, content, signature = _parse(text)
    if payload.version not in (1, 2, 3, 4) or payload.key_id not in keys:
        raise Refusal("This store doesn't know who signed this pickup code.", slug="code-unknown")
    try:
        keys[payload.key_id].verify(signature, content)
    except InvalidSignature:
        raise Refusal("This pickup code is not genuine.", slug="code-forged") from None
    if store is not None and payload.store != store:
        raise Refusal(f"This order is collected at store {payload.store}.", slug="other-store")
    return PickupCode(
        payload.store,
        payload.order_id,
        tuple(payload.lines),
        tuple(payload.rights),
        payload.short_code,
        payload.supply,
    )


def _parse(text: str) -> tuple[_Payload, bytes, bytes]:
    body = text.strip().removeprefix(PREFIX)
    try:
        raw = urlsafe_b64decode(body + "=" * (-len(body) % 4)) if len(body) <= MAX_TEXT else b""
        content, signature = raw[:-_SIGNATURE], raw[-_SIGNATURE:]
        return msgspec.json.decode(content, type=_Payload), content, signature
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise Refusal("This is not a pickup code.", slug="code-unreadable") from None
