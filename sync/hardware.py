"""Names the machine and the data directory on it, so that a clone of either is told apart.

It must never be kept in the data directory: a copy would carry it along.
"""

import uuid
from hashlib import blake2b
from pathlib import Path
from typing import Final

_SERIALS: Final = (
    Path("/sys/firmware/devicetree/base/serial-number"),
    Path("/sys/class/dmi/id/product_uuid"),
    Path("/etc/machine-id"),
)


def hardware(directory: Path) -> str:
    """Return 16 hex digits that stand for this directory on this machine."""
    place = directory.stat()
    parts = [f"{uuid.getnode()} {place.st_dev} {place.st_ino}"]
    for serial in _SERIALS:
        try:
            parts.append(serial.read_text(errors="replace").strip("\0\n "))
        except OSError:
            continue
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()
