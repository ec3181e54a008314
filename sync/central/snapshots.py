"""The catalogue as one compressed SQLite file, for hubs that cannot go on by the feed.

It must never change under a hub that fetches it: a snapshot is named by its digest, and the one
before stays until the next is made.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

import zstandard

from hub.database import copy
from sync import frames

FRESH_S: Final = 300.0
PART_BYTES: Final = frames.PART_BYTES
_LEVEL: Final = 3


class Part(NamedTuple):
    """Bytes of a snapshot from `start` on; `total` is its whole length."""

    digest: str
    start: int
    total: int
    content: bytes


@dataclass(frozen=True)
class Snapshot:
    """A file of `total` bytes; its name in the folder is its digest."""

    path: Path
    digest: str
    total: int

    def part(self, wanted: str, offset: int) -> Part:
        """Return what lies from `offset` on, from the beginning when another one was `wanted`."""
        start = offset if wanted == self.digest else 0
        with self.path.open("rb") as file:
            file.seek(start)
            return Part(self.digest, start, self.total, file.read(PART_BYTES))


class Snapshots:
    """Makes a snapshot when the last one is old; keeps two."""

    def __init__(self, source: Path, folder: Path, clock: Callable[[], float] = time.monotonic):
        self._source = source
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: list[tuple[float, str, Snapshot]] = []

    def get(self, digest: str, life: str) -> Snapshot:
        """Return the snapshot `digest` while it is kept, else the current one of this `life`."""
        with self._lock:
            for _, made_in, kept in self._kept:
                if kept.digest == digest and made_in == life:
                    return kept
            if self._kept:
                made_at, made_in, newest = self._kept[-1]
                if made_in == life and self._clock() - made_at < FRESH_S:
                    return newest
            made = make(self._source, self._folder)
            self._kept = [*self._kept[-1:], (self._clock(), life, made)]
            named = {kept.path for _, _, kept in self._kept}
            for old in set(self._folder.glob("*.zst")) - named:
                old.unlink()
            return made


def make(catalog: Path, folder: Path) -> Snapshot:
    """Copy the catalogue as of one commit and compress it to a file in `folder`."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        plain, packed = Path(scratch) / "plain.db", Path(scratch) / "packed"
        copy(catalog, plain)
        packer = zstandard.ZstdCompressor(level=_LEVEL, threads=0)
        with plain.open("rb") as source, packed.open("wb") as target:
            packer.copy_stream(source, target, size=plain.stat().st_size)
            target.flush()
            os.fsync(target.fileno())
        digest = blake2b(digest_size=16)
        with packed.open("rb") as source:
            while chunk := source.read(1 << 20):
                digest.update(chunk)
        name = digest.hexdigest()
        path = folder / f"{name}.zst"
        packed.replace(path)
    return Snapshot(path, name, path.stat().st_size)
