"""Serves the retailer's brand to every screen: its stylesheet and its logo.

It must never write a style into a page: the policy allows none there, and one address serves all.
"""

import gzip
from typing import Any, Final

from flask import Blueprint, Flask, abort
from werkzeug.wrappers import Response

from hub.brand import Brand
from kiosk_ui.assets import Asset, answer
from kiosk_ui.session import hub

PRODUCT: Final = "Store Hub"

branding = Blueprint("branding", __name__, url_prefix="/static/brand")


def name() -> str:
    """Return what the screens call themselves."""
    return hub().options.brand.name or PRODUCT


def sheet() -> str:
    """Return the address of the brand's stylesheet, empty without a brand."""
    brand = hub().options.brand
    return f"{branding.url_prefix}/brand.css?v={brand.version}" if brand.css else ""


def logo() -> str:
    """Return the address of the brand's logo, empty without one."""
    brand = hub().options.brand
    return f"{branding.url_prefix}/logo?v={brand.version}" if brand.logo else ""


@branding.get("/brand.css")
def _sheet() -> Response:
    return _served(hub().options.brand.css, "text/css")


@branding.get("/logo")
def _logo() -> Response:
    brand: Brand = hub().options.brand
    return _served(brand.logo, brand.logo_kind)


def _served(raw: bytes, kind: str) -> Response:
    if not raw:
        abort(404)
    packed = None if kind == "image/png" else gzip.compress(raw, 9, mtime=0)
    return answer(Asset(raw, packed, kind, hub().options.brand.version))


def install(app: Flask) -> None:
    app.register_blueprint(branding)

    @app.context_processor
    def _page() -> dict[str, Any]:
        return {"brand": name(), "brand_sheet": sheet(), "brand_logo": logo()}
