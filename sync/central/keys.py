"""Central's own secrets: the key that signs pickup codes, and the one behind the order page.

It must never let a private key leave its file (0600); only the public half is published.
"""

import base64
import secrets
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from hub.catalog import rows

from .store_sqlite import write_secret


@dataclass(frozen=True)
class PickupKey:
    """The key that signs pickup codes, and the name that a code gives it."""

    key_id: str
    private: Ed25519PrivateKey

    def row(self) -> rows.Row:
        """The public half as hubs get it."""
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        text = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        return rows.read({"kind": "pickup_key", "key_id": self.key_id, "public_key": text})


def pickup_key(path: Path) -> PickupKey:
    """Read the signing key, or make it at central's first start."""
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        write_secret(path, pem.decode())
    private = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise TypeError(f"{path.name} holds no Ed25519 key")
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return PickupKey(blake2b(raw, digest_size=4).hexdigest(), private)


def page_secret(path: Path) -> str:
    """Read the secret that signs forms and links of the order page, or make it."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(32))
    return path.read_text()
