"""Renders the board once for all screens that look at it, and again when an order changed.

It must never be older than the commit that a screen was told of.
"""

import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from flask import current_app, render_template
from flask_babel import get_locale
from markupsafe import Markup

from hub.pickup import queries
from hub.pickup.lifecycle import Status
from kiosk_ui.counter import cards, hands
from kiosk_ui.session import hub

# Timers move on and names may change: no rendering is shown longer.
LONGEST_S: Final = 10.0
HELD_SHOWN: Final = 12
CARDS_KEPT: Final = 2_000


@dataclass(frozen=True)
class Rendered:
    mark: tuple[str, int, str]
    at: float
    html: str


class Board:
    """The columns as HTML, by the last commit that touched an order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rendered: dict[int, Rendered] = {}

    def shown(self) -> str:
        app, changed = id(current_app._get_current_object()), touched()  # type: ignore[attr-defined]
        mark = (hub().ring.epoch, changed, str(get_locale()))
        with self._lock:
            known = self._rendered.get(app)
            fresh = known is not None and known.mark == mark
            if known is not None and fresh and time.monotonic() - known.at < LONGEST_S:
                return known.html
            html = render()
            self._rendered[app] = Rendered(mark, time.monotonic(), html)
            return html


def touched() -> int:
    """Return the number of the last commit that touched an order or a person."""
    number: int = current_app.extensions["storehub_touched"].number
    return number


def render() -> str:
    """Render the columns as the store stands now."""
    shown, now, open_at = hub(), hub().clock.now(), hands.hands()
    with shown.reader() as connection:
        known = cards.Known(connection)
        counts = queries.counts(connection)
        limit = shown.options.column_cards
        columns = [
            cards.column(
                name,
                title,
                icon,
                queries.board(connection, states, limit, now),
                counts,
                known,
                now,
                hands=lambda order_id: open_at.others(order_id, None),
            )
            for name, title, icon, states in cards.COLUMNS
        ]
        held = queries.board(connection, (Status.ON_HOLD,), HELD_SHOWN, now)
        strip = [cards.card(order, known, now) for order in held]
        coming = [cards.arrival(order, known, now) for order in queries.coming(connection, now)]
    shown_cards = [card for column in columns for card in column.cards]
    return render_template(
        "counter/columns.html",
        columns=columns,
        held=strip,
        coming=coming,
        open=sum(column.total for column in columns),
        late=sum(card.timing == "late" for card in shown_cards),
        soon=sum(card.timing == "soon" for card in shown_cards),
        card_html=lambda card, column: Markup(  # our own template's output
            _card_html(card, column, shown.ring.epoch, str(get_locale()))
        ),
    )


@lru_cache(maxsize=CARDS_KEPT)
def _card_html(card: cards.Card, column: str, epoch: str, language: str) -> str:
    """Render a card once for as long as it reads the same."""
    return render_template(
        "counter/card.html", card=card, column=column, epoch=epoch, tap=cards.TAP.get(card.state)
    )
