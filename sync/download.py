"""A snapshot on its way: a file beside replica.db that grows part by part, checked when whole.

It must never be taken for a database before its digest was compared, nor fill the disk unbounded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final

import zstandard

from hub.errors import Unavailable

MOST_BYTES: Final = 4 << 30
_CHUNK: Final = 1 << 20


class Download:
    """`replica.db.part` while it comes, `replica.db.new` while it is unpacked."""

    def __init__(self, replica: Path) -> None:
        self._part = replica.with_name(f"{replica.name}.part")
        self._new = replica.with_name(f"{replica.name}.new")

    def keep(self, digest: str, offset: int, data: bytes) -> None:
        """Write a part at its place; offset 0 begins anew. Raises Unavailable on a full disk."""
        with _room(), self._part.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.truncate()
            file.write(data)

    @contextmanager
    def unpacked(self, digest: str) -> Iterator[Path | None]:
        """Yield the database inside; None where the bytes are not those of `digest`.

        Raises Unavailable on a full disk.
        """
        try:
            with _room():
                good = self._digest() == digest and self._unpack()
            yield self._new if good else None
        finally:
            for name in (self._new, *self._new.parent.glob(f"{self._new.name}-*")):
                name.unlink(missing_ok=True)

    def forget(self) -> None:
        self._part.unlink(missing_ok=True)

    def _digest(self) -> str:
        digest = blake2b(digest_size=16)
        if not self._part.exists():
            return ""
        with self._part.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def _unpack(self) -> bool:
        size = 0
        with (
            self._part.open("rb") as packed,
            self._new.open("wb") as plain,
            zstandard.ZstdDecompressor().stream_reader(packed) as reader,
        ):
            while chunk := reader.read(_CHUNK):
                size += len(chunk)
                if size > MOST_BYTES:
                    return False
                plain.write(chunk)
        return True


@contextmanager
def _room() -> Iterator[None]:
    """A disk that takes nothing now may do so later: that is no reason to end the hub."""
    try:
        yield
    except OSError as error:
        sentence = f"The catalogue cannot be written ({error.strerror})."
        raise Unavailable(sentence, retry_after_s=5) from error
