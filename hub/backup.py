"""Packs one store's truth into a file and unpacks it; it must never touch a store that has facts.

A backup is a zstd-compressed tar: a manifest first, then the files that it names with digests.
"""

import io
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import IO, Final

import msgspec
import zstandard

from hub import database, journal
from hub.chain import Pair
from hub.clock import Clock, stamp
from hub.database import FORMAT, Lock, open_reader
from hub.errors import Refusal
from hub.staff import tables as staff
from hub.store import LOCK

DATABASES: Final = ("hub.db", "replica.db")
# With the store's CA its devices need not join again on another box.
PLAIN: Final = (
    "storehub.toml",
    "secrets.toml",
    "central-ca.pem",
    "tls/ca.pem",
    "tls/ca.key",
)
KNOWN: Final = frozenset((*DATABASES, *PLAIN))
MANIFEST: Final = "manifest.json"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """What a backup holds: the journal's head and a BLAKE2b digest of each file."""

    format: int
    store: str
    made_at: str
    seq: int
    hash: str
    files: dict[str, str]


def backup(directory: Path, target: Path, store: str, clock: Clock) -> Manifest:
    """Write a backup of `directory` to `target` while its hub goes on. Raises Refusal."""
    if target.exists():
        raise Refusal(f"{target} exists already; a backup never overwrites.", slug="exists")
    if not target.parent.is_dir():
        raise Refusal(f"There is no folder {target.parent}: make it first.", slug="no-folder")
    try:
        return _made(directory, target, store, clock)
    except OSError as error:  # a disk that is full, taken out, or takes nothing
        raise Refusal(f"{target.parent} could not be written to: {error}.", slug="disk") from error


def _made(directory: Path, target: Path, store: str, clock: Clock) -> Manifest:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".storehub-backup-") as scratch:
        copies = {}
        for name in DATABASES:
            copies[name] = Path(scratch) / name
            database.copy(directory / name, copies[name])
        copies |= {name: directory / name for name in PLAIN if (directory / name).exists()}
        head = _head(copies["hub.db"])
        digests = {name: _digest(path) for name, path in copies.items()}
        manifest = Manifest(FORMAT, store, stamp(clock.now()), head.seq, head.hash, digests)
        whole = Path(scratch) / "whole"
        _pack(whole, manifest, copies)
        whole.rename(target)
    return manifest


def restore(source: Path, directory: Path) -> Manifest:
    """Unpack `source` into `directory`, which must not hold a store yet. Raises Refusal.

    The hub then shows central the head that it has; what it lacks comes back from there.
    """
    with Lock(directory / LOCK):
        if (directory / "hub.db").exists():
            raise Refusal(
                f"{directory} holds a store already: move it away first, nothing is overwritten.",
                slug="exists",
            )
        with tempfile.TemporaryDirectory(dir=directory, prefix=".restore-") as scratch:
            manifest = _unpack(source, Path(scratch))
            # What another file's log held would be played into the one that comes.
            for name in DATABASES:
                for tail in ("-wal", "-shm"):
                    (directory / f"{name}{tail}").unlink(missing_ok=True)
            _doubt(Path(scratch) / "hub.db", manifest.made_at)
            # hub.db comes last: with it there is a store, and before it this can be done again.
            for name in sorted(manifest.files, key=lambda name: name == "hub.db"):
                (directory / name).parent.mkdir(mode=0o700, exist_ok=True)
                (Path(scratch) / name).replace(directory / name)
        return manifest


def _doubt(path: Path, since: str) -> None:
    """Say in the file that it is a backup: until central agrees, handovers are confirmed.

    Who was signed in when it was made is not: a session that was ended since must not live again.
    """
    connection = database.create(path, (journal.MIGRATIONS, staff.MIGRATIONS))
    try:
        journal.doubt(connection, since)
        staff.delete_sessions(connection)
        # The file is moved without its log.
        database.truncate_wal(connection)
    finally:
        connection.close()


def _pack(target: Path, manifest: Manifest, files: Mapping[str, Path]) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as raw,
        zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        content = msgspec.json.encode(manifest)
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
        for name, path in files.items():
            tar.add(path, arcname=name)
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _unpack(source: Path, target: Path) -> Manifest:
    try:
        with _opened(source) as tar:
            first = tar.next()
            content = tar.extractfile(first) if first and first.name == MANIFEST else None
            if content is None:
                raise Refusal(f"{source} is not a backup of a store.", slug="not-a-backup")
            manifest = msgspec.json.decode(content.read(), type=Manifest)
            if manifest.format > FORMAT:
                raise Refusal(f"{source} was made by a newer release.", slug="file-too-new")
            # Neither the archive nor its manifest may choose where files go.
            if "hub.db" not in manifest.files or not manifest.files.keys() <= KNOWN:
                raise Refusal(f"{source} is not a backup of a store.", slug="not-a-backup")
            for member in tar:
                data = tar.extractfile(member) if member.name in manifest.files else None
                if data is not None:
                    _write(target / member.name, data)
    except (tarfile.TarError, zstandard.ZstdError, msgspec.DecodeError, OSError) as error:
        raise Refusal(f"{source} cannot be read: {error}", slug="not-a-backup") from error
    for name, digest in manifest.files.items():
        if not (target / name).exists() or _digest(target / name) != digest:
            raise Refusal(f"{name} in {source} is damaged: take another backup.", slug="damaged")
    return manifest


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    with (
        source.open("rb") as raw,
        zstandard.ZstdDecompressor().stream_reader(raw) as packed,
        tarfile.open(fileobj=packed, mode="r|") as tar,
    ):
        yield tar


def _write(path: Path, data: IO[bytes]) -> None:
    path.parent.mkdir(exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while chunk := data.read(1 << 20):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _digest(path: Path) -> str:
    digest = blake2b(digest_size=32)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _head(path: Path) -> Pair:
    connection = open_reader(path)
    try:
        return journal.head(connection)
    finally:
        connection.close()
