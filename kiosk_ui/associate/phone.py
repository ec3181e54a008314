"""What makes the associate's pages an app on the phone: manifest, service worker, offline page.

The worker must never answer a command, and never keep a page of somebody who has signed out.
"""

from hashlib import blake2b
from typing import Final

from flask import Response, jsonify, render_template, url_for
from flask_babel import get_locale

from kiosk_ui import branding, sight
from kiosk_ui.assets import asset, load
from kiosk_ui.associate.views import associate
from kiosk_ui.session import hub
from kiosk_ui.words import _

__all__ = ["associate"]
# What the pages need to open without the hub.
KEPT: Final = (
    "vendor/pico-2.1.1.min.css",
    "vendor/htmx-2.0.11.min.js",
    "vendor/htmx-ext-sse-2.2.4.min.js",
    "vendor/barcode-detector-3.2.2.min.js",
    "vendor/zxing-reader-3.1.3.wasm",
    "vendor/inter-latin-5.3.0.woff2",
    "app.css",
    "contrast.css",
    "forced.css",
    "app.js",
    "acceptance.js",
    "scan.js",
    "queue.js",
    "associate.css",
    "associate.js",
    "associate-pick.js",
    "icons.svg",
    "mark.svg",
    "category/other.svg",
)


@associate.get("/manifest.webmanifest")
def manifest() -> Response:
    """The app's name, icons and start page, for “add to the home screen”."""
    shown = hub().options.brand
    icons = [
        {"src": asset(f"associate-{px}.png"), "sizes": f"{px}x{px}", "type": "image/png"}
        for px in (192, 512)
    ]
    icons.append({**icons[-1], "src": asset("associate-maskable.png"), "purpose": "maskable"})
    said = jsonify(
        {
            "id": "/associate",
            "name": _("%(brand)s: picking", brand=branding.name()),
            "short_name": _("Picking"),
            "start_url": url_for("associate.page"),
            "scope": "/",
            "display": "standalone",
            "orientation": "portrait",
            "background_color": shown.ground or "#f3f1ec",
            "theme_color": shown.accent or "#0b6b57",
            "icons": icons,
        }
    )
    said.headers["Content-Type"] = "application/manifest+json"
    return said


@associate.get("/sw.js")
def worker() -> Response:
    """The service worker; it is another one whenever a file that it keeps is another one."""
    found = [load(name) for name in KEPT]
    versions = [*(one.version for one in found if one), hub().options.brand.version, sight.chosen()]
    versions.append(str(get_locale()))
    version = blake2b("".join(versions).encode(), digest_size=6)
    script = render_template(
        "associate/sw.js",
        version=version.hexdigest(),
        kept=[*(asset(name) for name in KEPT), *filter(None, (branding.sheet(), branding.logo()))],
        offline=url_for("associate.offline"),
        pages=[url_for(f"associate.{name}") for name in ("page", "picking", "find")],
    )
    headers = {"Service-Worker-Allowed": url_for("associate.page")}
    return Response(script, headers=headers, content_type="text/javascript; charset=utf-8")


@associate.get("/offline")
def offline() -> str:
    """What the phone shows where it has neither the hub nor a page that it kept.

    The phone keeps it for whoever comes: it knows nobody, and no form's token.
    """
    return render_template("associate/offline.html", here="", person=None)
