"""Shows a lead the signature that stands for a handover, once it is noted who looks.

It must never keep what it draws: the strokes go into this one answer, no log and no reply.
"""

from typing import Any, Final

import msgspec
from flask import Blueprint, render_template

from hub.customers import actions, queries
from hub.errors import Forbidden, HubError
from kiosk_ui.counter.cards import Known
from kiosk_ui.session import Person, hub, need

signature = Blueprint("signature", __name__, url_prefix="/counter")
ACROSS: Final = 1000  # the pad's width in the strokes' own units
DOWN: Final = 420  # its height on the counter's screen
EDGE: Final = 20  # a line at the edge is drawn whole


@signature.post("/orders/<order_id>/signature")
def look(order_id: str) -> str:
    """Draw it; a refusal is said in its place."""
    person = need("signature")
    if person.program:
        raise Forbidden("A program may not look at a signature.")
    try:
        strokes, _at = hub().writer.run(
            lambda tx: actions.look_at_signature(tx, order_id, actor=person.actor)
        )
    except HubError as error:
        return render_template("counter/signature.html", refused=error.sentence)
    with hub().reader() as connection:
        found = kept(connection, Known(connection), order_id, person)
    return render_template("counter/signature.html", signature=found, drawn=drawing(strokes))


def kept(connection: Any, known: Known, order_id: str, person: Person) -> dict[str, Any] | None:
    """Say that there is one to look at, since when, and who looked; None for whom it is not."""
    if not person.may("signature"):
        return None
    found = queries.signature(connection, order_id)
    if found is None:
        return None
    looks = [
        {"who": known.person(one["actor"]), "at": one["at"]}
        for one in queries.looks(connection, order_id)
    ]
    return {"order_id": order_id, "at": found[1], "looks": looks}


def drawing(strokes: str) -> dict[str, Any]:
    """Return `{"width","height","lines"}` of an SVG, from `[[x, y, x, y, …], …]`."""
    drawn = msgspec.json.decode(strokes, type=list[list[int]])
    lines = [list(zip(stroke[::2], stroke[1::2], strict=True)) for stroke in drawn if stroke]
    return {
        "width": ACROSS + EDGE,
        "height": max(DOWN, *(y for line in lines for _x, y in line)) + EDGE,
        # A line from a point to itself is a dot: its ends are round.
        "lines": [" ".join(f"{x},{y}" for x, y in (line[0], *line)) for line in lines],
    }
