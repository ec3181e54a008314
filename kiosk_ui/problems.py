"""Turns every error into one shape: problem details for programs, a calm page for people.

It must never show a traceback, a file name or the text of a bug to whoever asked.
"""

import logging
import math
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from flask import Flask, Response, current_app, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from hub.commands import problem, problem_of
from hub.errors import HubError, Unavailable
from kiosk_ui.languages.sentences import told
from kiosk_ui.words import _

TYPE: Final = "application/problem+json"
SLUGS: Final = {
    400: "bad-request",
    401: "sign-in-required",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
    429: "too-many-requests",
    500: "internal-error",
}
# Of a page's address: the path and the query.
PAGE: Final = re.compile(r"https?://[^/?#]*([^#]*)")
log = logging.getLogger(__name__)


class SignInRequired(HubError):
    """Nobody is signed in, and the token (if any) is unknown."""

    slug = "sign-in-required"


class Malformed(HubError):
    """What was sent is not JSON at all."""

    slug = "bad-request"


def details(
    status: int, slug: str, detail: str, errors: Sequence[dict[str, str]] = ()
) -> dict[str, Any]:
    """Return the body of RFC 9457."""
    return problem(status, slug, HTTPStatus(status).phrase, detail, list(errors))


def answer(status: int, slug: str, detail: str, errors: Sequence[dict[str, str]] = ()) -> Response:
    body = msgspec.json.encode(details(status, slug, told(detail), errors))
    return Response(body, status, content_type=TYPE)


def wants_page() -> bool:
    """A person's browser asks for a page; anything under /api, /metrics or /healthz does not."""
    return not request.path.startswith(("/api/", "/healthz", "/readyz", "/metrics"))


def install(app: Flask) -> None:
    """Register the handlers for expected errors, HTTP errors and bugs."""
    app.register_error_handler(HubError, _expected)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)


def _expected(error: HubError) -> BaseResponse:
    if isinstance(error, SignInRequired):
        return _sign_in(error)
    if isinstance(error, Malformed):
        return _shape(400, error.slug, error.sentence)
    status, shown = problem_of(error)
    response = _shape(status, error.slug, error.sentence, shown.get("errors", ()))
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    return response


def _sign_in(error: SignInRequired) -> BaseResponse:
    if wants_page():
        return to_sign_in()
    response = _shape(401, error.slug, error.sentence)
    response.headers["WWW-Authenticate"] = 'Bearer realm="storehub"'
    return response


def to_sign_in() -> BaseResponse:
    """Send a browser to the sign-in page, and back afterwards (session.safe_next)."""
    if request.headers.get("HX-Request"):
        # What asks is a part of a page: the person goes back to the page.
        page = PAGE.match(request.headers.get("HX-Current-URL", ""))
        target = url_for("signin.page", next=(page and page[1]) or None)
        return Response(status=401, headers={"HX-Redirect": target})
    wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect(url_for("signin.page", next=wanted or None))


def _csrf(error: CSRFError) -> Response:
    sentence = _("This form is too old or from another page. Load the page again.")
    return _shape(403, "csrf", sentence)


def _http(error: HTTPException) -> BaseResponse:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error.get_response()
    response = _shape(status, SLUGS.get(status, "http-error"), sentence_for(status, error))
    for name, value in error.get_headers():
        if name.lower() in {"allow", "retry-after"}:
            response.headers[name] = value
    if status == 429:
        response.headers.setdefault("Retry-After", "1")
    return response


def _bug(error: Exception) -> Response:
    if current_app.config["PROPAGATE_EXCEPTIONS"]:
        raise error
    log.exception("A request failed: %s %s", request.method, request.path)
    return _shape(500, "internal-error", sentence_for(500))


def sentence_for(status: int, error: HTTPException | None = None) -> str:
    """Return what a person can do about an HTTP error."""
    sentences = {
        400: _("The request could not be read."),
        404: _("There is nothing at this address."),
        405: _("This address does not take that method."),
        413: _("The body is too large."),
        415: _("Send JSON with Content-Type application/json."),
        429: _("Too many requests. Wait a moment and try again."),
        500: _("Something went wrong inside the hub. Nothing was lost; it has been written down."),
    }
    return sentences.get(status) or (error.description if error else None) or str(status)


def _shape(status: int, slug: str, detail: str, errors: Sequence[dict[str, str]] = ()) -> Response:
    if not wants_page():
        return answer(status, slug, detail, errors)
    if request.headers.get("HX-Request"):
        page = render_template("parts/refused.html", sentence=detail, status=status)
    else:
        page = render_template("problem.html", sentence=detail, status=status)
    return Response(page, status)
