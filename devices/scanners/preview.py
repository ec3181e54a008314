"""A page that shows what a camera sees and reads, for mounting it right.

It must never listen beyond this machine without a token, never keep a picture, and never slow the
reading: a frame becomes a JPEG only when a browser asks for it.
"""

import hmac
import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import cv2

from devices.scanners.live import Look
from devices.scanners.preview_page import PAGE, SCRIPT, STYLE

_LOCAL: Final = ("127.0.0.1", "::1", "localhost")
_KEPT: Final = 12
_WIDTH: Final = 960
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Preview:
    """Serves the page until `stop`. `url` is what to open; it carries the token where one is
    needed."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._token = None if host in _LOCAL else secrets.token_urlsafe(16)
        self._lock = threading.Lock()
        self._frame: Any | None = None
        self._look: Look | None = None
        self._trouble: str | None = "No frame yet."
        self._scans: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._times: deque[float] = deque(maxlen=30)
        self._server = ThreadingHTTPServer((host, port), _handler(self))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        key = f"?key={self._token}" if self._token else ""
        self.url = f"http://{host}:{self.port}/{key}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="camera-preview")
        self._thread.start()

    def show(
        self,
        frame: Any,
        look: Look,
        trouble: str | None = None,
        known: Callable[[str], bool | None] | None = None,
    ) -> None:
        """Hand over the newest frame and what was read in it; what is not sold here is flagged."""
        with self._lock:
            self._frame, self._look, self._trouble = frame, look, trouble
            self._times.append(time.monotonic())
            for code in look.accepted:
                at = time.strftime("%H:%M:%S")
                sold = known(code.gtin) if known is not None and code.gtin else None
                self._scans.appendleft(
                    {"symbology": code.symbology, "text": code.text, "at": at, "sold": sold}
                )

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def allows(self, key: str) -> bool:
        return self._token is None or hmac.compare_digest(self._token, key)

    def page(self) -> str:
        return PAGE.replace("$KEY", f"?key={self._token}" if self._token else "")

    def picture(self) -> bytes | None:
        """Return the newest frame as a JPEG of at most 960 pixels width, or None."""
        with self._lock:
            frame = self._frame
        if frame is None:
            return None
        scale = min(1.0, _WIDTH / frame.shape[1])
        small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 75])
        return bytes(data) if done else None

    def state(self) -> dict[str, Any]:
        """Return what the page draws: codes with corners, light, sharpness, frames a second."""
        with self._lock:
            frame, look, trouble = self._frame, self._look, self._trouble
            scans, times = list(self._scans), list(self._times)
        if frame is None or look is None:
            return {"trouble": trouble, "codes": [], "scans": []}
        grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        rate = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0
        return {
            "trouble": trouble,
            "width": frame.shape[1],
            "height": frame.shape[0],
            "codes": [
                {"symbology": c.symbology, "text": c.text, "corners": [list(p) for p in c.corners]}
                for c in look.codes
            ],
            "scans": scans,
            "ms": round(look.ms, 1),
            "per_second": round(rate, 1),
            "moving": look.moving,
            "light": round(float(grey.mean())),
            "sharpness": round(float(cv2.Laplacian(grey, cv2.CV_64F).var())),
        }


def _handler(preview: Preview) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """GET only: the page, its script and style, the picture, the state."""

        timeout = 10

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            key = parse_qs(parts.query).get("key", [""])[0]
            if not preview.allows(key):
                self._answer(403, "text/plain; charset=utf-8", b"Open the page by its whole link.")
            elif parts.path == "/":
                self._answer(200, "text/html; charset=utf-8", preview.page().encode())
            elif parts.path == "/preview.js":
                self._answer(200, "text/javascript; charset=utf-8", SCRIPT.encode())
            elif parts.path == "/preview.css":
                self._answer(200, "text/css; charset=utf-8", STYLE.encode())
            elif parts.path == "/state.json":
                body = json.dumps(preview.state()).encode()
                self._answer(200, "application/json", body)
            elif parts.path == "/frame.jpg" and (picture := preview.picture()) is not None:
                self._answer(200, "image/jpeg", picture)
            else:
                self._answer(404, "text/plain; charset=utf-8", b"There is nothing here.")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in _HEADERS.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name there)
            """Say nothing: a preview asks five times a second."""

    return Handler
