"""Central's own secrets: the keys that sign pickup codes, and the one behind the order page.

It must never let a private key leave its file (0600); only the public half is published.
"""

import base64
import os
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


class Keyring:
    """The signing keys of a directory: `pickup.key` is the first, `pickup-ID.key` those after it.

    A rotation adds a file and takes none away: hubs that have not heard of the new key yet are
    signed for with the one that they know.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        first = directory / "pickup.key"
        self.first = _read(first) if first.exists() else _draw(first)
        self._known = {self.first.key_id: self.first}

    def get(self, key_id: str | None) -> PickupKey:
        """Return the key of this name, read when it is first asked for; else the first key."""
        if key_id is None or key_id in self._known:
            return self._known[key_id or self.first.key_id]
        path = self._directory / f"pickup-{key_id}.key"
        if not path.exists():
            return self.first
        return self._known.setdefault(key_id, _read(path))

    def add(self) -> PickupKey:
        """Draw another key. It signs nothing before somebody says so."""
        draft = self._directory / "pickup-next.key"
        made = _draw(draft)
        draft.replace(self._directory / f"pickup-{made.key_id}.key")
        return self._known.setdefault(made.key_id, made)


def files(directory: Path) -> list[Path]:
    """Return all files of signing keys, for a backup."""
    return sorted(directory.glob("pickup*.key"))


def _draw(path: Path) -> PickupKey:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    write_secret(path, pem.decode())
    return _read(path)


def _read(path: Path) -> PickupKey:
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


def write_secret(path: Path, text: str) -> None:
    """Write a file that nobody else can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
