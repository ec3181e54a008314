"""Shows short codes on the wall: being prepared, and ready at which shelf.

It must never show or send anything else of an order: strangers read it, and may read its source.
"""

import ipaddress
import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from babel import Locale
from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import force_locale

from hub.clock import stamp
from hub.errors import Forbidden
from hub.pickup.lobby import queries
from kiosk_ui.languages.catalogues import languages
from kiosk_ui.session import hub, who
from kiosk_ui.words import _

lobby = Blueprint("lobby", __name__)
# Ten codes a side are read from six metres on a 55-inch screen; more take turns.
A_PAGE: Final = 10
PAGES_MOST: Final = 6
# An order that nobody picks yet is shown when its customer may be on the way.
SOON: Final = timedelta(minutes=60)


@lobby.before_request
def _nearby_only() -> None:
    # Whoever signs in may look from anywhere; a stranger only from the store's own network.
    if not _is_nearby(request.remote_addr or "") and who() is None:
        raise Forbidden("This screen is shown in the store's own network only.")


@lobby.get("/lobby")
def page() -> str:
    first, second = _tongues()
    with force_locale(first):
        return render_template(
            "lobby/page.html",
            lang=first,
            direction=Locale.parse(first).text_direction,
            titles=_titles(first),
            also=_titles(second) if second else {},
            also_lang=second,
            **_shown(),
        )


@lobby.get("/lobby/codes")
def codes() -> Response:
    """Return both lists as HTML, as they stand."""
    with force_locale(_tongues()[0]):
        return make_response(render_template("lobby/codes.html", **_shown()))


def _shown() -> dict[str, Any]:
    now = hub().clock.now()
    with hub().reader() as connection:
        found = queries.waiting(connection, stamp(now + SOON), A_PAGE * PAGES_MOST)
    return {"preparing": pages(found.preparing), "ready": pages(found.ready)}


def pages(codes: Sequence[Any]) -> list[Sequence[Any]]:
    count = math.ceil(len(codes) / A_PAGE)
    return [codes[n * A_PAGE : (n + 1) * A_PAGE] for n in range(count)]


def _tongues() -> tuple[str, str]:
    """Return the languages of the titles: `?lang=de,ar`, else the store's, else English alone."""
    wanted = (request.args.get("lang") or hub().options.lobby_languages).split(",")
    known = [tag.strip() for tag in wanted if tag.strip() in languages()]
    first = known[0] if known else "en"
    return first, next((tag for tag in known if tag != first), "")


def _titles(tag: str) -> dict[str, str]:
    with force_locale(tag):
        return {"preparing": _("Being prepared"), "ready": _("Ready for you")}


def _is_nearby(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or found
    return bool(mapped.is_private or mapped.is_loopback or mapped.is_link_local)
