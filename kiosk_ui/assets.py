"""Serves the static files from memory, compressed once, with addresses that change with content.

It must never serve a file from outside the static folder.
"""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, abort, request, url_for
from werkzeug.security import safe_join

from kiosk_ui import sight

ROOT: Final = Path(__file__).parent / "static"
FOREVER: Final = "public, max-age=31536000, immutable"
COMPRESSIBLE: Final = (
    "text/",
    "application/json",
    "application/wasm",
    "application/manifest+json",
    "image/svg+xml",
)
WORTH_IT: Final = 1_024  # bytes
# Where a stylesheet changes its layout.
WIDTH: Final = re.compile(r"\((max|min)-width: ([\d.]+)(em|px)\)")
LARGER: Final = tuple(f"{times:g}" for times in sight.SIZES.values() if times != 1)
LONGEST: Final = 200  # characters of an address below /static/
mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("application/wasm", ".wasm")

assets = Blueprint("assets", __name__)


@dataclass(frozen=True)
class Asset:
    raw: bytes
    packed: bytes | None
    kind: str
    version: str


@lru_cache(maxsize=512)
def load(name: str) -> Asset | None:
    """Read and compress a static file; None when there is none."""
    # Longer than any name here, it could be longer than a file's name may be.
    path = safe_join(str(ROOT), name) if len(name) <= LONGEST else None
    if path is None or not Path(path).is_file():
        return None
    raw = Path(path).read_bytes()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    small = not kind.startswith(COMPRESSIBLE) or len(raw) < WORTH_IT
    packed = None if small else gzip.compress(raw, 9, mtime=0)
    return Asset(raw, packed, kind, hashlib.sha256(raw).hexdigest()[:10])


@lru_cache(maxsize=64)
def for_larger_text(name: str, times: float) -> Asset:
    """Return a stylesheet for text that is so many times as large: as on a narrower screen."""
    found = load(name)
    assert found is not None
    wider = WIDTH.sub(
        lambda at: f"({at[1]}-width: {float(at[2]) * times:g}{at[3]})", found.raw.decode()
    )
    return Asset(
        wider.encode(), gzip.compress(wider.encode(), 9, mtime=0), found.kind, found.version
    )


def asset(name: str) -> str:
    """Return the address of a static file; it changes when the file changes."""
    found = load(name)
    if found is None:
        raise FileNotFoundError(f"No static file {name}.")
    times = sight.SIZES[sight.text_size()]
    larger = f"{times:g}" if times != 1 and found.kind == "text/css" else None
    return url_for("assets.static", name=name, v=found.version, text=larger)


@assets.get("/static/<path:name>")
def static(name: str) -> Response:
    found = load(name)
    if found is None:
        abort(404)
    times = request.args.get("text", "1")
    if found.kind == "text/css" and times in LARGER:
        found = for_larger_text(name, float(times))
    return answer(found)


def answer(found: Asset) -> Response:
    """Return the file; who asks by its version may keep it for good."""
    packed = found.packed if "gzip" in request.headers.get("Accept-Encoding", "") else None
    response = Response(packed or found.raw, content_type=found.kind)
    if found.kind.startswith("text/"):
        response.headers["Content-Type"] = f"{found.kind}; charset=utf-8"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["ETag"] = f'"{found.version}"'
    fresh = request.args.get("v") == found.version
    response.headers["Cache-Control"] = FOREVER if fresh else "no-cache"
    response.make_conditional(request.environ)
    return response


def install(app: Flask) -> None:
    app.register_blueprint(assets)
    app.jinja_env.globals["asset"] = asset
