"""Lets a person choose larger text and more contrast, which cookies of this browser keep.

It must never need a script, and never cost a layout: a page with larger text is laid out as a
narrower screen is (kiosk_ui.assets), so that nothing is cut off or pushed aside.
"""

from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from kiosk_ui import session
from kiosk_ui.words import _

TEXT: Final = "storehub_text"
CONTRAST: Final = "storehub_contrast"
KEPT: Final = timedelta(days=365)
# What is chosen, and how many times the text is as large. 2 is what WCAG 1.4.4 asks for.
SIZES: Final = {"normal": 1.0, "large": 1.5, "largest": 2.0}

sight = Blueprint("sight", __name__)


def text_size() -> str:
    """Return the chosen size of the text, a key of SIZES."""
    chosen = request.cookies.get(TEXT, "normal")
    return chosen if chosen in SIZES else "normal"


def more_contrast() -> bool:
    """Say whether this browser asked for more contrast than its system does."""
    return request.cookies.get(CONTRAST) == "more"


def chosen() -> str:
    """Return both choices as one word, for what is kept without the hub."""
    return f"{text_size()}-{'more' if more_contrast() else 'system'}"


@sight.post("/sight")
def choose() -> Response:
    """Keep one choice and show the page of choices again, as it looks now."""
    back = request.form.get("next", "/")
    back = back if session.of_this_site(back) else "/"
    answer = redirect(url_for("tongues.page", next=back), 303)
    secure = session.hub().options.secure_cookies
    for cookie, value, known in (
        (TEXT, request.form.get("text"), tuple(SIZES)),
        (CONTRAST, request.form.get("contrast"), ("system", "more")),
    ):
        if value in known:
            answer.set_cookie(
                cookie, str(value), KEPT, httponly=True, samesite="Lax", secure=secure
            )
    return answer


def install(app: Flask) -> None:
    app.register_blueprint(sight)

    @app.context_processor
    def _page() -> dict[str, Any]:
        return {
            "text_size": text_size(),
            "more_contrast": more_contrast(),
            "text_sizes": {
                "normal": _("Normal text"),
                "large": _("Large text"),
                "largest": _("Largest text"),
            },
            "contrasts": {"system": _("Normal contrast"), "more": _("High contrast")},
        }
