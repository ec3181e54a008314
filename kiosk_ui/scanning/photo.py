"""All codes of one photo: which articles lie there, how often each was seen, and what is not sold.

It must never change anything: one look at bars is no proof, a person reads the list.
"""

from collections import Counter
from typing import Annotated, Final

import msgspec
from flask import Response, render_template, request

from hub import gs1
from hub.catalog import queries as catalog
from hub.staff.rules import BADGE
from kiosk_ui.counter.scans import said
from kiosk_ui.scanning import reader
from kiosk_ui.session import hub
from kiosk_ui.words import _

MOST: Final = 200
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
_codes: Final = msgspec.json.Decoder(
    Annotated[list[tuple[_Text, str]], msgspec.Meta(max_length=MOST)]
)


def answer() -> Response:
    """Return the articles of `codes`, a JSON list of [text, symbology], most seen first."""
    try:
        codes = _codes.decode(request.form.get("codes", ""))
    except msgspec.MsgspecError:
        return said(_("A photo with at most %(n)s codes can be looked up.", n=MOST))
    if not codes:
        return said(_("No code was found. Go closer, or take several photos."))
    sold, strange = Counter[str](), Counter[str]()
    with hub().reader() as connection:
        for text, name in codes:
            meaning = gs1.read(text, reader.symbology_of(name, text))
            if meaning.text.startswith(BADGE):
                continue
            sku = catalog.sku_for_gtin(connection, meaning.gtin) if meaning.gtin else None
            sku = sku or catalog.sku_of(connection, meaning.text)
            if sku is not None:
                sold[sku] += 1
            else:
                strange[meaning.gtin or meaning.text[:60]] += 1
        found = [(reader.article(connection, sku), times) for sku, times in sold.most_common()]
    return Response(
        render_template(
            "scanning/photo.html", found=found, strange=strange.most_common(), count=len(codes)
        )
    )
