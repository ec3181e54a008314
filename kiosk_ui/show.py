"""Shows values in templates: times in the store's zone, ages, money, what a state is called.

It must never reach for data; a view hands over what is shown.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask import Flask, g, request
from flask_babel import format_currency, format_decimal, get_locale
from markupsafe import Markup

from hub.clock import parse
from kiosk_ui.assets import load
from kiosk_ui.session import hub, initials, who
from kiosk_ui.words import _

SOON_MINUTES: Final = 15
FALLBACK: Final = "category/other.svg"
DIGITS: Final = {"JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3}


def at(text: str | None, form: str = "%H:%M") -> str:
    """Return a stamp in the store's zone; today's as a time, others with their day."""
    if not text:
        return "–"
    zone = _zone(hub().options.timezone)
    when = parse(text).astimezone(zone)
    today = hub().clock.now().astimezone(zone).date()
    clock = when.strftime(form)
    if when.date() == today:
        return clock
    return f"{format_skeleton('MMMd', when, locale=get_locale())} {clock}"


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def age(text: str | None) -> str:
    """Return how long ago a stamp is, in words."""
    if not text:
        return _("never")
    return span(int((hub().clock.now() - parse(text)).total_seconds()))


def age_ms(ms: int | None) -> str:
    """Return how long ago a time in ms since 1970 is, in words."""
    if not ms:
        return _("never")
    return span(int((hub().clock.now() - datetime.fromtimestamp(ms / 1000, UTC)).total_seconds()))


def span(seconds: int) -> str:
    if seconds < 5:
        return _("now")
    if seconds < 60:
        return _("%(n)s s ago", n=seconds)
    if seconds < 3600:
        return _("%(n)s min ago", n=seconds // 60)
    if seconds < 172_800:
        return _("%(n)s h ago", n=seconds // 3600)
    return _("%(n)s days ago", n=seconds // 86_400)


def timer(promise_at: str | None, now: datetime) -> tuple[str, str]:
    """Return (class, words) of a promise: on-time, soon or late; the page ticks it on."""
    if not promise_at:
        return "none", ""
    seconds = int((parse(promise_at) - now).total_seconds())
    if seconds < 0:
        return "late", _("%(span)s late", span=_minutes(max(1, -seconds // 60)))
    minutes = seconds // 60
    return ("soon" if minutes < SOON_MINUTES else "on-time"), _minutes(minutes)


def _minutes(minutes: int) -> str:
    locale = get_locale()
    return _said(minutes, locale.language if locale else "")


# A board says a hundred of them at each change.
@lru_cache(maxsize=4_096)
def _said(minutes: int, language: str) -> str:
    if minutes < 60:
        return _("%(n)s min", n=minutes)
    if minutes < 1440:
        return _("%(h)s h %(m)s min", h=minutes // 60, m=minutes % 60)
    return _("%(n)s days", n=minutes // 1440)


def money(minor: int | None, currency: str | None = None) -> str:
    """Return minor units as people write them in the reader's language: €12.99, 12,99 €."""
    if minor is None:
        return ""
    name = currency or hub().options.currency
    digits = DIGITS.get(name, 2)
    return str(format_currency(Decimal(minor).scaleb(-digits), name))


def number(value: int) -> str:
    """Return a whole number as people write it in the reader's language: 1,435, 1.435."""
    return str(format_decimal(value))


def picture(image: str | None) -> str:
    """Return a drawn picture's address: by the product's image, else the plain parcel."""
    name = image if image and load(image) is not None else FALLBACK
    found = load(name)
    return f"/static/{name}?v={found.version if found else 0}"


def stands_on(order: Mapping[str, Any]) -> str | None:
    """Return the shelves that an order stands on, as one reads them; None: none."""
    if order.get("shelves"):
        return " + ".join(one["shelf"] for one in order["shelves"])
    names = [order["shelf"], *order.get("also_on", "").split()]
    return " + ".join(names) if order["shelf"] else None


def state_name(state: str) -> str:
    """Return what staff call a state."""
    names = {
        "PROPOSED": _("Proposed"),
        "RESERVED": _("New"),
        "IN_TRANSIT": _("On its way"),
        "RECEIVED": _("Received"),
        "PICKING": _("Picking"),
        "PREPARED": _("Prepared"),
        "READY_FOR_PICKUP": _("Ready"),
        "PICKED_UP": _("Picked up"),
        "ON_HOLD": _("On hold"),
        "REJECTED": _("Rejected"),
        "EXPIRED": _("Expired"),
        "CANCELED": _("Canceled"),
    }
    return names.get(state, state)


def icon(name: str) -> Markup:
    """Return one of the drawn icons of the sprite."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        _sprite(), name
    )


def _sprite() -> str:
    found = load("icons.svg")
    return f"/static/icons.svg?v={found.version if found else 0}"


def stream_address() -> str:
    """Return where this page's events begin: what is committed while it is rendered follows."""
    return f"/api/v1/events?after={g.after}"


def install(app: Flask) -> None:
    app.jinja_env.filters.update(
        at=at,
        age=age,
        age_ms=age_ms,
        money=money,
        number=number,
        picture=picture,
        state_name=state_name,
        stands_on=stands_on,
        initials=initials,
    )
    app.jinja_env.globals.update(icon=icon)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.before_request
    def _remember_where_events_stood() -> None:
        ring = hub().ring
        g.after = f"{ring.epoch}-{ring.seq}"

    @app.context_processor
    def _page() -> dict[str, Any]:
        shown = hub()
        return {
            "person": who(),
            "store": shown.store,
            "stream_address": stream_address,
            "sync": shown.sync_state(),
            "signout_s": shown.options.signout_minutes * 60,
            "unattended": "X-Unattended" in request.headers,
            "new_key": lambda: secrets.token_hex(12),
        }
