"""Signs the heads of a store's journal (Ed25519), so that a credential alone continues no history.

It must never leave its directory: whoever has the key is this hub.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.chain import Pair

FILE: Final = "head.key"
# What central found of a head: signed as it should be; unsigned by a hub that never signed one;
# unsigned or signed with another key although one is known; or the signature is of something else.
Word = Literal["good", "none", "missing", "another", "wrong"]


class Seal:
    """A hub's key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = urlsafe_b64encode(key.public_key().public_bytes_raw()).decode()

    def sign(self, store: str, head: Pair) -> str:
        """Return the signature of a head, base64url."""
        return urlsafe_b64encode(self._key.sign(_words(store, head))).decode()


def opened(directory: Path) -> Seal:
    """Return the key of a hub's directory, which is made the first time."""
    file = directory / FILE
    if not file.exists():
        draft = directory / f"{FILE}.new"
        raw = Ed25519PrivateKey.generate().private_bytes_raw()
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as new:
            new.write(raw)
            new.flush()
            os.fsync(new.fileno())
        draft.replace(file)
    return Seal(Ed25519PrivateKey.from_private_bytes(file.read_bytes()))


def judge(known: str | None, public: str, signature: str, store: str, head: Pair) -> Word:
    """Say what a signature of `head` is worth, `known` being the key that is this store's."""
    if not public:
        return "none" if known is None else "missing"
    if known not in (None, public):
        return "another"
    try:
        key = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(public))
        key.verify(urlsafe_b64decode(signature), _words(store, head))
    except (InvalidSignature, ValueError):
        return "wrong"
    return "good"


def _words(store: str, head: Pair) -> bytes:
    return f"storehub head\n{store}\n{head.seq}\n{head.hash}".encode()
