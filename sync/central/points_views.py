"""The API of customers' points: balance and entries of one, and the rate for orders to come.

It must never change a balance: points follow the goods and nothing else.
"""

from typing import Annotated, Final

import msgspec
from flask import Blueprint, Response, request

from hub.errors import Invalid

from . import intake, points_rules, store_points
from .web import answer, inventory, may, once

blueprint = Blueprint("points_api", __name__, url_prefix="/api/v1")


class Loyalty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/v1/loyalty`: points for each major unit of money; 0: none."""

    points_per_unit: Annotated[int, msgspec.Meta(ge=0, le=points_rules.MOST_RATE)]


_wanted: Final = msgspec.json.Decoder(Loyalty)


@blueprint.get("/loyalty")
@may("read")
def loyalty() -> Response:
    with inventory().store.reader() as conn:
        return answer({"points_per_unit": store_points.rate(conn)})


@blueprint.post("/loyalty")
@may("admin")
def set_loyalty() -> Response:
    wanted = intake.decode(_wanted, request.get_data()).points_per_unit
    return once(lambda tx: (200, {"points_per_unit": store_points.set_rate(tx, wanted)}, False))


@blueprint.get("/customers/<ref>/points")
@may("read")
def points(ref: str) -> Response:
    after = request.args.get("after", "0")
    if not (after.isascii() and after.isdecimal()) or len(after) > 9:
        raise Invalid("after is the next of the page before.", field="after")
    with inventory().store.reader() as conn:
        return answer(store_points.of_customer(conn, ref, int(after)))
