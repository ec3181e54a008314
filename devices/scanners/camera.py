"""A camera as a scanner: newest frame, read, accept, publish `obs/scan`.

It must never decide what a scan does, and never publish what the acceptance rules did not pass.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from devices.scanners.acceptance import Settings
from devices.scanners.decode import Code
from devices.scanners.frames import Latest
from devices.scanners.known import Catalogue
from devices.scanners.live import Area, LiveReader, Look
from devices.scanners.preview import Preview

log = logging.getLogger(__name__)

WAIT_S: Final = 0.5
Known = Callable[[str], bool | None]


class Publisher(Protocol):
    """What a camera needs of `devices.client.DeviceClient`."""

    def observe(self, kind: str, data: Mapping[str, Any]) -> str:
        """Keep an observation until the hub has it; return its id."""


class CameraSettings(msgspec.Struct, frozen=True):
    """`source`: `/dev/video0`, a number, a video file or a folder of pictures. `again` opens a
    source that ended once more; off for files that are played once. `hub`: the hub's address
    (`https://hub.local:8443`); with it the camera knows what the store sells, and looks twice at
    what it does not."""

    source: str
    reading: Settings = Settings()
    area: Area = Area()
    context: str | None = None
    again: bool = True
    hub: str | None = None


def scan_of(code: Code, context: str | None = None, *, known: bool | None = None) -> dict[str, Any]:
    """Return the `scan` observation of a code, as a scanner with AIM prefixes would send it.

    What the store does not sell is published too, and says so: `{"known": false}`.
    """
    data: dict[str, Any] = {"code": code.scan, "symbology": code.symbology}
    if context is not None:
        data["context"] = context
    elif known is False:
        data["context"] = {"known": False}
    return data


def run(
    settings: CameraSettings,
    client: Publisher,
    stop: threading.Event,
    *,
    preview: Preview | None = None,
    known: Known | None = None,
) -> None:
    """Read a camera until `stop` is set, or a source that is not opened again has ended.

    `known(gtin)` answers from the catalogue (None: nobody can say); an item that is not in it
    needs one read more.
    """
    if known is None and settings.hub is not None:
        known = _asked(settings.hub, client, stop)
    reader = LiveReader(settings.reading, settings.area, known)
    latest = Latest(settings.source, again=settings.again)
    trouble: str | None = None
    try:
        while not stop.is_set():
            frame = latest.wait(WAIT_S)
            trouble = _told(settings.source, trouble, latest.trouble)
            if frame is None:
                if latest.ended:
                    return
                continue
            look = reader.look(frame, time.monotonic())
            _publish(client, look, settings.context, known)
            if preview is not None:
                preview.show(frame, look, trouble, known)
    finally:
        latest.stop()


def _asked(url: str, client: Publisher, stop: threading.Event) -> Known | None:
    """Keep asking the hub what is sold, beside the reading."""
    account = getattr(client, "account", None)
    if account is None:
        return None
    catalogue = Catalogue(url, account)
    threading.Thread(target=catalogue.keep, args=(stop,), name="catalogue", daemon=True).start()
    return catalogue


def _publish(client: Publisher, look: Look, context: str | None, known: Known | None) -> None:
    for code in look.accepted:
        sold = known(code.gtin) if known is not None and code.gtin else None
        client.observe("scan", scan_of(code, context, known=sold))


def _told(source: str, before: str | None, now: str | None) -> str | None:
    """Log once when a camera goes and once when it is back."""
    if now and not before:
        log.warning("Camera %s: %s", source, now)
    elif before and not now:
        log.info("Camera %s is back.", source)
    return now
