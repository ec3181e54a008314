"""The catalogue as this store holds it: a replica of central's.

It must never write.
"""

from typing import Any

import msgspec
from flask import request

from hub.catalog import search as catalog
from hub.errors import Invalid
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import Query, read
from kiosk_ui.api.orders import asked_limit
from kiosk_ui.session import hub

LONGEST = 200


@read(
    "/catalog/search",
    "Products by words, SKU or barcode; small typing errors are forgiven.",
    step="catalog",
    answer=bodies.Listed,
    queries=(
        Query("q", "What to look for.", required=True),
        Query("limit", "At most so many, 20 unless told.", kind="integer"),
        Query("lang", "Language of the names."),
    ),
)
def search() -> Any:
    text = request.args.get("q", "").strip()
    if not text:
        raise Invalid("q is what to look for.", field="q")
    if len(text) > LONGEST:
        raise Invalid(f"q has at most {LONGEST} characters.", field="q")
    limit = asked_limit(100, 20)
    with hub().reader() as connection:
        found = catalog.search(
            connection, text, limit, request.args.get("lang", "en"), hub().clock.now()
        )
    return {"items": [msgspec.to_builtins(one) for one in found], "next": None}
