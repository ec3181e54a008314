"""Renders the board once for all screens that look at it, and again when an order changed.

A screen says which drawing it shows and gets, of cards that read the same since, their places only.
It must never be older than the commit that a screen was told of.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Final

from flask import current_app, render_template
from flask_babel import get_locale
from markupsafe import Markup

from hub.pickup.board import queries as boards
from hub.pickup.lifecycle import Status
from kiosk_ui.counter import cards, hands
from kiosk_ui.session import hub

# Timers move on and names may change: no rendering is shown longer.
LONGEST_S: Final = 10.0
HELD_SHOWN: Final = 12
CARDS_KEPT: Final = 2_000
# Drawings that a screen may still show when the next comes: it asks several times a second at most.
DRAWINGS_KEPT: Final = 32
# Stands in the columns where a card goes.
PLACE: Final = "\0"


@dataclass(frozen=True)
class Drawing:
    """The columns at one moment: what stands around the cards, and cards by column and order."""

    name: str
    mark: tuple[str, int, str]
    at: float
    around: tuple[str, ...]
    cards: Mapping[tuple[str, str], str]

    def html(self, shown: "Drawing | None") -> str:
        """Return all of it, or what a screen needs that shows the drawing `shown`."""
        parts = [self.around[0]]
        for ((column, order_id), card), after in zip(
            self.cards.items(), self.around[1:], strict=True
        ):
            same = shown is not None and shown.cards.get((column, order_id)) == card
            parts += (_same(order_id) if same else card, after)
        return "".join(parts)


class Board:
    """The columns as HTML, by the last commit that touched an order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[int, Drawing] = {}
        self._drawn: OrderedDict[str, Drawing] = OrderedDict()
        self._numbers = count(1)

    def shown(self, known: str | None = None) -> str:
        """Return the columns; `known` names the drawing that the screen has."""
        app, changed = id(current_app._get_current_object()), touched()  # type: ignore[attr-defined]
        mark = (hub().ring.epoch, changed, str(get_locale()))
        with self._lock:
            newest = self._newest.get(app)
            fresh = newest is not None and newest.mark == mark
            if newest is None or not fresh or time.monotonic() - newest.at >= LONGEST_S:
                newest = draw(f"{mark[0]}-{next(self._numbers)}", mark)
                self._newest[app] = self._drawn[newest.name] = newest
                if len(self._drawn) > DRAWINGS_KEPT:
                    self._drawn.popitem(last=False)
            return newest.html(self._drawn.get(known or ""))


def touched() -> int:
    """Return the number of the last commit that touched an order or a person."""
    number: int = current_app.extensions["storehub_touched"].number
    return number


def draw(name: str, mark: tuple[str, int, str]) -> Drawing:
    """Draw the columns as the store stands now."""
    drawn: dict[tuple[str, str], str] = {}

    def place(card: cards.Card, column: str) -> Markup:
        drawn[column, card.order_id] = _card_html(card, column, *mark[::2])
        return Markup(PLACE)

    shown, now, open_at = hub(), hub().clock.now(), hands.hands()
    with shown.reader() as connection:
        known = cards.Known(connection)
        counts = boards.counts(connection)
        limit = shown.options.column_cards
        columns = [
            cards.column(
                name,
                title,
                icon,
                boards.board(connection, states, limit, now),
                counts,
                known,
                now,
                hands=lambda order_id: open_at.others(order_id, None),
            )
            for name, title, icon, states in cards.COLUMNS
        ]
        held = boards.board(connection, (Status.ON_HOLD,), HELD_SHOWN, now)
        calling = known.still_unclaimed()
        strip = [cards.card(order, known, now) for order in held]
        coming = [cards.arrival(order, known, now) for order in boards.coming(connection, now)]
    shown_cards = [card for column in columns for card in column.cards]
    around = render_template(
        "counter/columns.html",
        name=name,
        columns=columns,
        held=strip,
        calling=calling,
        coming=coming,
        open=sum(column.total for column in columns),
        late=sum(card.timing == "late" for card in shown_cards),
        soon=sum(card.timing == "soon" for card in shown_cards),
        place=place,
    )
    return Drawing(name, mark, time.monotonic(), tuple(around.split(PLACE)), drawn)


def _same(order_id: str) -> str:
    return Markup('<i id="card-{}" data-same></i>').format(order_id)


@lru_cache(maxsize=CARDS_KEPT)
def _card_html(card: cards.Card, column: str, epoch: str, language: str) -> str:
    """Render a card once for as long as it reads the same."""
    return render_template(
        "counter/card.html", card=card, column=column, epoch=epoch, tap=cards.TAP.get(card.state)
    )
