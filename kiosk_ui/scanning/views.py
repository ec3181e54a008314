"""The camera as a scanner; pairing a scanner with this screen, and what its scanners read since.

It must never act by itself: the page does with a scan what it does with typed text.
"""

import segno
from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from hub.errors import Forbidden
from kiosk_ui.api.devices import bare
from kiosk_ui.scanning import photo, reader, screens
from kiosk_ui.security import POLICY
from kiosk_ui.session import Person, hub, need
from kiosk_ui.words import _

scanning = Blueprint("scanning", __name__, url_prefix="/scan")


# The reader is compiled: this page alone may run WebAssembly, and none may evaluate text.
WITH_WASM = POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")


@scanning.get("")
def page() -> Response:
    """Show the camera as a scanner. `?reader=zxing` leaves the browser's own reader aside."""
    need("orders")
    asked = request.args.get("reader")
    shown = render_template(
        "scanning/reader.html",
        here="scan",
        reader="zxing" if asked == "zxing" else None,
        secure=secure_address(),
    )
    return Response(shown, headers={"Content-Security-Policy": WITH_WASM})


@scanning.post("")
def read() -> Response:
    """Take what the camera read, or somebody typed, as the person who is signed in."""
    return reader.answer(need("orders"))


@scanning.post("/photo")
def many() -> Response:
    """Look up every code that the page found in a photo."""
    need("orders")
    return photo.answer()


@scanning.get("/pair")
def pair() -> str:
    """Show the code that pairs a scanner with this screen, big enough to read from a distance."""
    code = screens.show_code(hub(), _staff_id(need("orders")))
    drawn = segno.make(code, error="m", micro=False).svg_data_uri(
        border=2, dark="#000", light="#fff"
    )
    return render_template(
        "scanning/pair.html", here="counter", code=code, drawn=drawn, **_paired()
    )


@scanning.get("/paired")
def paired() -> str:
    need("orders")
    return render_template("scanning/paired.html", **_paired())


@scanning.post("/unpair/<device>")
def unpair(device: str) -> BaseResponse:
    need("orders")
    screens.unpair(hub(), device)
    return redirect(url_for("scanning.pair"), 303)


@scanning.post("/next")
def following() -> BaseResponse:
    """Hand the next scan of this screen's scanners to the page, once; 204 when there is none."""
    need("orders")
    scan = screens.take(hub())
    if scan is None:
        return Response(status=204)
    return jsonify({"text": scan.text, "key": f"scan-{scan.n}", "device": scan.device})


def secure_address() -> str | None:
    """Return this page's address where browsers give the camera, when it is another one."""
    trust = hub().trust
    port = trust.https_port() if trust is not None else 0
    if request.is_secure or not port:
        return None
    return f"https://{bare(request.host)}:{port}{request.path}"


def _paired() -> dict[str, object]:
    return {"screen": screens.name(), "scanners": screens.paired(hub())}


def _staff_id(person: Person) -> str:
    kind, _colon, name = person.actor.partition(":")
    if kind != "staff":
        raise Forbidden(_("A program has no screen to pair a scanner with."))
    return name
