"""Lets a person choose the screens' language, which a cookie of this browser keeps.

It must never take the choice from a program: a bearer token is answered in English.
"""

from datetime import timedelta
from typing import Any, Final

from babel import Locale
from flask import Blueprint, Flask, redirect, render_template, request
from flask_babel import Babel, get_locale
from werkzeug.wrappers import Response

from kiosk_ui import session
from kiosk_ui.languages.catalogues import SOURCE, Catalogues, languages
from kiosk_ui.languages.sentences import told

COOKIE: Final = "storehub_language"
KEPT: Final = timedelta(days=365)

tongues = Blueprint("tongues", __name__)


def language() -> str:
    """Return the language of this request: chosen, else the browser's own, else English."""
    if session.bearer() is not None:
        return SOURCE
    chosen = request.cookies.get(COOKIE)
    if chosen in languages():
        return str(chosen)
    # “ar-EG, en;q=0.5” means Arabic, though only “en” is ours to the letter.
    wanted = (tag.partition("-")[0] for tag in request.accept_languages.values())
    return next((tag for tag in wanted if tag in languages()), SOURCE)


def install(app: Flask, timezone: str) -> None:
    """Let every template speak the language of its request."""
    babel = Babel(app, locale_selector=language, default_timezone=timezone)
    babel.domain_instance = Catalogues()
    app.jinja_env.filters["told"] = told
    app.register_blueprint(tongues)

    @app.context_processor
    def _page() -> dict[str, Any]:
        locale = get_locale() or Locale(SOURCE)
        return {
            "lang": str(locale),
            "direction": locale.text_direction,
            "languages": languages(),
            "this_page": request.full_path.rstrip("?") if request.method == "GET" else "/",
        }


@tongues.get("/language")
def page() -> str:
    return render_template("language.html", here="language", next=_back())


@tongues.post("/language")
def choose() -> Response:
    """Keep the choice and go back to where the person was."""
    answer = redirect(_back(), 303)
    wanted = request.form.get("language", "")
    if wanted in languages():
        secure = session.hub().options.secure_cookies
        answer.set_cookie(COOKIE, wanted, KEPT, httponly=True, samesite="Lax", secure=secure)
    return answer


def _back() -> str:
    wanted = request.values.get("next", "/")
    return wanted if session.of_this_site(wanted) else "/"
