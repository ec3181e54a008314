"""Central's own secrets: the keys that sign pickup codes, and the one behind the order page.

It must never let a private key leave its file (0600) and central's database; only the public half
is published.
"""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from hub.catalog import rows

FIRST: Final = "pickup.key"
PAGE: Final = "page.key"


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

    The database has them all (`store_secrets`); the files are this machine's copy, by which the
    release before this one signs. A rotation adds a file and takes none away: hubs that have not
    heard of the new key yet are signed for with the one that they know.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.first = _read((directory / FIRST).read_text())
        self._known = {self.first.key_id: self.first}

    def get(self, key_id: str | None) -> PickupKey | None:
        """Return the key of this name, the first one for None; None when it is not here yet."""
        if key_id is None or key_id in self._known:
            return self._known[key_id or self.first.key_id]
        path = self._directory / name_of_id(key_id)
        if not path.exists():
            return None
        return self._known.setdefault(key_id, _read(path.read_text()))

    def add(self, text: str) -> PickupKey:
        """Take in another key, drawn here or at another machine."""
        made = _read(text)
        write_secret(self._directory / name_of_id(made.key_id), text)
        return self._known.setdefault(made.key_id, made)


def files(directory: Path) -> list[Path]:
    """Return all files of signing keys, for a backup."""
    return sorted(directory.glob("pickup*.key"))


def own(directory: Path) -> dict[str, str]:
    """Return this machine's secrets by the names of their files."""
    paths = [*files(directory), *directory.glob(PAGE)]
    return {path.name: path.read_text() for path in paths}


def drawn() -> dict[str, str]:
    """Draw the secrets that a new central begins with."""
    return {FIRST: draw(), PAGE: secrets.token_urlsafe(32)}


def save(directory: Path, shared: Mapping[str, str]) -> None:
    """Make this machine's files those that the database has."""
    have = own(directory)
    for name, text in shared.items():
        if have.get(name) != text:
            write_secret(directory / name, text)


def name_of_id(key_id: str) -> str:
    """Name the file of a key that is not the first."""
    return f"pickup-{key_id}.key"


def name_of(text: str) -> str:
    """Name the file of this key, where it is not the first."""
    return name_of_id(_read(text).key_id)


def draw() -> str:
    """Draw a signing key; returns its PEM."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return pem.decode()


def _read(text: str) -> PickupKey:
    private = load_pem_private_key(text.encode(), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise TypeError("a signing key of central's is no Ed25519 key")
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return PickupKey(blake2b(raw, digest_size=4).hexdigest(), private)


def write_secret(path: Path, text: str) -> None:
    """Write a file that nobody else can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
